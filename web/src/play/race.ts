/** All seeds of some initializers while they learn; a worker's part of the page. */

import { drawParameters, SCHEMES } from "../engine/initializers";
import { Networks, started, type NetworkState, type Points, type Setup } from "../engine/network";
import sets from "../generated/points.json";
import { measured, type LayerSignals } from "./signals";
import type { State } from "./state";
import { told, type Said } from "./words";

export const GRID = 48; // points along each side of a decision boundary

export interface Span {
  readonly low: number;
  readonly high: number;
}

/** What one panel shows. */
export interface Snapshot {
  readonly place: number;
  readonly iteration: number;
  readonly costs: number[];
  readonly accuracies: number[];
  /** Odds of the second class, or of three classes which it is, row by row from the top. */
  readonly boundary: Float32Array;
  readonly signals: LayerSignals[];
  readonly said: Said | null;
}

export function points(name: State["data"]): { train: Points; test: Points } {
  const laid = (part: { X: number[]; y: number[] }): Points => ({
    X: Float64Array.from(part.X),
    y: Int32Array.from(part.y),
  });
  return { train: laid(sets[name].train), test: laid(sets[name].test) };
}

/** Return a square that holds all points with a margin. */
export function span(train: Points): Span {
  const far = train.X.reduce((most, x) => Math.max(most, Math.abs(x)), 0) * 1.1;
  return { low: -far, high: far };
}

export function setup(state: State, train: Points): Setup {
  const classes = Math.max(...train.y) + 1;
  return {
    layers: [2, ...state.hidden, classes > 2 ? classes : 1],
    activation: state.activation,
    output: classes > 2 ? "softmax" : "sigmoid",
    optimizer: state.optimizer,
    learningRate: state.learningRate,
    batchSize: state.batchSize,
  };
}

/** Return the cost of answering with how often each class is there. */
export function chance(train: Points): number {
  const counts = new Map<number, number>();
  train.y.forEach((y) => counts.set(y, (counts.get(y) ?? 0) + 1));
  const shares = [...counts.values()].map((count) => count / train.y.length);
  return -shares.reduce((sum, share) => sum + share * Math.log(share), 0);
}

interface Runner {
  readonly place: number;
  readonly seeds: NetworkState[];
  readonly start: LayerSignals[][];
  readonly first: number[];
}

export class Race {
  private readonly networks: Networks;
  private readonly runners: Runner[];
  private readonly chance: number;

  constructor(module: WebAssembly.Module, state: State, places: readonly number[]) {
    const { train, test } = points(state.data);
    const asked = setup(state, train);
    this.networks = new Networks(module, asked, train, test, grid(span(train)));
    this.chance = chance(train);
    this.runners = places.map((place) => {
      const { scheme, scale } = state.initializers[place]!;
      const seeds = Array.from({ length: state.seeds }, (_, i) => {
        const seed = state.firstSeed + i;
        return started(drawParameters(SCHEMES[scheme]!, scale, asked.layers, seed), seed);
      });
      const start = seeds.map((one) => measured(this.networks, one));
      const first = seeds.map((one) => this.networks.measure(one, "train").cost);
      return { place, seeds, start, first };
    });
  }

  advance(steps: number): void {
    for (const { seeds } of this.runners) {
      for (const one of seeds) if (steps > 0) this.networks.train(one, steps);
    }
  }

  /** Return what the panels show: the boundary of one seed or (-1) the mean, words where asked. */
  snapshots(seen: number, words: boolean): Snapshot[] {
    return this.runners.map((runner) => {
      const { place, seeds } = runner;
      const now = seeds.map((one) => this.networks.measure(one, "train"));
      const costs = now.map(({ cost }) => cost);
      return {
        place,
        iteration: seeds[0]!.steps,
        costs,
        accuracies: seeds.map((one) => this.networks.measure(one, "test").accuracy),
        boundary: this.boundary(seeds, seen),
        signals: measured(this.networks, seeds[Math.max(0, seen)] ?? seeds[0]!),
        said: words ? this.words(runner, costs) : null,
      };
    });
  }

  private words({ seeds, start, first }: Runner, costs: number[]): Said {
    return told(
      seeds.map((one, i) => ({
        start: start[i]!,
        now: measured(this.networks, one),
        first: first[i]!,
        cost: costs[i]!,
        chance: this.chance,
      })),
    );
  }

  private boundary(seeds: readonly NetworkState[], seen: number): Float32Array {
    const one = seeds[Math.max(0, seen)] ?? seeds[0]!;
    if (seen >= 0 || this.networks.setup.output === "softmax") return this.networks.boundary(one);
    const mean = new Float32Array(GRID * GRID);
    for (const each of seeds) {
      this.networks.boundary(each).forEach((odds, i) => (mean[i]! += odds / seeds.length));
    }
    return mean;
  }
}

function grid({ low, high }: Span): Float64Array {
  const at = (i: number): number => low + ((i + 0.5) / GRID) * (high - low);
  const count = GRID * GRID;
  return Float64Array.from({ length: 2 * count }, (_, i) =>
    i < count ? at(i % GRID) : at(GRID - 1 - Math.floor((i - count) / GRID)),
  );
}
