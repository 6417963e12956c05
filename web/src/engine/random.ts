/**
 * NumPy's `default_rng(SeedSequence(seed, spawn_key=(layer,)))`: the same seed draws the same weights
 * here as in Python.
 *
 * SeedSequence and PCG64 as O'Neill published them (2014, 2015), the normal by the ziggurat of
 * Marsaglia and Tsang (2000) with 256 steps, as NumPy uses it.
 */

import edges from "../generated/ziggurat.json";

// A 128-bit number is six limbs of 22 bits, the lowest first: products of limbs add up without rounding.
const LIMBS = 6;
const LIMB = 2 ** 22;
const MULTIPLIER = limbs((2549297995355413924n << 64n) + 4865540595714422341n);
const POOL = 4; // words of entropy

/** Return the 32-bit words of a whole number, the lowest first; 0 is one word. */
function words(value: number): number[] {
  const found = [];
  let rest = BigInt(value);
  do {
    found.push(Number(rest & 0xffffffffn));
    rest >>= 32n;
  } while (rest > 0n);
  return found;
}

function hasher(start: number, multiplier: number): (value: number) => number {
  let constant = start;
  return (value) => {
    let mixed = value ^ constant;
    constant = Math.imul(constant, multiplier);
    mixed = Math.imul(mixed, constant);
    return (mixed ^ (mixed >>> 16)) >>> 0;
  };
}

function mix(x: number, y: number): number {
  const mixed = (Math.imul(0xca01f9dd, x) - Math.imul(0x4973f715, y)) | 0;
  return (mixed ^ (mixed >>> 16)) >>> 0;
}

/** Return four 64-bit words of a SeedSequence with a spawn key of one number. */
function seedState(seed: number, key: number): bigint[] {
  const own = words(seed);
  while (own.length < POOL) own.push(0);
  const entropy = [...own, ...words(key)];
  const hash = hasher(0x43b0d7e5, 0x931e8875);
  const pool = entropy.slice(0, POOL).map(hash);
  for (let from = 0; from < POOL; from++) {
    for (let to = 0; to < POOL; to++) {
      if (from !== to) pool[to] = mix(pool[to]!, hash(pool[from]!));
    }
  }
  for (const more of entropy.slice(POOL)) {
    for (let to = 0; to < POOL; to++) pool[to] = mix(pool[to]!, hash(more));
  }
  const out = hasher(0x8b51f9dd, 0x58f38ded);
  const state = Array.from({ length: 8 }, (_, i) => BigInt(out(pool[i % POOL]!)));
  return [0, 2, 4, 6].map((i) => state[i]! | (state[i + 1]! << 32n));
}

function limbs(value: bigint): Float64Array {
  return Float64Array.from({ length: LIMBS }, (_, i) =>
    Number(BigInt.asUintN(22, BigInt.asUintN(128, value) >> BigInt(22 * i))),
  );
}

export class Generator {
  private readonly state: Float64Array;
  private readonly increment: Float64Array;
  private readonly before = new Float64Array(LIMBS);
  // The latest 64 random bits.
  private high = 0;
  private low = 0;

  constructor(seed: number, layer: number) {
    const [high, low, incrementHigh, incrementLow] = seedState(seed, layer) as [
      bigint,
      bigint,
      bigint,
      bigint,
    ];
    const increment = (((incrementHigh << 64n) | incrementLow) << 1n) | 1n;
    this.increment = limbs(increment);
    this.state = limbs(BigInt.asUintN(128, increment) + ((high << 64n) | low));
    this.step();
  }

  /** Multiply and add modulo 2^128. */
  private step(): void {
    const { state, increment, before } = this;
    before.set(state);
    let sum = 0;
    for (let k = 0; k < LIMBS; k++) {
      sum += increment[k]!;
      for (let i = 0; i <= k; i++) sum += before[i]! * MULTIPLIER[k - i]!;
      const carry = Math.floor(sum / LIMB);
      state[k] = sum - carry * LIMB;
      sum = carry;
    }
    state[LIMBS - 1]! %= 2 ** 18;
  }

  /** Make 64 random bits: the halves folded, and turned by the topmost bits. */
  private next(): void {
    this.step();
    const { state } = this;
    const s0 = state[0]!;
    const s1 = state[1]!;
    const s2 = state[2]!;
    const s3 = state[3]!;
    const s4 = state[4]!;
    const s5 = state[5]!;
    const top = (s4 >>> 8) | (s5 << 14);
    const low = s0 ^ (s1 << 22) ^ ((s2 >>> 20) | (s3 << 2) | (s4 << 24));
    const high = (s1 >>> 10) ^ (s2 << 12) ^ top;
    const turn = top >>> 26;
    const a = turn < 32 ? high : low;
    const b = turn < 32 ? low : high;
    const by = turn & 31;
    this.high = (by ? (a >>> by) | (b << (32 - by)) : a) >>> 0;
    this.low = (by ? (b >>> by) | (a << (32 - by)) : b) >>> 0;
  }

  /** Return a draw of U[0, 1). */
  uniform(): number {
    this.next();
    return (this.high * 2 ** 21 + (this.low >>> 11)) / 2 ** 53;
  }

  /** Return a draw of N(0, 1). */
  normal(): number {
    for (;;) {
      this.next();
      const { high, low } = this;
      const step = low & 0xff;
      const size = (high & 0x1fffffff) * 2 ** 23 + (low >>> 9);
      const x = size * WIDTHS[step]! * (low & 0x100 ? -1 : 1);
      if (size < INSIDE[step]!) return x;
      if (step === 0) return this.tail((low & 0x20000) !== 0);
      const between = HEIGHTS[step - 1]! - HEIGHTS[step]!;
      if (between * this.uniform() + HEIGHTS[step]! < Math.exp(-0.5 * x * x)) return x;
    }
  }

  private tail(negative: boolean): number {
    for (;;) {
      const x = -Math.log1p(-this.uniform()) / LAST;
      const y = -Math.log1p(-this.uniform());
      if (y + y > x * x) return negative ? -(LAST + x) : LAST + x;
    }
  }
}

const STEPS = 256;
const LAST = edges.at(-1)!; // where the tail begins
const AREA = 0.0049286732339746549; // of each step
const SCALE = 2 ** 52;
const density = (x: number): number => Math.exp(-0.5 * x * x);
const BASE = AREA / density(LAST); // as wide as the lowest step, its tail squared off

// Of each step, the lowest first and then from the middle outwards.
const WIDTHS = Float64Array.from([BASE, ...edges], (x) => x / SCALE);
const HEIGHTS = Float64Array.from([0, ...edges], density);
const INSIDE = Float64Array.from({ length: STEPS }, (_, i) => {
  if (i === 1) return 0;
  return Math.floor((i === 0 ? LAST / BASE : edges[i - 2]! / edges[i - 1]!) * SCALE);
});
