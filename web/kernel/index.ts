/**
 * One network's training as WebAssembly: forward, backward, update, as `network.py` has them.
 *
 * Every number is an f64. Values of layers lie unit by unit, examples last, so that two examples are
 * one SIMD vector; each unit's row is padded to a multiple of BLOCK examples, whose delta is zero.
 * Parameters lie as Python packs them: per layer weights (fan_out, fan_in), then biases.
 * The page owns the memory and says where everything is; one instance serves one kind of network.
 */

import { activate, sigmoid, softplus } from "./elementwise";
import { gather, shuffle } from "./order";
import { affine, back, weightSlopes } from "./products";

const BLOCK: i32 = 8;
const F64: usize = 8;

// The network and where its values are; set by `configure` and `place`.
let depth: i32 = 0; // layers with weights
let sizes: usize = 0; // i32[depth + 1]
let activation: i32 = 0;
let slopeBelow: f64 = 0; // of leaky ReLU
let output: i32 = 0; // 0 sigmoid, 1 softmax, 2 linear
let preactivations: usize = 0; // rows of every layer with weights, one layer after the other
let activations: usize = 0; // likewise, of the hidden layers
let derivatives: usize = 0; // likewise, the activation's slopes; of ReLU they aren't kept
let deltas: usize = 0; // two layers' rows, used in turn
let gradient: usize = 0; // packed like the parameters
let widest: i32 = 0;
let parameterCount: i32 = 0;

// The optimizer.
let rule: i32 = 0; // 0 gradient descent, 1 momentum, 2 Nesterov, 3 Adam
let momentum: f64 = 0.9;
let squares: f64 = 0.999;
const EPSILON: f64 = 1e-8;

/** Return where the page's own memory begins, above the kernel's constants. */
export function firstFree(): usize {
  return __heap_base;
}

export function configure(
  depth_: i32,
  sizes_: usize,
  activation_: i32,
  slopeBelow_: f64,
  output_: i32,
  rule_: i32,
  momentum_: f64,
  squares_: f64,
): i32 {
  depth = depth_;
  sizes = sizes_;
  activation = activation_;
  slopeBelow = slopeBelow_;
  output = output_;
  rule = rule_;
  momentum = momentum_;
  squares = squares_;
  widest = 0;
  parameterCount = 0;
  for (let l = 0; l <= depth; l++) {
    widest = max(widest, size(l));
    if (l > 0) parameterCount += size(l) * (size(l - 1) + 1);
  }
  return parameterCount;
}

/** Say where values are kept: rows for all layers three times, two layers' rows, and a gradient. */
export function place(pre: usize, act: usize, der: usize, delta: usize, slopes: usize): void {
  preactivations = pre;
  activations = act;
  derivatives = der;
  deltas = delta;
  gradient = slopes;
}

// @ts-ignore: a decorator
@inline
function size(layer: i32): i32 {
  return load<i32>(sizes + (<usize>layer << 2));
}

// @ts-ignore: a decorator
@inline
function padded(examples: i32): i32 {
  return (examples + BLOCK - 1) & ~(BLOCK - 1);
}

/** Compute every layer's values for examples whose feature rows are `padded(examples)` long. */
export function forward(parameters: usize, X: usize, examples: i32): void {
  const row = <usize>padded(examples) * F64;
  let weights = parameters;
  let pre = preactivations;
  let act = activations;
  let der = derivatives;
  let input = X;
  for (let l = 1; l <= depth; l++) {
    const fanIn = size(l - 1);
    const fanOut = size(l);
    affine(weights, input, pre, fanIn, fanOut, row);
    if (l < depth) {
      activate(activation, slopeBelow, pre, act, der, <usize>fanOut * row);
      input = act;
      act += <usize>fanOut * row;
      der += <usize>fanOut * row;
    }
    pre += <usize>fanOut * row;
    weights += <usize>(fanOut * (fanIn + 1)) * F64;
  }
}

/** Return where the logits are, after `forward`. */
export function logits(examples: i32): usize {
  let units = 0;
  for (let l = 1; l < depth; l++) units += size(l);
  return preactivations + <usize>units * <usize>padded(examples) * F64;
}

