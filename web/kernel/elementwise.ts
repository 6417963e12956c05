/**
 * Activations and their slopes, two numbers at a time.
 *
 * Everything stands on one exponential: 2^n (1 + p), p = exp(r) - 1 as its series on |r| <= log(2)/2, so that
 * exp(x) - 1 keeps its digits near 0. A rounding or two off at most, like NumPy's.
 */

const LOG2_E: f64 = 1.4426950408889634;
const LN2_HIGH: f64 = 0.6931471803691238; // its last digits are zero, so that n times it is exact
const LN2_LOW: f64 = 1.9082149292705877e-10;
const ROUNDS: f64 = 6755399441055744; // 1.5 * 2^52: what is added to it loses its fraction
const ONE_BITS: i64 = 0x3ff0000000000000;

// @ts-ignore: a decorator
@inline
function all(x: f64): v128 {
  return f64x2.splat(x);
}

// @ts-ignore: a decorator
@inline
function negative(x: v128): v128 {
  return f64x2.neg(f64x2.abs(x));
}

// @ts-ignore: a decorator
@inline
function select(yes: v128, no: v128, where: v128): v128 {
  return v128.bitselect(yes, no, where);
}

/** Return a polynomial whose coefficients lie in memory, the highest first; faster than constants. */
// @ts-ignore: a decorator
@inline
function polynomial(coefficients: StaticArray<f64>, count: usize, x: v128): v128 {
  const at = changetype<usize>(coefficients);
  let sum = v128.load64_splat(at);
  for (let k: usize = 1; k < count; k++) {
    sum = f64x2.add(f64x2.mul(sum, x), v128.load64_splat(at + (k << 3)));
  }
  return sum;
}

// 1/2!, 1/3!, and so on up to 1/13!
const EXPONENTIAL: StaticArray<f64> = [
  0.5, 0.16666666666666666, 4.1666666666666664e-2, 8.333333333333333e-3, 1.388888888888889e-3,
  1.984126984126984e-4, 2.48015873015873e-5, 2.7557319223985893e-6, 2.755731922398589e-7,
  2.505210838544172e-8, 2.08767569878681e-9, 1.6059043836821613e-10,
];

/** Return a + b x, the coefficients in memory. */
// @ts-ignore: a decorator
@inline
function pair(k: usize, x: v128): v128 {
  const at = changetype<usize>(EXPONENTIAL) + (k << 3);
  return f64x2.add(v128.load64_splat(at), f64x2.mul(v128.load64_splat(at, 8), x));
}

// 1/33, and so on down to 1
const ARTANH: StaticArray<f64> = [
  1.0 / 33.0, 1.0 / 31.0, 1.0 / 29.0, 1.0 / 27.0, 1.0 / 25.0, 1.0 / 23.0, 1.0 / 21.0, 1.0 / 19.0,
  1.0 / 17.0, 1.0 / 15.0, 1.0 / 13.0, 1.0 / 11.0, 1.0 / 9.0, 1.0 / 7.0, 1.0 / 5.0, 1.0 / 3.0, 1.0,
];

/** Return exp(x) - 1, of which exp(x) is at most 1e-16 away; x beyond ±708 counts as ±708. */
// @ts-ignore: a decorator
@inline
function expm1(given: v128): v128 {
  const x = f64x2.min(f64x2.max(given, all(-708)), all(708));
  const shifted = f64x2.add(f64x2.mul(x, all(LOG2_E)), all(ROUNDS));
  const n = f64x2.sub(shifted, all(ROUNDS));
  const power = i64x2.add(i64x2.shl(shifted, 52), i64x2.splat(ONE_BITS));
  const r = f64x2.sub(f64x2.sub(x, f64x2.mul(n, all(LN2_HIGH))), f64x2.mul(n, all(LN2_LOW)));
  // In pairs and pairs of pairs (Estrin 1960), so that no term waits for all before it.
  const square = f64x2.mul(r, r), fourth = f64x2.mul(square, square);
  const low = f64x2.add(pair(0, r), f64x2.mul(pair(2, r), square));
  const middle = f64x2.add(pair(4, r), f64x2.mul(pair(6, r), square));
  const high = f64x2.add(pair(8, r), f64x2.mul(pair(10, r), square));
  const upper = f64x2.add(middle, f64x2.mul(high, fourth));
  const p = f64x2.add(r, f64x2.mul(square, f64x2.add(low, f64x2.mul(upper, fourth))));
  return f64x2.add(f64x2.mul(power, p), f64x2.sub(power, all(1)));
}

// @ts-ignore: a decorator
@inline
function tanh(z: v128): v128 {
  const size = f64x2.min(f64x2.abs(z), all(20));
  const u = expm1(f64x2.add(size, size));
  const found = f64x2.div(u, f64x2.add(u, all(2)));
  return v128.or(found, v128.and(z, all(-0.0)));
}

/** Return 1 / (1 + exp(-z)). */
// @ts-ignore: a decorator
@inline
export function sigmoid(z: v128): v128 {
  const u = expm1(negative(z)); // exp(-|z|) - 1
  const upper = f64x2.div(all(1), f64x2.add(u, all(2)));
  return select(upper, f64x2.mul(f64x2.add(u, all(1)), upper), f64x2.ge(z, all(0)));
}

