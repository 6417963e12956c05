/** A kind of network with its data in the memory of the compiled kernel, and many networks of it. */

export const ACTIVATIONS = [
  "relu",
  "leaky_relu",
  "tanh",
  "sigmoid",
  "elu",
  "selu",
  "gelu",
  "silu",
  "softplus",
  "linear",
] as const;
export const OUTPUTS = ["sigmoid", "softmax", "linear"] as const;
export const OPTIMIZERS = ["gradient_descent", "momentum", "nesterov", "adam"] as const;

export type Activation = (typeof ACTIVATIONS)[number];
export type Output = (typeof OUTPUTS)[number];
export type Optimizer = (typeof OPTIMIZERS)[number];

export interface Setup {
  readonly layers: readonly number[];
  readonly activation: Activation;
  readonly output: Output;
  readonly optimizer: Optimizer;
  readonly learningRate: number;
  /** Examples per update; 0 means all. */
  readonly batchSize: number;
}

export interface Points {
  /** Feature rows one after the other: x of every example, then y of every example. */
  readonly X: Float64Array;
  /** A class per example. */
  readonly y: Int32Array;
}

interface Exports {
  firstFree(): number;
  configure(
    depth: number,
    sizes: number,
    activation: number,
    slopeBelow: number,
    output: number,
    rule: number,
    momentum: number,
    squares: number,
  ): number;
  place(pre: number, act: number, der: number, delta: number, slopes: number): void;
  forward(parameters: number, X: number, examples: number): void;
  backward(parameters: number, X: number, targets: number, examples: number): number;
  cost(targets: number, examples: number): number;
  logits(examples: number): number;
  odds(z: number, out: number, bytes: number): void;
  evaluate(z: number, out: number, slopes: number, bytes: number): void;
  train(
    parameters: number,
    state: number,
    X: number,
    targets: number,
    examples: number,
    batch: number,
    steps: number,
    first: number,
    rate: number,
    seed: bigint,
    order: number,
    gathered: number,
  ): void;
}

const BLOCK = 8; // examples to whose multiple rows are padded, as in the kernel
const SLOPE_BELOW = 0.01; // of leaky ReLU
const MOMENTUM = 0.9;
const SQUARES = 0.999;
const PAGE = 65536;
const GRID_PART = 512; // points of the grid that are run at once, whose values stay in the cache

const padded = (examples: number): number => Math.ceil(examples / BLOCK) * BLOCK;

interface Part {
  readonly examples: number;
  readonly X: number;
  readonly targets: number;
  readonly y: Int32Array;
}

/** Values of one layer for all examples of a part. */
export interface LayerValues {
  readonly units: number;
  readonly examples: number;
  /** Of unit u and example n at u × row + n. */
  readonly row: number;
  readonly preactivations: Float64Array;
  readonly activations: Float64Array;
  /** The activation's slopes; empty for ReLU, whose signs tell them, and for the output. */
  readonly slopes: Float64Array;
}

export class Networks {
  readonly parameterCount: number;
  private readonly memory: WebAssembly.Memory;
  private readonly kernel: Exports;
  private top: number;
  private readonly parts: Record<"train" | "test", Part>;
  private readonly grid: readonly Part[];
  private readonly longest: number; // row of any part
  private readonly parameters: number;
  private readonly state: number;
  private readonly order: number;
  private readonly gathered: number;
  private readonly pre: number;
  private readonly act: number;
  private readonly der: number;
  private readonly delta: number;

  constructor(
    module: WebAssembly.Module,
    readonly setup: Setup,
    train: Points,
    test: Points,
    grid: Float64Array,
  ) {
    this.memory = new WebAssembly.Memory({ initial: 64, maximum: 16384 });
    const abort = (): never => {
      throw new Error("the kernel stopped");
    };
    const instance = new WebAssembly.Instance(module, { env: { memory: this.memory, abort } });
    this.kernel = instance.exports as unknown as Exports;
    this.top = Math.ceil(this.kernel.firstFree() / 16) * 16;
    const { layers } = setup;
    const sizes = this.reserve(4 * layers.length);
    new Int32Array(this.memory.buffer, sizes, layers.length).set(layers);
    this.parameterCount = this.kernel.configure(
      layers.length - 1,
      sizes,
      ACTIVATIONS.indexOf(setup.activation),
      SLOPE_BELOW,
      OUTPUTS.indexOf(setup.output),
      OPTIMIZERS.indexOf(setup.optimizer),
      MOMENTUM,
      SQUARES,
    );
    this.parts = { train: this.laid(train.X, train.y), test: this.laid(test.X, test.y) };
    this.grid = this.laidInParts(grid);
    const all = [this.parts.train, this.parts.test, ...this.grid];
    const longest = Math.max(...all.map((part) => padded(part.examples)));
    this.longest = longest;
    const units = layers.slice(1).reduce((sum, size) => sum + size, 0);
    const widest = Math.max(...layers);
    const batch = Math.max(1, setup.batchSize);
    this.pre = this.reserve(8 * units * longest);
    this.act = this.reserve(8 * units * longest);
    this.der = this.reserve(8 * units * longest);
    this.delta = this.reserve(8 * 2 * widest * longest);
    const slopes = this.reserve(8 * this.parameterCount);
    this.kernel.place(this.pre, this.act, this.der, this.delta, slopes);
    this.parameters = this.reserve(8 * this.parameterCount);
    this.state = this.reserve(8 * 2 * this.parameterCount);
    this.order = this.reserve(4 * train.y.length);
    this.gathered = this.reserve(8 * (layers[0]! + layers.at(-1)!) * padded(batch));
  }