/** Write the activation, and of all but ReLU its slopes, at any numbers; bytes are a multiple of 32. */
export function evaluate(z: usize, out: usize, slopes: usize, bytes: usize): void {
  activate(activation, slopeBelow, z, out, slopes, bytes);
}

/** Write the odds of the second class that logits say; bytes are a multiple of 16. */
export function odds(z: usize, out: usize, bytes: usize): void {
  for (let at: usize = 0; at < bytes; at += 16) v128.store(out + at, sigmoid(v128.load(z + at)));
}

/** Return the mean cost over the examples that `forward` has seen; writes over the deltas. */
export function cost(targets: usize, examples: i32): f64 {
  const row = <usize>padded(examples) * F64;
  const z = logits(examples);
  const units = size(depth);
  if (output == 1) return crossEntropy(z, targets, examples, row, units) / <f64>examples;
  for (let at: usize = 0; at < <usize>units * row; at += 16) {
    const said = v128.load(z + at), wanted = v128.load(targets + at);
    const wrong = f64x2.sub(said, wanted);
    const square = f64x2.mul(f64x2.splat(0.5), f64x2.mul(wrong, wrong));
    const own = output == 0 ? f64x2.sub(softplus(said), f64x2.mul(said, wanted)) : square;
    v128.store(deltas + at, own);
  }
  let total: f64 = 0;
  for (let o: usize = 0; o < <usize>units; o++) {
    for (let n: usize = 0; n < <usize>examples; n++) total += load<f64>(deltas + o * row + n * F64);
  }
  return total / <f64>examples;
}

function crossEntropy(z: usize, targets: usize, examples: i32, row: usize, units: i32): f64 {
  let total: f64 = 0;
  for (let n: usize = 0; n < <usize>examples; n++) {
    let top = -Infinity;
    for (let o = 0; o < units; o++) top = Math.max(top, load<f64>(z + <usize>o * row + n * F64));
    let all: f64 = 0, right: f64 = 0;
    for (let o = 0; o < units; o++) {
      const at = <usize>o * row + n * F64;
      const shifted = load<f64>(z + at) - top;
      all += Math.exp(shifted);
      right += shifted * load<f64>(targets + at);
    }
    total += Math.log(all) - right;
  }
  return total;
}

/** Write d cost / d logits = (outputs - targets) / examples; zero for the padding. */
function outputDelta(targets: usize, delta: usize, examples: i32): void {
  const row = <usize>padded(examples) * F64;
  const z = logits(examples);
  const units = size(depth);
  const bytes = <usize>units * row;
  if (output == 1) softmax(z, delta, examples, row, units);
  else if (output == 0) odds(z, delta, bytes);
  else memory.copy(delta, z, bytes);
  const share = f64x2.splat(<f64>examples);
  for (let at: usize = 0; at < bytes; at += 16) {
    const wrong = f64x2.sub(v128.load(delta + at), v128.load(targets + at));
    v128.store(delta + at, f64x2.div(wrong, share));
  }
  const end = <usize>examples * F64;
  for (let at: usize = 0; at < bytes; at += row) memory.fill(delta + at + end, 0, row - end);
}

function softmax(z: usize, out: usize, examples: i32, row: usize, units: i32): void {
  for (let n: usize = 0; n < <usize>examples; n++) {
    let top = -Infinity, all: f64 = 0;
    for (let o = 0; o < units; o++) top = Math.max(top, load<f64>(z + <usize>o * row + n * F64));
    for (let o = 0; o < units; o++) {
      const at = <usize>o * row + n * F64;
      const part = Math.exp(load<f64>(z + at) - top);
      store<f64>(out + at, part);
      all += part;
    }
    for (let o = 0; o < units; o++) {
      const at = out + <usize>o * row + n * F64;
      store<f64>(at, load<f64>(at) / all);
    }
  }
}

