/**
 * One network's training as WebAssembly: forward, backward, update, as `network.py` has them.
 *
 * Every number is an f64. Values of layers lie unit by unit, examples last, so that two examples are
 * one SIMD vector; each unit's row is padded to a multiple of BLOCK examples, whose delta is zero.
 * Parameters lie as Python packs them: per layer weights (fan_out, fan_in), then biases.
 * The page owns the memory and says where everything is; one instance serves one kind of network.
 */

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

/** Say where values are kept: rows for all layers twice, two layers' rows, and a gradient. */
export function place(pre: usize, act: usize, delta: usize, slopes: usize): void {
  preactivations = pre;
  activations = act;
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
  let input = X;
  for (let l = 1; l <= depth; l++) {
    const fanIn = size(l - 1);
    const fanOut = size(l);
    affine(weights, input, pre, fanIn, fanOut, row);
    if (l < depth) {
      activate(pre, act, <usize>fanOut * row);
      input = act;
      act += <usize>fanOut * row;
    }
    pre += <usize>fanOut * row;
    weights += <usize>(fanOut * (fanIn + 1)) * F64;
  }
}

/** Two units at a time, eight examples of each in registers. */
function affine(
  weights: usize,
  input: usize,
  out: usize,
  fanIn: i32,
  fanOut: i32,
  row: usize,
): void {
  const biases = weights + <usize>(fanOut * fanIn) * F64;
  let o: i32 = 0;
  for (; o + 1 < fanOut; o += 2) {
    const w0 = weights + <usize>(o * fanIn) * F64;
    const w1 = w0 + <usize>fanIn * F64;
    const b0 = f64x2.splat(load<f64>(biases + <usize>o * F64));
    const b1 = f64x2.splat(load<f64>(biases + <usize>(o + 1) * F64));
    for (let at: usize = 0; at < row; at += 64) {
      let p0 = b0, p1 = b0, p2 = b0, p3 = b0;
      let q0 = b1, q1 = b1, q2 = b1, q3 = b1;
      let x = input + at;
      for (let i: usize = 0; i < <usize>fanIn; i++) {
        const u = v128.load64_splat(w0 + (i << 3));
        const v = v128.load64_splat(w1 + (i << 3));
        const x0 = v128.load(x), x1 = v128.load(x, 16), x2 = v128.load(x, 32), x3 = v128.load(x, 48);
        p0 = f64x2.add(p0, f64x2.mul(u, x0));
        p1 = f64x2.add(p1, f64x2.mul(u, x1));
        p2 = f64x2.add(p2, f64x2.mul(u, x2));
        p3 = f64x2.add(p3, f64x2.mul(u, x3));
        q0 = f64x2.add(q0, f64x2.mul(v, x0));
        q1 = f64x2.add(q1, f64x2.mul(v, x1));
        q2 = f64x2.add(q2, f64x2.mul(v, x2));
        q3 = f64x2.add(q3, f64x2.mul(v, x3));
        x += row;
      }
      const z = out + <usize>o * row + at;
      v128.store(z, p0); v128.store(z, p1, 16); v128.store(z, p2, 32); v128.store(z, p3, 48);
      const y = z + row;
      v128.store(y, q0); v128.store(y, q1, 16); v128.store(y, q2, 32); v128.store(y, q3, 48);
    }
  }
  if (o < fanOut) {
    const w0 = weights + <usize>(o * fanIn) * F64;
    const b0 = f64x2.splat(load<f64>(biases + <usize>o * F64));
    for (let at: usize = 0; at < row; at += 64) {
      let p0 = b0, p1 = b0, p2 = b0, p3 = b0;
      let x = input + at;
      for (let i: usize = 0; i < <usize>fanIn; i++) {
        const u = v128.load64_splat(w0 + (i << 3));
        p0 = f64x2.add(p0, f64x2.mul(u, v128.load(x)));
        p1 = f64x2.add(p1, f64x2.mul(u, v128.load(x, 16)));
        p2 = f64x2.add(p2, f64x2.mul(u, v128.load(x, 32)));
        p3 = f64x2.add(p3, f64x2.mul(u, v128.load(x, 48)));
        x += row;
      }
      const z = out + <usize>o * row + at;
      v128.store(z, p0); v128.store(z, p1, 16); v128.store(z, p2, 32); v128.store(z, p3, 48);
    }
  }
}

