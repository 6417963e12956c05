/**
 * NumPy's `default_rng(SeedSequence(seed, spawn_key=(layer,)))`: the same seed draws the same weights
 * here as in Python.
 *
 * SeedSequence and PCG64 as O'Neill published them (2014, 2015), the normal by the ziggurat of
 * Marsaglia and Tsang (2000) with 256 steps, as NumPy uses it.
 */

import edges from "../generated/ziggurat.json";

const MASK_64 = (1n << 64n) - 1n;
const MASK_128 = (1n << 128n) - 1n;
const MULTIPLIER = (2549297995355413924n << 64n) + 4865540595714422341n;
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

export class Generator {
  private state: bigint;
  private readonly increment: bigint;

  constructor(seed: number, layer: number) {
    const [high, low, incrementHigh, incrementLow] = seedState(seed, layer) as [
      bigint,
      bigint,
      bigint,
      bigint,
    ];
    this.increment = ((((incrementHigh << 64n) | incrementLow) << 1n) | 1n) & MASK_128;
    this.state = this.increment;
    this.state = (this.state + ((high << 64n) | low)) & MASK_128;
    this.step();
  }

  private step(): void {
    this.state = (this.state * MULTIPLIER + this.increment) & MASK_128;
  }

  /** Return 64 random bits. */
  bits(): bigint {
    this.step();
    const folded = (this.state >> 64n) ^ (this.state & MASK_64);
    const turn = this.state >> 122n;
    return ((folded >> turn) | (folded << (64n - turn))) & MASK_64;
  }

  /** Return a draw of U[0, 1). */
  uniform(): number {
    return Number(this.bits() >> 11n) / 2 ** 53;
  }

  /** Return a draw of N(0, 1). */
  normal(): number {
    for (;;) {
      const bits = this.bits();
      const step = Number(bits & 0xffn);
      const rest = bits >> 8n;
      const negative = (rest & 1n) === 1n;
      const size = (rest >> 1n) & 0xfffffffffffffn;
      const x = Number(size) * WIDTHS[step]! * (negative ? -1 : 1);
      if (Number(size) < INSIDE[step]!) return x;
      if (step === 0) return this.tail((size >> 8n) & 1n);
      const between = HEIGHTS[step - 1]! - HEIGHTS[step]!;
      if (between * this.uniform() + HEIGHTS[step]! < Math.exp(-0.5 * x * x)) return x;
    }
  }

  private tail(sign: bigint): number {
    for (;;) {
      const x = -Math.log1p(-this.uniform()) / LAST;
      const y = -Math.log1p(-this.uniform());
      if (y + y > x * x) return sign === 1n ? -(LAST + x) : LAST + x;
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