  /** Train a network in place for some steps, the first of which is counted from 1. */
  train(network: NetworkState, steps: number): void {
    const { train } = this.parts;
    const batch = this.setup.batchSize || train.examples;
    this.put(network);
    this.kernel.train(
      this.parameters,
      this.state,
      train.X,
      train.targets,
      train.examples,
      batch,
      steps,
      network.steps + 1,
      this.setup.learningRate,
      BigInt(network.seed),
      this.order,
      this.gathered,
    );
    network.parameters.set(this.floats(this.parameters, this.parameterCount));
    network.memory.set(this.floats(this.state, 2 * this.parameterCount));
    network.steps += steps;
  }

  /** Return a network's mean cost and the share of examples that it classifies rightly. */
  measure(network: NetworkState, name: "train" | "test"): { cost: number; accuracy: number } {
    const part = this.parts[name];
    this.run(network, part);
    const cost = this.kernel.cost(part.targets, part.examples);
    const classes = this.classes(part.examples);
    const right = part.y.reduce((sum, y, n) => sum + Number(classes[n] === y), 0);
    return { cost, accuracy: right / part.examples };
  }

  /** Return the odds of each class at every point of the grid, class by class; of two the second's. */
  boundary(network: NetworkState): Float32Array {
    const planes = this.outputs;
    const count = this.grid.reduce((sum, part) => sum + part.examples, 0);
    const found = new Float32Array(planes * count);
    let before = 0;
    for (const part of this.grid) {
      this.run(network, part);
      const row = padded(part.examples);
      const at = this.kernel.logits(part.examples);
      if (planes === 1) this.kernel.odds(at, this.delta, 8 * row);
      else shares(this.floats(at, row * planes), this.floats(this.delta, row * planes), row, planes);
      for (let o = 0; o < planes; o++) {
        found.set(this.floats(this.delta + 8 * o * row, part.examples), o * count + before);
      }
      before += part.examples;
    }
    return found;
  }

  /** Return every layer's values on the training part; views that the next call overwrites. */
  layers(network: NetworkState): LayerValues[] {
    const { train } = this.parts;
    this.run(network, train);
    return this.values(train);
  }

  /** Return what each unit of a hidden layer, counted from 0, answers at every point of the grid. */
  unitsOnGrid(network: NetworkState, layer: number): Float32Array[] {
    const count = this.grid.reduce((sum, part) => sum + part.examples, 0);
    const units = this.setup.layers[layer + 1]!;
    const found = Array.from({ length: units }, () => new Float32Array(count));
    let before = 0;
    for (const part of this.grid) {
      this.run(network, part);
      const { activations, row } = this.values(part)[layer]!;
      found.forEach((unit, u) => unit.set(activations.subarray(u * row, u * row + part.examples), before));
      before += part.examples;
    }
    return found;
  }

  /** Return the hidden layers' activation, and of all but ReLU its slope, at any numbers. */
  evaluate(z: Float64Array): { values: Float64Array; slopes: Float64Array } {
    const values = new Float64Array(z.length);
    const slopes = new Float64Array(z.length);
    for (let from = 0; from < z.length; from += this.longest) {
      const part = z.subarray(from, from + this.longest);
      this.floats(this.pre, part.length).set(part);
      this.kernel.evaluate(this.pre, this.act, this.der, 8 * padded(part.length));
      values.set(this.floats(this.act, part.length), from);
      slopes.set(this.floats(this.der, part.length), from);
    }
    return { values, slopes };
  }