function activate(z: usize, out: usize, bytes: usize): void {
  if (activation == 0) {
    const zero = f64x2.splat(0);
    for (let at: usize = 0; at < bytes; at += 16) {
      const x = v128.load(z + at);
      v128.store(out + at, v128.and(x, f64x2.gt(x, zero)));
    }
    return;
  }
  for (let at: usize = 0; at < bytes; at += F64) store<f64>(out + at, value(load<f64>(z + at)));
}

function sigmoid(z: f64): f64 {
  if (z >= 0) return 1 / (1 + Math.exp(-z));
  const odds = Math.exp(z);
  return odds / (1 + odds);
}

const SELU_ALPHA: f64 = 1.6732632423543772;
const SELU_SCALE: f64 = 1.0507009873554805;

/** The standard normal distribution function, by a continued fraction or a series of erf. */
function normalCdf(z: f64): f64 {
  const x = Math.abs(z) * 0.7071067811865476;
  let tail: f64;
  if (x < 2) {
    let term = x, sum = x;
    for (let k = 1; k < 60; k++) {
      term *= -x * x / <f64>k;
      sum += term / <f64>(2 * k + 1);
    }
    tail = 0.5 - sum * 0.5641895835477563;
  } else {
    let fraction: f64 = 0;
    for (let k = 60; k > 0; k--) fraction = <f64>k * 0.5 / (x + fraction);
    tail = 0.5 * Math.exp(-x * x) * 0.5641895835477563 / (x + fraction);
  }
  return z < 0 ? tail : 1 - tail;
}

function value(z: f64): f64 {
  switch (activation) {
    case 0: return z > 0 ? z : 0;
    case 1: return z > 0 ? z : slopeBelow * z;
    case 2: return Math.tanh(z);
    case 3: return sigmoid(z);
    case 4: return z > 0 ? z : Math.expm1(z);
    case 5: return SELU_SCALE * (z > 0 ? z : SELU_ALPHA * Math.expm1(z));
    case 6: return z * normalCdf(z);
    case 7: return z * sigmoid(z);
    case 8: return Math.max(z, 0) + Math.log1p(Math.exp(-Math.abs(z)));
    default: return z;
  }
}

/** Return the activation's slope. */
export function slope(z: f64): f64 {
  switch (activation) {
    case 0: return z > 0 ? 1 : 0;
    case 1: return z > 0 ? 1 : slopeBelow;
    case 2: { const a = Math.tanh(z); return 1 - a * a; }
    case 3: { const a = sigmoid(z); return a * (1 - a); }
    case 4: return z > 0 ? 1 : Math.exp(z);
    case 5: return SELU_SCALE * (z > 0 ? 1 : SELU_ALPHA * Math.exp(z));
    case 6: return normalCdf(z) + z * Math.exp(-0.5 * z * z) * 0.3989422804014327;
    case 7: { const a = sigmoid(z); return a * (1 + z * (1 - a)); }
    case 8: return sigmoid(z);
    default: return 1;
  }
}

/** Return where the logits are, after `forward`. */
export function logits(examples: i32): usize {
  let units = 0;
  for (let l = 1; l < depth; l++) units += size(l);
  return preactivations + <usize>units * <usize>padded(examples) * F64;
}

/** Return the mean cost over the examples that `forward` has seen. */
export function cost(targets: usize, examples: i32): f64 {
  const row = <usize>padded(examples) * F64;
  const z = logits(examples);
  const units = size(depth);
  let total: f64 = 0;
  for (let n: usize = 0; n < <usize>examples; n++) {
    if (output == 1) {
      let top = -Infinity;
      for (let o = 0; o < units; o++) top = Math.max(top, load<f64>(z + <usize>o * row + n * F64));
      let odds: f64 = 0, right: f64 = 0;
      for (let o = 0; o < units; o++) {
        const at = <usize>o * row + n * F64;
        const shifted = load<f64>(z + at) - top;
        odds += Math.exp(shifted);
        right += shifted * load<f64>(targets + at);
      }
      total += Math.log(odds) - right;
      continue;
    }
    for (let o = 0; o < units; o++) {
      const at = <usize>o * row + n * F64;
      const said = load<f64>(z + at), wanted = load<f64>(targets + at);
      total += output == 0
        ? Math.max(said, 0) - said * wanted + Math.log1p(Math.exp(-Math.abs(said)))
        : 0.5 * (said - wanted) * (said - wanted);
    }
  }
  return total / <f64>examples;
}

