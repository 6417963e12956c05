/** In which order mini-batches visit the examples: that of `goodinit.training.order`. */

const F64: usize = 8;
const GOLDEN: u64 = 0x9e3779b97f4a7c15;

/** Copy some examples' columns of rows that are `long` bytes into rows of `short` bytes, zeros after. */
export function gather(
  from: usize,
  to: usize,
  rows: i32,
  long: usize,
  short: usize,
  order: usize,
  count: i32,
): void {
  for (let r: usize = 0; r < <usize>rows; r++) {
    for (let n: usize = 0; n < <usize>count; n++) {
      const chosen = <usize>load<i32>(order + (n << 2));
      store<f64>(to + r * short + n * F64, load<f64>(from + r * long + chosen * F64));
    }
    for (let n = <usize>count * F64; n < short; n += F64) store<f64>(to + r * short + n, 0);
  }
}

/** The finalizer of splitmix64 (Steele, Lea and Flood 2014). */
function mixed(x: u64): u64 {
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
  x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
  return x ^ (x >> 31);
}

/** Write the order in which an epoch, counted from 0, visits the examples. */
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
