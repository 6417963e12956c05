/** The schemes of `goodinit.initializers` that the page offers; weights are (fan_out, fan_in). */

import { Generator } from "./random";

export type Draw = (rng: Generator, fanOut: number, fanIn: number, scale: number) => Float64Array;
type Variance = (fanOut: number, fanIn: number, scale: number) => number;

export interface Scheme {
  /** As the command line writes it; `*` stands for the scale. */
  readonly spec: string;
  readonly formula: string;
  readonly draw: Draw;
  /** Of one weight of mean 0; a scheme without has other means, and no theory. */
  readonly variance?: Variance;
  /** What its slider sets, for a scheme that has one. */
  readonly scale?: { readonly name: string; readonly start: number };
}

function filled(count: number, of: () => number): Float64Array {
  const values = new Float64Array(count);
  for (let i = 0; i < count; i++) values[i] = of();
  return values;
}

function normal(variance: Variance): Pick<Scheme, "draw" | "variance"> {
  const draw: Draw = (rng, fanOut, fanIn, scale) => {
    const std = Math.sqrt(variance(fanOut, fanIn, scale));
    return filled(fanOut * fanIn, () => std * rng.normal());
  };
  return { draw, variance };
}

function uniform(variance: Variance): Pick<Scheme, "draw" | "variance"> {
  const draw: Draw = (rng, fanOut, fanIn, scale) => {
    const end = Math.sqrt(3) * Math.sqrt(variance(fanOut, fanIn, scale));
    return filled(fanOut * fanIn, () => -end + 2 * end * rng.uniform());
  };
  return { draw, variance };
}

/** Draw from the Haar measure: Gram and Schmidt twice on Gaussian columns, R's diagonal positive. */
function orthogonal(rng: Generator, fanOut: number, fanIn: number, gain: number): Float64Array {
  const rows = Math.max(fanOut, fanIn);
  const columns = Math.min(fanOut, fanIn);
  const drawn = filled(rows * columns, () => rng.normal());
  const q = Array.from({ length: columns }, (_, c) =>
    Float64Array.from({ length: rows }, (_, r) => drawn[r * columns + c]!),
  );
  const dot = (a: Float64Array, b: Float64Array): number =>
    a.reduce((sum, value, i) => sum + value * b[i]!, 0);
  q.forEach((column, c) => {
    for (const earlier of [...q.slice(0, c), ...q.slice(0, c)]) {
      const along = dot(column, earlier);
      earlier.forEach((value, r) => (column[r]! -= along * value));
    }
    const length = Math.sqrt(dot(column, column));
    column.forEach((value, r) => (column[r] = value / length));
  });
  const weights = new Float64Array(fanOut * fanIn);
  for (let o = 0; o < fanOut; o++) {
    for (let i = 0; i < fanIn; i++) {
      weights[o * fanIn + i] = gain * (fanOut >= fanIn ? q[i]![o]! : q[o]![i]!);
    }
  }
  return weights;
}

export const SCHEMES: Readonly<Record<string, Scheme>> = {
  he_normal: { spec: "he_normal", formula: "N(0, 2/fan_in)", ...normal((_, i) => 2 / i) },
  glorot_normal: {
    spec: "glorot_normal",
    formula: "N(0, 2/(fan_in + fan_out))",
    ...normal((o, i) => 1 / ((o + i) / 2)),
  },
  lecun_normal: { spec: "lecun_normal", formula: "N(0, 1/fan_in)", ...normal((_, i) => 1 / i) },
  zeros: {
    spec: "zeros",
    formula: "0",
    draw: (_, o, i) => new Float64Array(o * i),
    variance: () => 0,
  },
  normal: {
    spec: "normal(std=*)",
    formula: "N(0, std²)",
    scale: { name: "std", start: 1 },
    draw: (rng, o, i, std) => filled(o * i, () => std * rng.normal()),
    variance: (_, __, std) => std * std,
  },
  uniform: {
    spec: "uniform(-*,*)",
    formula: "U[−end, end)",
    scale: { name: "end", start: 1 },
    draw: (rng, o, i, end) => filled(o * i, () => -end + (end - -end) * rng.uniform()),
    variance: (_, __, end) => (end * end) / 3,
  },
  orthogonal: {
    spec: "orthogonal(gain=*)",
    formula: "gain × a random rotation",
    scale: { name: "gain", start: 1 },
    draw: orthogonal,
    variance: (o, i, gain) => (gain * gain) / Math.max(o, i),
  },
  he_uniform: { spec: "he_uniform", formula: "U, variance 2/fan_in", ...uniform((_, i) => 2 / i) },
  glorot_uniform: {
    spec: "glorot_uniform",
    formula: "U, variance 2/(fan_in + fan_out)",
    ...uniform((o, i) => 1 / ((o + i) / 2)),
  },
  constant: {
    spec: "constant(*)",
    formula: "one value",
    scale: { name: "value", start: 0.1 },
    draw: (_, o, i, value) => filled(o * i, () => value),
  },
};

/** Return a network's parameters as Python packs them: per layer the weights, then biases of zero. */
export function drawParameters(
  scheme: Scheme,
  scale: number,
  layers: readonly number[],
  seed: number,
): Float64Array {
  const shapes = layers.slice(1).map((fanOut, l) => [fanOut, layers[l]!] as const);
  const all = new Float64Array(shapes.reduce((sum, [out, into]) => sum + out * (into + 1), 0));
  let at = 0;
  shapes.forEach(([fanOut, fanIn], l) => {
    all.set(scheme.draw(new Generator(seed, l), fanOut, fanIn, scale), at);
    at += fanOut * (fanIn + 1);
  });
  return all;
}

/** Return a scheme as the command line takes it. */
export function spec(scheme: Scheme, scale: number): string {
  return scheme.spec.replaceAll("*", String(scale));
}
