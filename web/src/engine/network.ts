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
  place(pre: number, act: number, delta: number, slopes: number): void;
  forward(parameters: number, X: number, examples: number): void;
  backward(parameters: number, X: number, targets: number, examples: number): number;
  cost(targets: number, examples: number): number;
  logits(examples: number): number;
  slope(z: number): number;
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
}

export class Networks {
  readonly parameterCount: number;
  private readonly memory: WebAssembly.Memory;
  private readonly kernel: Exports;
  private top: number;
  private readonly parts: Record<"train" | "test" | "grid", Part>;
  private readonly parameters: number;
  private readonly state: number;
  private readonly order: number;
  private readonly gathered: number;
  private readonly pre: number;
  private readonly act: number;

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
    const none = new Int32Array(grid.length / layers[0]!);
    this.parts = {
      train: this.laid(train.X, train.y),
      test: this.laid(test.X, test.y),
      grid: this.laid(grid, none),
    };
    const longest = Math.max(...Object.values(this.parts).map((part) => padded(part.examples)));
    const units = layers.slice(1).reduce((sum, size) => sum + size, 0);
    const widest = Math.max(...layers);
    const batch = Math.max(1, setup.batchSize);
    this.pre = this.reserve(8 * units * longest);
    this.act = this.reserve(8 * units * longest);
    const delta = this.reserve(8 * 2 * widest * longest);
    const slopes = this.reserve(8 * this.parameterCount);
    this.kernel.place(this.pre, this.act, delta, slopes);
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

  /** Return what a network says at every point of the grid: of two classes the second's odds. */
  boundary(network: NetworkState): Float32Array {
    const { grid } = this.parts;
    this.run(network, grid);
    if (this.setup.output === "softmax") return Float32Array.from(this.classes(grid.examples));
    const z = this.floats(this.kernel.logits(grid.examples), grid.examples);
    return Float32Array.from(z, (logit) => 1 / (1 + Math.exp(-logit)));
  }

  /** Return every layer's values on the training part; views that the next call overwrites. */
  layers(network: NetworkState): LayerValues[] {
    const { train } = this.parts;
    this.run(network, train);
    return this.values(train);
  }

  /** Return what each unit of the first hidden layer, and of the others, says on the grid. */
  unitsOnGrid(network: NetworkState): LayerValues[] {
    this.run(network, this.parts.grid);
    return this.values(this.parts.grid).slice(0, -1);
  }

  /** Return the gradient of the training cost, packed like the parameters. */
  gradient(network: NetworkState): Float64Array {
    const { train } = this.parts;
    this.run(network, train);
    const at = this.kernel.backward(this.parameters, train.X, train.targets, train.examples);
    return this.floats(at, this.parameterCount).slice();
  }

  /** Return the slope of the hidden layers' activation. */
  slope(z: number): number {
    return this.kernel.slope(z);
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
      return { units, examples: part.examples, row, preactivations, activations };
    });
  }

  private classes(examples: number): Int32Array {
    const row = padded(examples);
    const units = this.setup.layers.at(-1)!;
    const z = this.floats(this.kernel.logits(examples), units * row);
    return Int32Array.from({ length: examples }, (_, n) => {
      if (units === 1) return Number(z[n]! > 0);
      let best = 0;
      for (let o = 1; o < units; o++) if (z[o * row + n]! > z[best * row + n]!) best = o;
      return best;
    });
  }

  private laid(X: Float64Array, y: Int32Array): Part {
    const examples = y.length;
    const row = padded(examples);
    const features = this.setup.layers[0]!;
    const outputs = this.setup.layers.at(-1)!;
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
