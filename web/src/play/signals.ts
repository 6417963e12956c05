/** What the layers of one network look like, as `goodinit.measuring.signals` measures it. */

import type { LayerValues, Networks, NetworkState } from "../engine/network";
import limits from "../generated/thresholds.json";

export interface LayerSignals {
  readonly units: number;
  readonly distinct: number;
  readonly dead: number;
  readonly saturated: number;
  readonly preactivationRms: number;
  readonly activationRms: number;
  readonly gradientRms: number;
  /** Pre-activation RMS over the RMS of the layer's input. */
  readonly gain: number;
}

const WITHOUT_FLAT_ENDS = ["relu", "leaky_relu", "linear"];
const SLOPES_ASKED = 2001;

/** Return every layer's signals on the training examples; of the output dead and saturated are 0. */
export function measured(networks: Networks, network: NetworkState): LayerSignals[] {
  const flat = WITHOUT_FLAT_ENDS.includes(networks.setup.activation)
    ? 0
    : limits.flat_slope * steepest(networks); // before the layers, over whose values it writes
  const gradient = networks.gradient(network);
  const layers = networks.layers(network);
  const sizes = networks.setup.layers;
  let at = 0;
  let input = rms(networks.inputs(), sizes[0]!, layers[0]!.row, layers[0]!.examples);
  return layers.map((layer, l) => {
    const { units, row, examples } = layer;
    const fanIn = sizes[l]!;
    const weights = network.parameters.subarray(at, at + units * fanIn);
    const biases = network.parameters.subarray(at + units * fanIn, at + units * (fanIn + 1));
    const slopes = gradient.subarray(at, at + units * fanIn);
    at += units * (fanIn + 1);
    const hidden = l < layers.length - 1;
    const preactivationRms = rms(layer.preactivations, units, row, examples);
    const activationRms = rms(layer.activations, units, row, examples);
    const gain = preactivationRms / input;
    input = activationRms;
    return {
      units,
      distinct: distinct(layer, weights, biases, fanIn),
      dead: hidden ? share(layer, isDead(layer), 1) : 0,
      saturated:
        hidden && flat > 0
          ? share(layer, (i) => Math.abs(layer.slopes[i]!) < flat, limits.flat_examples)
          : 0,
      preactivationRms,
      activationRms,
      gradientRms: rms(slopes, 1, slopes.length, slopes.length),
      gain,
    };
  });
}

/** Return the RMS of every layer's pre-activations, and of its weights' gradient. */
export function scales(networks: Networks, network: NetworkState): { signal: number[]; slope: number[] } {
  const gradient = networks.gradient(network);
  const sizes = networks.setup.layers;
  let at = 0;
  const slope = sizes.slice(1).map((units, l) => {
    const count = units * sizes[l]!;
    const own = gradient.subarray(at, at + count);
    at += count + units;
    return rms(own, 1, count, count);
  });
  const signal = networks
    .layers(network)
    .map(({ preactivations, units, row, examples }) => rms(preactivations, units, row, examples));
  return { signal, slope };
}

function steepest(networks: Networks): number {
  const asked = Array.from({ length: SLOPES_ASKED }, (_, i) => -10 + (20 * i) / (SLOPES_ASKED - 1));
  return Math.max(...networks.evaluate(Float64Array.from(asked)).slopes);
}

/** Return whether a unit is silent, and has no slope, on an example that lies at some place. */
function isDead({ preactivations, activations, slopes }: LayerValues): (i: number) => boolean {
  if (slopes.length === 0) return (i) => !(preactivations[i]! > 0);
  return (i) => activations[i] === 0 && slopes[i] === 0;
}

function rms(values: Float64Array, units: number, row: number, examples: number): number {
  let sum = 0;
  for (let u = 0; u < units; u++) {
    for (let n = 0; n < examples; n++) sum += values[u * row + n]! ** 2;
  }
  return Math.sqrt(sum / (units * examples));
}

/** Return the share of units of which it holds on more than that part of the examples (1: all). */
function share(
  layer: LayerValues,
  holds: (place: number) => boolean,
  part: number,
): number {
  let found = 0;
  for (let u = 0; u < layer.units; u++) {
    let count = 0;
    for (let n = 0; n < layer.examples; n++) {
      if (holds(u * layer.row + n)) count++;
    }
    if (part < 1 ? count / layer.examples > part : count === layer.examples) found++;
  }
  return found / layer.units;
}

/** Count units, those once that agree in incoming weights and bias and in activations. */
function distinct(
  { units, row, examples, activations }: LayerValues,
  weights: Float64Array,
  biases: Float64Array,
  fanIn: number,
): number {
  const incoming = (u: number, v: number): boolean => {
    const apart = (biases[u]! - biases[v]!) ** 2;
    const larger = Math.max(biases[u]! ** 2, biases[v]! ** 2);
    return alike(weights, u * fanIn, v * fanIn, fanIn, apart, larger);
  };
  let count = 0;
  for (let u = 0; u < units; u++) {
    let repeated = false;
    for (let v = 0; v < u && !repeated; v++) {
      repeated = incoming(u, v) && alike(activations, u * row, v * row, examples, 0, 0);
    }
    if (!repeated) count++;
  }
  return count;
}

/** Return whether two stretches differ by less than a small part of the longer one's length. */
function alike(
  values: Float64Array,
  a: number,
  b: number,
  count: number,
  apart: number,
  larger: number,
): boolean {
  let ofA = larger;
  let ofB = larger;
  for (let i = 0; i < count; i++) {
    apart += (values[a + i]! - values[b + i]!) ** 2;
    ofA += values[a + i]! ** 2;
    ofB += values[b + i]! ** 2;
  }
  return apart <= limits.same_unit ** 2 * Math.max(ofA, ofB);
}
