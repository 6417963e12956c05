/**
 * The sums of products by which a layer works, forward and back.
 *
 * Units are taken two at a time; of an odd number the last one twice, which changes nothing. Rows hold a multiple of
 * eight examples.
 */

const F64: usize = 8;

/** Write two units' pre-activations at a time, eight examples of each in registers. */
export function affine(
  weights: usize,
  input: usize,
  out: usize,
  fanIn: i32,
  fanOut: i32,
  row: usize,
): void {
  const biases = weights + <usize>(fanOut * fanIn) * F64;
  for (let o: i32 = 0; o < fanOut; o += 2) {
    const other = min(o + 1, fanOut - 1);
    const w0 = weights + <usize>(o * fanIn) * F64;
    const w1 = weights + <usize>(other * fanIn) * F64;
    const b0 = v128.load64_splat(biases + <usize>o * F64);
    const b1 = v128.load64_splat(biases + <usize>other * F64);
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
      const y = out + <usize>other * row + at;
      v128.store(y, q0); v128.store(y, q1, 16); v128.store(y, q2, 32); v128.store(y, q3, 48);
    }
  }
}

/** Write the gradient of a layer's weights and biases, two outputs by two inputs at a time. */
export function weightSlopes(
  delta: usize,
  input: usize,
  out: usize,
  fanIn: i32,
  fanOut: i32,
  row: usize,
): void {
  const biases = out + <usize>(fanOut * fanIn) * F64;
  const none = f64x2.splat(0);
  for (let o: i32 = 0; o < fanOut; o += 2) {
    const other = min(o + 1, fanOut - 1);
    const d0 = delta + <usize>o * row, d1 = delta + <usize>other * row;
    const g0 = out + <usize>(o * fanIn) * F64, g1 = out + <usize>(other * fanIn) * F64;
    for (let i: i32 = 0; i < fanIn; i += 2) {
      const next = min(i + 1, fanIn - 1);
      const x0 = input + <usize>i * row, x1 = input + <usize>next * row;
      let p0 = none, p1 = none, q0 = none, q1 = none, r0 = none, r1 = none, s0 = none, s1 = none;
      for (let at: usize = 0; at < row; at += 32) {
        const e0 = v128.load(d0 + at), e1 = v128.load(d1 + at);
        const a0 = v128.load(x0 + at), a1 = v128.load(x1 + at);
        p0 = f64x2.add(p0, f64x2.mul(e0, a0));
        p1 = f64x2.add(p1, f64x2.mul(e0, a1));
        q0 = f64x2.add(q0, f64x2.mul(e1, a0));
        q1 = f64x2.add(q1, f64x2.mul(e1, a1));
        const f0 = v128.load(d0 + at, 16), f1 = v128.load(d1 + at, 16);
        const c0 = v128.load(x0 + at, 16), c1 = v128.load(x1 + at, 16);
        r0 = f64x2.add(r0, f64x2.mul(f0, c0));
        r1 = f64x2.add(r1, f64x2.mul(f0, c1));
        s0 = f64x2.add(s0, f64x2.mul(f1, c0));
        s1 = f64x2.add(s1, f64x2.mul(f1, c1));
      }
      const near = <usize>i * F64, far = <usize>next * F64;
      store<f64>(g0 + near, both(f64x2.add(p0, r0)));
      store<f64>(g0 + far, both(f64x2.add(p1, r1)));
      store<f64>(g1 + near, both(f64x2.add(q0, s0)));
      store<f64>(g1 + far, both(f64x2.add(q1, s1)));
    }
    let s0 = none, s1 = none, t0 = none, t1 = none;
    for (let at: usize = 0; at < row; at += 32) {
      s0 = f64x2.add(s0, v128.load(d0 + at));
      s1 = f64x2.add(s1, v128.load(d0 + at, 16));
      t0 = f64x2.add(t0, v128.load(d1 + at));
      t1 = f64x2.add(t1, v128.load(d1 + at, 16));
    }
    store<f64>(biases + <usize>o * F64, both(f64x2.add(s0, s1)));
    store<f64>(biases + <usize>other * F64, both(f64x2.add(t0, t1)));
  }
}

// @ts-ignore: a decorator
@inline
function both(v: v128): f64 {
  return f64x2.extract_lane(v, 0) + f64x2.extract_lane(v, 1);
}

/** Bring a layer's delta to the layer below, through the weights and the slopes; ReLU's are told by the signs. */
export function back(
  weights: usize,
  delta: usize,
  through: usize,
  out: usize,
  fanIn: i32,
  fanOut: i32,
  row: usize,
  signs: bool,
): void {
  const none = f64x2.splat(0);
  for (let i: i32 = 0; i < fanIn; i += 2) {
    const next = min(i + 1, fanIn - 1);
    for (let at: usize = 0; at < row; at += 64) {
      let p0 = none, p1 = none, p2 = none, p3 = none;
      let q0 = none, q1 = none, q2 = none, q3 = none;
      let d = delta + at, u = weights + <usize>i * F64, v = weights + <usize>next * F64;
      for (let o = 0; o < fanOut; o++) {
        const a = v128.load64_splat(u), b = v128.load64_splat(v);
        const d0 = v128.load(d), d1 = v128.load(d, 16), d2 = v128.load(d, 32), d3 = v128.load(d, 48);
        p0 = f64x2.add(p0, f64x2.mul(a, d0));
        p1 = f64x2.add(p1, f64x2.mul(a, d1));
        p2 = f64x2.add(p2, f64x2.mul(a, d2));
        p3 = f64x2.add(p3, f64x2.mul(a, d3));
        q0 = f64x2.add(q0, f64x2.mul(b, d0));
        q1 = f64x2.add(q1, f64x2.mul(b, d1));
        q2 = f64x2.add(q2, f64x2.mul(b, d2));
        q3 = f64x2.add(q3, f64x2.mul(b, d3));
        d += row;
        u += <usize>fanIn * F64;
        v += <usize>fanIn * F64;
      }
      const one = <usize>i * row + at, two = <usize>next * row + at;
      sloped(p0, p1, p2, p3, through + one, out + one, signs);
      sloped(q0, q1, q2, q3, through + two, out + two, signs);
    }
  }
}

/** Write eight deltas times the slopes there. */
// @ts-ignore: a decorator
@inline
function sloped(p0: v128, p1: v128, p2: v128, p3: v128, from: usize, to: usize, signs: bool): void {
  const s0 = v128.load(from), s1 = v128.load(from, 16), s2 = v128.load(from, 32), s3 = v128.load(from, 48);
  if (signs) {
    const zero = f64x2.splat(0);
    v128.store(to, v128.and(p0, f64x2.gt(s0, zero)));
    v128.store(to, v128.and(p1, f64x2.gt(s1, zero)), 16);
    v128.store(to, v128.and(p2, f64x2.gt(s2, zero)), 32);
    v128.store(to, v128.and(p3, f64x2.gt(s3, zero)), 48);
  } else {
    v128.store(to, f64x2.mul(p0, s0));
    v128.store(to, f64x2.mul(p1, s1), 16);
    v128.store(to, f64x2.mul(p2, s2), 32);
    v128.store(to, f64x2.mul(p3, s3), 48);
  }
}