/** Return log(1 + exp(z)): 2 artanh(e / (2 + e)) of e = exp(-|z|), which is at most 2 artanh(1/3). */
// @ts-ignore: a decorator
@inline
export function softplus(z: v128): v128 {
  const e = f64x2.add(expm1(negative(z)), all(1));
  const s = f64x2.div(e, f64x2.add(e, all(2)));
  const square = f64x2.mul(s, s);
  const sum = polynomial(ARTANH, 17, square);
  return f64x2.add(f64x2.max(z, all(0)), f64x2.mul(f64x2.add(s, s), sum));
}

// Chebyshev coefficients of erfcx(x) (1 + x/2) in 4 / (2 + x) - 1, from erfc in forty digits.
const TAIL: StaticArray<f64> = [
  0.5770337386164697, 0.3554369212704985, 0.06509515882878653, 0.003671142395836639,
  -0.0011128447433526325, -1.6075829915378078e-4, 3.278031574173137e-5, 5.442441645505016e-6,
  -1.5154665565553172e-6, -1.429760818116987e-7, 8.234608827419503e-8, -1.2962846852306563e-9,
  -4.1547216310151983e-9, 6.347058278362811e-10, 1.4320822712256224e-10, -6.160390105204586e-11,
  2.0612138554721696e-12, 3.5714931488477045e-12, -8.586428432517965e-13, -6.145600213790631e-14,
  7.418725748596617e-14, -1.2895042755032326e-14, -2.3587263857106323e-15, 1.5729349381685911e-15,
  -2.2782966239546465e-16, -6.312330456750765e-17, 3.591676353181492e-17,
];

/** Return the standard normal distribution function, of which `bell` is exp(-z²/2). */
// @ts-ignore: a decorator
@inline
function normalCdf(z: v128, bell: v128): v128 {
  const x = f64x2.mul(f64x2.abs(z), all(0.7071067811865476));
  const t = f64x2.div(all(2), f64x2.add(x, all(2)));
  const at = f64x2.sub(f64x2.add(t, t), all(1));
  const twice = f64x2.add(at, at);
  let one = all(0), two = all(0);
  for (let k = TAIL.length - 1; k > 0; k--) {
    const next = f64x2.add(f64x2.sub(f64x2.mul(twice, one), two), all(unchecked(TAIL[k])));
    two = one;
    one = next;
  }
  const scaled = f64x2.add(f64x2.sub(f64x2.mul(at, one), two), all(unchecked(TAIL[0])));
  const tail = f64x2.mul(f64x2.mul(all(0.5), bell), f64x2.mul(t, scaled));
  return select(tail, f64x2.sub(all(1), tail), f64x2.lt(z, all(0)));
}

const SELU_ALPHA: f64 = 1.6732632423543772;
const SELU_SCALE: f64 = 1.0507009873554805;

function rectify(z: usize, out: usize, bytes: usize): void {
  const zero = all(0);
  for (let at: usize = 0; at < bytes; at += 32) {
    const x = v128.load(z + at), y = v128.load(z + at, 16);
    v128.store(out + at, v128.and(x, f64x2.gt(x, zero)));
    v128.store(out + at, v128.and(y, f64x2.gt(y, zero)), 16);
  }
}

/** Write the activations of `z`, and of all but ReLU their slopes; bytes are a multiple of 32. */
export function activate(
  activation: i32,
  slopeBelow: f64,
  z: usize,
  out: usize,
  slopes: usize,
  bytes: usize,
): void {
  if (activation == 0) {
    rectify(z, out, bytes);
    return;
  }
  const zero = all(0), unit = all(1);
  for (let at: usize = 0; at < bytes; at += 16) {
    const x = v128.load(z + at);
    const above = f64x2.gt(x, zero);
    let value = x, slope = unit;
    switch (activation) {
      case 1: {
        slope = select(unit, all(slopeBelow), above);
        value = f64x2.mul(x, slope);
        break;
      }
      case 2: {
        value = tanh(x);
        slope = f64x2.sub(unit, f64x2.mul(value, value));
        break;
      }
      case 3: {
        value = sigmoid(x);
        slope = f64x2.mul(value, f64x2.sub(unit, value));
        break;
      }
      case 4: {
        const u = expm1(f64x2.min(x, zero));
        value = select(x, u, above);
        slope = f64x2.add(u, unit);
        break;
      }
      case 5: {
        const u = expm1(f64x2.min(x, zero));
        value = f64x2.mul(all(SELU_SCALE), select(x, f64x2.mul(all(SELU_ALPHA), u), above));
        const below = f64x2.mul(all(SELU_ALPHA), f64x2.add(u, unit));
        slope = f64x2.mul(all(SELU_SCALE), select(unit, below, above));
        break;
      }
      case 6: {
        const bell = f64x2.add(expm1(f64x2.mul(f64x2.mul(x, x), all(-0.5))), unit);
        const cdf = normalCdf(x, bell);
        value = f64x2.mul(x, cdf);
        const density = f64x2.mul(bell, all(0.3989422804014327));
        slope = f64x2.add(cdf, f64x2.mul(x, density));
        break;
      }
      case 7: {
        const s = sigmoid(x);
        value = f64x2.mul(x, s);
        slope = f64x2.mul(s, f64x2.add(unit, f64x2.mul(x, f64x2.sub(unit, s))));
        break;
      }
      case 8: {
        value = softplus(x);
        slope = sigmoid(x);
        break;
      }
      default:
        break;
    }
    v128.store(out + at, value);
    v128.store(slopes + at, slope);
  }
}
