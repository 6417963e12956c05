/** What should happen before anything is trained: theory's line, and the band of networks this narrow. */

import { drawParameters, type Scheme } from "../engine/initializers";
import { started, type Networks, type Points } from "../engine/network";
import { scales } from "./signals";

/** Of every layer, the output last. */
export interface Theory {
  /** RMS of the pre-activations at infinite width. */
  readonly line: readonly number[];
  /** Between which 90 % of networks lie. */
  readonly signal: readonly [readonly number[], readonly number[]];
  readonly slope: readonly [readonly number[], readonly number[]];
}

export const DRAWS = 60;
const SEEDS = 2 ** 31; // from here on, so that no network on the page was drawn for its band
const INSIDE = 0.9;
const REACH = 9; // standard deviations; what lies beyond weighs 1e-19
const NODES = 512;

/** One initializer's theory, worked out a little at a time. */
export class Drawing {
  private readonly signals: number[][] = [];
  private readonly slopes: number[][] = [];

  constructor(
    private readonly networks: Networks,
    private readonly scheme: Scheme,
    private readonly scale: number,
    private readonly train: Points,
  ) {}

  /** Draw networks for some milliseconds; return what they say once there are enough. */
  go(milliseconds: number): Theory | null {
    const until = performance.now() + milliseconds;
    const { layers } = this.networks.setup;
    while (this.signals.length < DRAWS) {
      const seed = SEEDS + this.signals.length;
      const one = started(drawParameters(this.scheme, this.scale, layers, seed), seed);
      const { signal, slope } = scales(this.networks, one);
      this.signals.push(signal);
      this.slopes.push(slope);
      if (performance.now() > until) break;
    }
    if (this.signals.length < DRAWS) return null;
    const line = infinite(this.networks, this.scheme, this.scale, this.train);
    return { line, signal: band(this.signals), slope: band(this.slopes) };
  }
}

/** Return the ends between which 90 % of further networks lie: order statistics at (n + 1) p. */
export function band(drawn: readonly (readonly number[])[]): [number[], number[]] {
  const layers = drawn[0]!.map((_, l) => drawn.map((one) => Math.log(one[l]!)).sort((a, b) => a - b));
  const [low, high] = [(1 - INSIDE) / 2, (1 + INSIDE) / 2].map((p) =>
    layers.map((sorted) => {
      const place = Math.min(Math.max((sorted.length + 1) * p - 1, 0), sorted.length - 1);
      const before = sorted[Math.floor(place)]!;
      const after = sorted[Math.ceil(place)]!;
      return Math.exp(before === after ? before : before + (place % 1) * (after - before));
    }),
  );
  return [low!, high!];
}

/** Return the lengths by depth of infinitely wide layers: q' = σ² E[φ(z)²] (Poole et al. 2016, 3). */
export function infinite(
  networks: Networks,
  scheme: Scheme,
  scale: number,
  train: Points,
): number[] {
  const { layers } = networks.setup;
  if (!scheme.variance) return [];
  const examples = train.y.length;
  const gain = (l: number): number => layers[l]! * scheme.variance!(layers[l + 1]!, layers[l]!, scale);
  let q = Float64Array.from({ length: examples }, (_, n) => {
    let square = 0;
    for (let f = 0; f < layers[0]!; f++) square += train.X[f * examples + n]! ** 2;
    return (gain(0) * square) / layers[0]!;
  });
  return layers.slice(1).map((_, l) => {
    if (l > 0) q = q.map((length) => gain(l) * meanSquare(networks, Math.sqrt(length)));
    return Math.sqrt(q.reduce((sum, length) => sum + length, 0) / examples);
  });
}

const AT = Float64Array.from({ length: NODES + 1 }, (_, k) => REACH * ((2 * k) / NODES - 1));
const WEIGHTS = AT.map((x) => (Math.exp(-0.5 * x * x) * 2 * REACH) / NODES / Math.sqrt(2 * Math.PI));

/** Return E[φ(z)²] of z ~ N(0, std²), by the trapezoid rule, a node of which is at the bend. */
function meanSquare(networks: Networks, std: number): number {
  const { values } = networks.evaluate(AT.map((x) => std * x));
  return values.reduce((sum, value, k) => sum + WEIGHTS[k]! * value * value, 0);
}
