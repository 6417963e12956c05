/** What is asked: its form in the page's address, and as a command of goodinit. */

import { SCHEMES, spec } from "../engine/initializers";
import { ACTIVATIONS, OPTIMIZERS, type Activation, type Optimizer } from "../engine/network";

export type Axis = "linear" | "log";
export const DATA = ["circles", "moons", "spirals", "xor", "blobs", "painted"] as const;
export const RATES = [0.0001, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1, 3, 10] as const;
export const BATCHES = [0, 8, 16, 32, 64, 128] as const;
export const SPEEDS = [1, 5, 10, 30, 100, 500] as const;
export const MOST_INITIALIZERS = 6;
export const MOST_SEEDS = 64;
export const MOST_LAYERS = 30;
export const MOST_UNITS = 64;
const FEW = 3; // layers

export interface Asked {
  readonly scheme: string;
  readonly scale: number;
}

export interface State {
  readonly data: (typeof DATA)[number];
  /** Points of a visitor's own, as the address has them. */
  readonly painted: string;
  readonly hidden: readonly number[];
  readonly activation: Activation;
  readonly learningRate: number;
  readonly optimizer: Optimizer;
  /** 0 means all examples. */
  readonly batchSize: number;
  readonly initializers: readonly Asked[];
  readonly seeds: number;
  readonly firstSeed: number;
  /** Iterations per frame. */
  readonly speed: number;
  readonly axis: Axis;
}

export const START: State = {
  data: "circles",
  painted: "",
  hidden: [10, 5],
  activation: "relu",
  learningRate: 0.03, // three times the articles', so that He learns while one looks on
  optimizer: "gradient_descent",
  batchSize: 0,
  initializers: [
    { scheme: "zeros", scale: 1 },
    { scheme: "normal", scale: 10 },
    { scheme: "he_normal", scale: 1 },
  ],
  seeds: 8,
  firstSeed: 0,
  speed: 30,
  axis: "linear",
};

/** Return layers from text such as `10,5` or `20x6`, or null where it is none. */
export function layers(text: string): number[] | null {
  const found = text.split(",").flatMap((part) => {
    const [, units, times] = /^\s*(\d{1,3})(?:\s*x\s*(\d{1,3}))?\s*$/.exec(part) ?? [];
    return Array<number>(Math.min(Number(times ?? 1), 99)).fill(Number(units));
  });
  const fit = found.length > 0 && found.length <= MOST_LAYERS;
  return fit && found.every((units) => units >= 1 && units <= MOST_UNITS) ? found : null;
}

/** Return layers as they are typed: 20x6 for six of 20, and few of them one by one. */
export function written(hidden: readonly number[]): string {
  const same = hidden.every((units) => units === hidden[0]);
  return same && hidden.length > FEW ? `${hidden[0]}x${hidden.length}` : hidden.join(",");
}

/** Return what the address has after `#`. */
export function address(state: State): string {
  const inits = state.initializers.map(({ scheme, scale }) =>
    SCHEMES[scheme]?.scale ? `${scheme}:${scale}` : scheme,
  );
  return new URLSearchParams({
    data: state.data,
    ...(state.data === "painted" ? { points: state.painted } : {}),
    hidden: written(state.hidden),
    activation: state.activation,
    rate: String(state.learningRate),
    optimizer: state.optimizer,
    batch: String(state.batchSize),
    init: inits.join(" "),
    seeds: String(state.seeds),
    first: String(state.firstSeed),
    speed: String(state.speed),
    axis: state.axis,
  }).toString();
}

/** Return the state of an address; what is missing or makes no sense is as at the start. */
export function fromAddress(hash: string): State {
  const given = new URLSearchParams(hash.replace(/^#/, ""));
  const one = <T extends string>(name: string, of: readonly T[], other: T): T =>
    of.find((each) => each === given.get(name)) ?? other;
  const whole = (name: string, least: number, most: number, other: number): number => {
    const value = Number(given.get(name) ?? NaN);
    return Number.isInteger(value) && value >= least && value <= most ? value : other;
  };
  const rate = Number(given.get("rate"));
  const asked = (given.get("init") ?? "").split(" ").flatMap((text): Asked[] => {
    const [scheme, scale] = text.split(":") as [string, string?];
    const known = Object.hasOwn(SCHEMES, scheme) ? SCHEMES[scheme] : undefined;
    const value = scale ? Number(scale) : (known?.scale?.start ?? 1);
    return known && value > 0 && value <= 1000 ? [{ scheme, scale: value }] : [];
  });
  return {
    data: one("data", DATA, START.data),
    painted: (given.get("points") ?? "").replace(/[^0-9a-z]/g, ""),
    hidden: layers(given.get("hidden") ?? "") ?? START.hidden,
    activation: one("activation", ACTIVATIONS, START.activation),
    learningRate: rate > 0 && rate <= 1000 ? rate : START.learningRate,
    optimizer: one("optimizer", OPTIMIZERS, START.optimizer),
    batchSize: whole("batch", 0, 300, START.batchSize),
    initializers: asked.length ? asked.slice(0, MOST_INITIALIZERS) : START.initializers,
    seeds: whole("seeds", 1, MOST_SEEDS, START.seeds),
    firstSeed: whole("first", 0, 2 ** 40, START.firstSeed),
    speed: whole("speed", 1, 1000, START.speed),
    axis: one("axis", ["linear", "log"], START.axis),
  };
}

/** Return in one line what is trained. */
export function summary(state: State, outputs: number): string {
  const { hidden, seeds } = state;
  const sizes = hidden.length > 4 ? `2-${written(hidden)}-${outputs}` : [2, ...hidden, outputs].join("-");
  const optimizer = state.optimizer.replaceAll("_", " ");
  const batch = state.batchSize ? `batches of ${state.batchSize}` : "full batch";
  const many = `${seeds} seed${seeds === 1 ? "" : "s"}`;
  return [state.data, sizes, state.activation, `${optimizer}, rate ${state.learningRate}`, batch, many].join(" · ");
}

/** Return the command that asks the same of `goodinit compare`, from the same seeds. */
export function command(state: State): string {
  const names = [...new Set(state.initializers.map(({ scheme, scale }) => spec(SCHEMES[scheme]!, scale)))];
  const seeds = Array.from({ length: state.seeds }, (_, i) => state.firstSeed + i);
  const parts = [
    `goodinit compare ${state.data === "painted" ? "points.csv --target class" : state.data}`,
    `--hidden ${written(state.hidden)}`,
    `--activation ${state.activation}`,
    `--learning-rate ${state.learningRate}`,
    state.optimizer === "gradient_descent" ? "" : `--optimizer ${state.optimizer}`,
    state.batchSize === 0 ? "" : `--batch-size ${state.batchSize}`,
    `--init "${names.join(",")}"`,
    `--seeds ${state.firstSeed === 0 ? state.seeds : seeds.join(",")}`,
  ];
  return parts.filter(Boolean).join(" ");
}