/** Return where the gradient of the cost is, packed like the parameters; needs `forward` before. */
export function backward(parameters: usize, X: usize, targets: usize, examples: i32): usize {
  const row = <usize>padded(examples) * F64;
  let delta = deltas;
  let below = deltas + <usize>widest * row;
  outputDelta(targets, delta, examples);
  let weights = parameters + <usize>parameterCount * F64;
  let slopes = gradient + <usize>parameterCount * F64;
  let pre = logits(examples);
  let act = activations;
  for (let l = 1; l < depth; l++) act += <usize>size(l) * row;
  let der = derivatives + (act - activations);
  for (let l = depth; l > 0; l--) {
    const fanIn = size(l - 1), fanOut = size(l);
    const bytes = <usize>(fanOut * (fanIn + 1)) * F64;
    weights -= bytes;
    slopes -= bytes;
    if (l > 1) act -= <usize>fanIn * row;
    weightSlopes(delta, l > 1 ? act : X, slopes, fanIn, fanOut, row);
    if (l > 1) {
      pre -= <usize>fanIn * row;
      der -= <usize>fanIn * row;
      const relu = activation == 0;
      back(weights, delta, relu ? pre : der, below, fanIn, fanOut, row, relu);
      const other = delta;
      delta = below;
      below = other;
    }
  }
  return gradient;
}

/** Follow the gradient by one step, the `step`th, counted from 1; the state remembers as it must. */
function update(parameters: usize, state: usize, rate: f64, step: f64): void {
  const bytes = <usize>parameterCount * F64;
  if (rule == 0) {
    for (let at: usize = 0; at < bytes; at += F64) {
      const p = load<f64>(parameters + at) - rate * load<f64>(gradient + at);
      store<f64>(parameters + at, p);
    }
    return;
  }
  const unbiasMean = 1 / (1 - Math.pow(momentum, step));
  const unbiasSquare = 1 / (1 - Math.pow(squares, step));
  for (let at: usize = 0; at < bytes; at += F64) {
    const g = load<f64>(gradient + at), p = load<f64>(parameters + at);
    if (rule == 3) {
      const m = momentum * load<f64>(state + at) + (1 - momentum) * g;
      const s = squares * load<f64>(state + bytes + at) + (1 - squares) * g * g;
      store<f64>(state + at, m);
      store<f64>(state + bytes + at, s);
      const root = Math.sqrt(unbiasSquare * s) + EPSILON;
      store<f64>(parameters + at, p - rate * unbiasMean * m / root);
    } else {
      const v = momentum * load<f64>(state + at) + g;
      store<f64>(state + at, v);
      store<f64>(parameters + at, p - rate * (rule == 1 ? v : g + momentum * v));
    }
  }
}

/**
 * Train for some steps, the first of which is the `first`th, counted from 1.
 *
 * Where a batch holds fewer than all examples, an epoch visits them in the order that `order.py`
 * draws from the seed; `gathered` then holds a batch's rows, and `order` a number per example.
 */
export function train(
  parameters: usize,
  state: usize,
  X: usize,
  targets: usize,
  examples: i32,
  batch: i32,
  steps: i32,
  first: i32,
  rate: f64,
  seed: u64,
  order: usize,
  gathered: usize,
): void {
  if (batch >= examples) {
    for (let s = 0; s < steps; s++) {
      forward(parameters, X, examples);
      backward(parameters, X, targets, examples);
      update(parameters, state, rate, <f64>(first + s));
    }
    return;
  }
  const perEpoch = (examples + batch - 1) / batch;
  let drawn: i32 = -1;
  for (let s = 0; s < steps; s++) {
    const step = first - 1 + s;
    const epoch = step / perEpoch;
    if (epoch != drawn) shuffle(order, examples, seed, epoch);
    drawn = epoch;
    const begin = (step % perEpoch) * batch;
    const count = min(batch, examples - begin);
    const wanted = gathered + <usize>(size(0) * padded(batch)) * F64;
    const long = <usize>padded(examples) * F64, short = <usize>padded(count) * F64;
    gather(X, gathered, size(0), long, short, order + (<usize>begin << 2), count);
    gather(targets, wanted, size(depth), long, short, order + (<usize>begin << 2), count);
    forward(parameters, gathered, count);
    backward(parameters, gathered, wanted, count);
    update(parameters, state, rate, <f64>(step + 1));
  }
}
