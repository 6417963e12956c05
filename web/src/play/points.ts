/** The examples: goodinit's own sets, or points that a visitor has painted. */

import type { Points } from "../engine/network";
import sets from "../generated/points.json";
import type { State } from "./state";

export interface Span {
  readonly low: number;
  readonly high: number;
}
export interface Examples {
  readonly train: Points;
  /** Nothing for painted points, all of which are trained on. */
  readonly test: Points;
}
export interface Dot {
  readonly x: number;
  readonly y: number;
  readonly of: number;
}

export const MOST_DOTS = 300;
const REACH = 2; // of painted points, either way
const STEPS = 36 ** 2; // places along each axis, two letters each
const LETTERS = 5; // of a point in the address
const MOST_CLASSES = 3;
const EVERY = 5; // example of a set that painting begins with

const laid = (part: { X: number[]; y: number[] }): Points => ({
  X: Float64Array.from(part.X),
  y: Int32Array.from(part.y),
});

/** Return the examples of a state. */
export function examples(state: Pick<State, "data" | "painted">): Examples {
  if (state.data !== "painted") return { train: laid(sets[state.data].train), test: laid(sets[state.data].test) };
  const dots = read(state.painted);
  const X = [...dots.map(({ x }) => x), ...dots.map(({ y }) => y)];
  return { train: laid({ X, y: dots.map(({ of }) => of) }), test: laid({ X: [], y: [] }) };
}

/** Return a square that holds all points with a margin. */
export function span(state: Pick<State, "data">, train: Points): Span {
  if (state.data === "painted") return { low: -REACH, high: REACH };
  const far = train.X.reduce((most, x) => Math.max(most, Math.abs(x)), 0) * 1.1;
  return { low: -far, high: far };
}

/** Return how many classes there are to tell apart. */
export function classes({ y }: Points): number {
  return Math.max(1, ...y) + 1;
}

/** Return whether there are examples of two classes, without which there is nothing to learn. */
export function learnable({ y }: Points): boolean {
  return new Set(y).size > 1;
}

/** Return painted points of their text; letters that are none are left out. */
export function read(text: string): Dot[] {
  const parts = text.match(new RegExp(`[0-9a-z]{${LETTERS - 1}}[0-${MOST_CLASSES - 1}]`, "g")) ?? [];
  const at = (letters: string): number => (parseInt(letters, 36) / (STEPS - 1)) * 2 * REACH - REACH;
  return parts.slice(0, MOST_DOTS).map((part) => ({
    x: at(part.slice(0, 2)),
    y: at(part.slice(2, 4)),
    of: Number(part.at(-1)),
  }));
}

/** Return points as the address has them, five letters each. */
export function write(dots: readonly Dot[]): string {
  const letters = (value: number): string => {
    const step = Math.round(((Math.min(REACH, Math.max(-REACH, value)) + REACH) / (2 * REACH)) * (STEPS - 1));
    return step.toString(36).padStart(2, "0");
  };
  return dots.slice(0, MOST_DOTS).map(({ x, y, of }) => letters(x) + letters(y) + String(of)).join("");
}

/** Return every fifth example of a set, to paint on. */
export function sketch(train: Points): string {
  const count = train.y.length;
  const dots = Array.from(train.y, (of, n) => ({ x: train.X[n]!, y: train.X[count + n]!, of }));
  return write(dots.filter((_, n) => n % EVERY === 0));
}

/** Return painted points as a table that `goodinit compare` reads. */
export function table(text: string): string {
  const rows = read(text).map(({ x, y, of }) => `${x.toPrecision(12)},${y.toPrecision(12)},${"abc"[of]!}`);
  return ["x,y,class", ...rows].join("\n") + "\n";
}