/** Write d cost / d logits = (outputs - targets) / examples; zero for the padding. */
function outputDelta(targets: usize, delta: usize, examples: i32): void {
  const row = <usize>padded(examples) * F64;
  const z = logits(examples);
  const units = size(depth);
  const share = <f64>examples;
  memory.fill(delta, 0, <usize>units * row);
  for (let n: usize = 0; n < <usize>examples; n++) {
    let top = -Infinity, odds: f64 = 0;
    if (output == 1) {
      for (let o = 0; o < units; o++) top = Math.max(top, load<f64>(z + <usize>o * row + n * F64));
      for (let o = 0; o < units; o++) odds += Math.exp(load<f64>(z + <usize>o * row + n * F64) - top);
    }
    for (let o = 0; o < units; o++) {
      const at = <usize>o * row + n * F64;
      let said = load<f64>(z + at);
      if (output == 0) said = sigmoid(said);
      else if (output == 1) said = Math.exp(said - top) / odds;
      store<f64>(delta + at, (said - load<f64>(targets + at)) / share);
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
  for (let l = depth; l > 0; l--) {
    const fanIn = size(l - 1), fanOut = size(l);
    const bytes = <usize>(fanOut * (fanIn + 1)) * F64;
    weights -= bytes;
    slopes -= bytes;
    if (l > 1) act -= <usize>fanIn * row;
    weightSlopes(delta, l > 1 ? act : X, slopes, fanIn, fanOut, row);
    if (l > 1) {
      pre -= <usize>fanIn * row;
      back(weights, delta, pre, below, fanIn, fanOut, row);
      const other = delta;
      delta = below;
      below = other;
    }
  }
  return gradient;
}

function weightSlopes(
  delta: usize,
  input: usize,
  out: usize,
  fanIn: i32,
  fanOut: i32,
  row: usize,
): void {
  const biases = out + <usize>(fanOut * fanIn) * F64;
  for (let o = 0; o < fanOut; o++) {
    const d = delta + <usize>o * row;
    const to = out + <usize>(o * fanIn) * F64;
    let i: i32 = 0;
    for (; i + 3 < fanIn; i += 4) {
      const x0 = input + <usize>i * row, x1 = x0 + row, x2 = x1 + row, x3 = x2 + row;
      let s0 = f64x2.splat(0), s1 = s0, s2 = s0, s3 = s0, t0 = s0, t1 = s0, t2 = s0, t3 = s0;
      for (let at: usize = 0; at < row; at += 32) {
        const e = v128.load(d + at), f = v128.load(d + at, 16);
        s0 = f64x2.add(s0, f64x2.mul(e, v128.load(x0 + at)));
        s1 = f64x2.add(s1, f64x2.mul(e, v128.load(x1 + at)));
        s2 = f64x2.add(s2, f64x2.mul(e, v128.load(x2 + at)));
        s3 = f64x2.add(s3, f64x2.mul(e, v128.load(x3 + at)));
        t0 = f64x2.add(t0, f64x2.mul(f, v128.load(x0 + at, 16)));
        t1 = f64x2.add(t1, f64x2.mul(f, v128.load(x1 + at, 16)));
        t2 = f64x2.add(t2, f64x2.mul(f, v128.load(x2 + at, 16)));
        t3 = f64x2.add(t3, f64x2.mul(f, v128.load(x3 + at, 16)));
      }
      const g = to + <usize>i * F64;
      store<f64>(g, both(f64x2.add(s0, t0)));
      store<f64>(g, both(f64x2.add(s1, t1)), 8);
      store<f64>(g, both(f64x2.add(s2, t2)), 16);
      store<f64>(g, both(f64x2.add(s3, t3)), 24);
    }
    for (; i < fanIn; i++) {
      const x = input + <usize>i * row;
      let s = f64x2.splat(0), t = s;
      for (let at: usize = 0; at < row; at += 32) {
        s = f64x2.add(s, f64x2.mul(v128.load(d + at), v128.load(x + at)));
        t = f64x2.add(t, f64x2.mul(v128.load(d + at, 16), v128.load(x + at, 16)));
      }
      store<f64>(to + <usize>i * F64, both(f64x2.add(s, t)));
    }
    let s = f64x2.splat(0);
    for (let at: usize = 0; at < row; at += 16) s = f64x2.add(s, v128.load(d + at));
    store<f64>(biases + <usize>o * F64, both(s));
  }
}

// @ts-ignore: a decorator
@inline
function both(v: v128): f64 {
  return f64x2.extract_lane(v, 0) + f64x2.extract_lane(v, 1);
}

/** Bring a layer's delta to the layer below, through the weights and the activation's slope. */
function back(
  weights: usize,
  delta: usize,
  pre: usize,
  out: usize,
  fanIn: i32,
  fanOut: i32,
  row: usize,
): void {
  const zero = f64x2.splat(0);
  for (let i = 0; i < fanIn; i++) {
    const w = weights + <usize>i * F64;
    const to = out + <usize>i * row, z = pre + <usize>i * row;
    for (let at: usize = 0; at < row; at += 64) {
      let p0 = zero, p1 = zero, p2 = zero, p3 = zero;
      let d = delta + at, u = w;
      for (let o = 0; o < fanOut; o++) {
        const v = v128.load64_splat(u);
        p0 = f64x2.add(p0, f64x2.mul(v, v128.load(d)));
        p1 = f64x2.add(p1, f64x2.mul(v, v128.load(d, 16)));
        p2 = f64x2.add(p2, f64x2.mul(v, v128.load(d, 32)));
        p3 = f64x2.add(p3, f64x2.mul(v, v128.load(d, 48)));
        d += row;
        u += <usize>fanIn * F64;
      }
      const y = z + at, q = to + at;
      if (activation == 0) {
        v128.store(q, v128.and(p0, f64x2.gt(v128.load(y), zero)));
        v128.store(q, v128.and(p1, f64x2.gt(v128.load(y, 16), zero)), 16);
        v128.store(q, v128.and(p2, f64x2.gt(v128.load(y, 32), zero)), 32);
        v128.store(q, v128.and(p3, f64x2.gt(v128.load(y, 48), zero)), 48);
      } else {
        v128.store(q, p0); v128.store(q, p1, 16); v128.store(q, p2, 32); v128.store(q, p3, 48);
        for (let k: usize = 0; k < 64; k += F64) {
          store<f64>(q + k, load<f64>(q + k) * slope(load<f64>(y + k)));
        }
      }
    }
  }
}

/** Follow the gradient by one step, the `step`th, counted from 1; the state remembers as it must. */
function update(parameters: usize, state: usize, rate: f64, step: f64): void {
  const bytes = <usize>parameterCount * F64;
  const unbiasMean = 1 / (1 - Math.pow(momentum, step));
  const unbiasSquare = 1 / (1 - Math.pow(squares, step));
  for (let at: usize = 0; at < bytes; at += F64) {
    const g = load<f64>(gradient + at), p = load<f64>(parameters + at);
    if (rule == 0) {
      store<f64>(parameters + at, p - rate * g);
    } else if (rule == 3) {
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
    gather(X, gathered, size(0), examples, order + (<usize>begin << 2), count);
    gather(targets, wanted, size(depth), examples, order + (<usize>begin << 2), count);
    forward(parameters, gathered, count);
    backward(parameters, gathered, wanted, count);
    update(parameters, state, rate, <f64>(step + 1));
  }
}

function gather(from: usize, to: usize, rows: i32, examples: i32, order: usize, count: i32): void {
  const long = <usize>padded(examples) * F64, short = <usize>padded(count) * F64;
  for (let r: usize = 0; r < <usize>rows; r++) {
    for (let n: usize = 0; n < <usize>count; n++) {
      const chosen = <usize>load<i32>(order + (n << 2));
      store<f64>(to + r * short + n * F64, load<f64>(from + r * long + chosen * F64));
    }
    for (let n = <usize>count * F64; n < short; n += F64) store<f64>(to + r * short + n, 0);
  }
}

const GOLDEN: u64 = 0x9e3779b97f4a7c15;

/** The finalizer of splitmix64 (Steele, Lea and Flood 2014). */
function mixed(x: u64): u64 {
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
  x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
  return x ^ (x >> 31);
}

/** Write the order in which an epoch, counted from 0, visits the examples: that of `order.py`. */
export function shuffle(order: usize, examples: i32, seed: u64, epoch: i32): void {
  let key = mixed(mixed(seed + GOLDEN) + <u64>epoch);
  for (let n = 0; n < examples; n++) store<i32>(order + (<usize>n << 2), n);
  for (let last = examples - 1; last > 0; last--) {
    key += GOLDEN;
    const chosen = <usize>(((mixed(key) >> 32) * <u64>(last + 1)) >> 32);
    const a = order + (<usize>last << 2), b = order + (chosen << 2);
    const kept = load<i32>(a);
    store<i32>(a, load<i32>(b));
    store<i32>(b, kept);
  }
}