  /** Return the gradient of the training cost, packed like the parameters. */
  gradient(network: NetworkState): Float64Array {
    const { train } = this.parts;
    this.run(network, train);
    const at = this.kernel.backward(this.parameters, train.X, train.targets, train.examples);
    return this.floats(at, this.parameterCount).slice();
  }

  /** Return the training examples, feature by feature, as long as the rows of `layers`. */
  inputs(): Float64Array {
    const { train } = this.parts;
    return this.floats(train.X, this.setup.layers[0]! * padded(train.examples));
  }

  private run(network: NetworkState, part: Part): void {
    this.put(network);
    this.kernel.forward(this.parameters, part.X, part.examples);
  }

  private put(network: NetworkState): void {
    this.floats(this.parameters, this.parameterCount).set(network.parameters);
    this.floats(this.state, 2 * this.parameterCount).set(network.memory);
  }

  private values(part: Part): LayerValues[] {
    const row = padded(part.examples);
    let before = 0;
    return this.setup.layers.slice(1).map((units, l, all) => {
      const at = 8 * before * row;
      before += units;
      const last = l === all.length - 1;
      const preactivations = this.floats(this.pre + at, units * row);
      const activations = last ? preactivations : this.floats(this.act + at, units * row);
      const told = last || this.setup.activation === "relu";
      const slopes = this.floats(this.der + at, told ? 0 : units * row);
      return { units, examples: part.examples, row, preactivations, activations, slopes };
    });
  }

  private get outputs(): number {
    return this.setup.layers.at(-1)!;
  }

  private classes(examples: number): Int32Array {
    const row = padded(examples);
    const units = this.outputs;
    const z = this.floats(this.kernel.logits(examples), units * row);
    return Int32Array.from({ length: examples }, (_, n) => {
      if (units === 1) return Number(z[n]! > 0);
      let best = 0;
      for (let o = 1; o < units; o++) if (z[o * row + n]! > z[best * row + n]!) best = o;
      return best;
    });
  }

  private laidInParts(grid: Float64Array): Part[] {
    const features = this.setup.layers[0]!;
    const count = grid.length / features;
    return Array.from({ length: Math.ceil(count / GRID_PART) }, (_, p) => {
      const [from, to] = [p * GRID_PART, Math.min(count, (p + 1) * GRID_PART)];
      const X = new Float64Array(features * (to - from));
      for (let f = 0; f < features; f++) {
        X.set(grid.subarray(f * count + from, f * count + to), f * (to - from));
      }
      return this.laid(X, new Int32Array(to - from));
    });
  }

  private laid(X: Float64Array, y: Int32Array): Part {
    const examples = y.length;
    const row = padded(examples);
    const features = this.setup.layers[0]!;
    const { outputs } = this;
    const part = {
      examples,
      X: this.reserve(8 * features * row),
      targets: this.reserve(8 * outputs * row),
      y,
    };
    const rows = this.floats(part.X, features * row);
    for (let f = 0; f < features; f++) {
      rows.set(X.subarray(f * examples, (f + 1) * examples), f * row);
    }
    const wanted = this.floats(part.targets, outputs * row);
    y.forEach((of, n) => {
      if (this.setup.output === "softmax") wanted[of * row + n] = 1;
      else wanted[n] = of;
    });
    return part;
  }

  private floats(at: number, count: number): Float64Array {
    return new Float64Array(this.memory.buffer, at, count);
  }

  /** Return where that many bytes lie that nothing else uses. */
  private reserve(bytes: number): number {
    const at = this.top;
    this.top = Math.ceil((at + bytes) / 16) * 16;
    const missing = this.top - this.memory.buffer.byteLength;
    if (missing > 0) this.memory.grow(Math.ceil(missing / PAGE));
    return at;
  }
}

/** Write the softmax of logits that lie class by class in rows. */
function shares(z: Float64Array, out: Float64Array, row: number, classes: number): void {
  for (let n = 0; n < row; n++) {
    let top = -Infinity;
    let all = 0;
    for (let o = 0; o < classes; o++) top = Math.max(top, z[o * row + n]!);
    for (let o = 0; o < classes; o++) all += Math.exp(z[o * row + n]! - top);
    for (let o = 0; o < classes; o++) out[o * row + n] = Math.exp(z[o * row + n]! - top) / all;
  }
}

/** One network while it learns. */
export interface NetworkState {
  readonly seed: number;
  readonly parameters: Float64Array;
  /** What the optimizer remembers. */
  readonly memory: Float64Array;
  steps: number;
}

/** Return a network that has not learned yet. */
export function started(parameters: Float64Array, seed: number): NetworkState {
  return { seed, parameters, memory: new Float64Array(2 * parameters.length), steps: 0 };
}
