/** What the report makes of the numbers that Python fills in. */

import { describe, expect, it } from "vitest";
import { rows, unpacked, type Pairs } from "./data";
import { decades } from "./ladder";
import { ends, isLabelled, wantsLog, type Panel } from "./lines";
import { bothWays, shade } from "./pairs";
import { quantile, ticks } from "./seeds";

const base64 = (array: Float64Array): string => Buffer.from(array.buffer).toString("base64");
const f64 = (...values: number[]): { f64: string } => ({ f64: base64(Float64Array.from(values)) });
const panel = (...medians: number[][]): Panel => ({
  title: "",
  lines: medians.map((median, place) => ({ place, median, low: median, high: median })),
});

describe("typed columns", () => {
  it("come back as they were, with what is no number", () => {
    const values = [1.5, -0, NaN, Infinity, -Infinity, 1e-300];
    expect([...unpacked(f64(...values))]).toEqual(values);
    expect([...unpacked({ u8: "AQL/" })]).toEqual([1, 2, 255]);
  });
  it("fold into rows", () => {
    expect(rows(unpacked(f64(1, 2, 3, 4, 5, 6)), 3)).toEqual([[1, 2, 3], [4, 5, 6]]);
    expect(rows(unpacked(f64()), 0)).toEqual([]);
  });
});

describe("the axis of costs", () => {
  it("spans the medians, and not one that explodes", () => {
    const [low, high] = ends([panel([0.7, 0.1], [0.7, 1e9])], true);
    expect(low).toBeLessThanOrEqual(0.1);
    expect(high).toBeGreaterThan(0.7);
    expect(high).toBeLessThan(3); // three times the medians, and a little room
  });
  it("begins at zero where it is linear", () => {
    expect(ends([panel([0.7, 0.1])], false)[0]).toBe(0);
  });
  it("reaches both ways from the middle where it is centred", () => {
    const [low, high] = ends([panel([1, 1, 1], [1e-6, 1e-5, 1e-4], [10, 100, 1000])], true, true);
    expect(low).toBeLessThanOrEqual(1e-6);
    expect(high).toBeGreaterThanOrEqual(1000);
  });
  it.each([[[]], [[panel([NaN, Infinity])]], [[panel([0, 0])]]])("has two ends whatever comes: %j", (panels) => {
    for (const log of [true, false]) {
      const [low, high] = ends(panels, log);
      expect(Number.isFinite(low) && Number.isFinite(high) && low < high).toBe(true);
      if (log) expect(low).toBeGreaterThan(0);
    }
  });
  it("is logarithmic where medians span a factor of five", () => {
    expect(wantsLog([panel([0.7, 0.1])])).toBe(true);
    expect(wantsLog([panel([0.7, 0.6])])).toBe(false);
    expect(wantsLog([])).toBe(false);
  });
  it("names powers of ten, and over few decades also 2 and 5", () => {
    const named = (range: [number, number]): number[] => [0.1, 0.2, 0.3, 0.5, 1, 2, 10].filter((v) => isLabelled(v, range));
    expect(named([0.01, 100])).toEqual([0.1, 1, 10]);
    expect(named([0.1, 5])).toEqual([0.1, 0.2, 0.5, 1, 2, 10]);
  });
});

describe("pairs", () => {
  const pairs: Pairs = {
    outcome: "train_cost",
    words: "training cost",
    a: [0],
    b: [2],
    state: ["told apart"],
    difference: f64(-0.5),
    low: f64(-0.7),
    high: f64(-Infinity),
    p_holm: f64(0.01),
    p_equivalent: f64(1),
    a_beats_b: f64(0.9),
  };
  it("are read from both sides", () => {
    const found = bothWays(pairs);
    expect(found.get("0 2")).toMatchObject({ difference: -0.5, low: -0.7, odds: 0.9, state: "told apart" });
    expect(found.get("2 0")).toMatchObject({ difference: 0.5, low: Infinity, high: 0.7, p: 0.01 });
    expect(found.get("2 0")!.odds).toBeCloseTo(0.1);
    expect(found.get("0 1")).toBeUndefined();
  });
});

describe("shades and ticks", () => {
  it("shade by orders of magnitude", () => {
    expect(shade(0.1, 0.01, 1)).toBeCloseTo(0.5);
    expect([shade(0.01, 0.01, 1), shade(Infinity, 0.01, 1), shade(1, 1, 1)]).toEqual([0, 1, 0]);
  });
  it("interpolate quantiles as NumPy does, without what is no number", () => {
    expect(quantile([4, NaN, 1, 3, 2], 0.5)).toBe(2.5);
    expect(quantile([], 0.5)).toBeNaN();
  });
  it("put ticks within the ends", () => {
    expect(ticks(0.44, 1).map((v) => Number(v.toFixed(6)))).toEqual([0.5, 0.6, 0.7, 0.8, 0.9, 1]);
    expect(ticks(0, 1, 3).length).toBeLessThanOrEqual(4);
  });
  it("span whole orders of magnitude", () => {
    expect(decades([0.5, 2, 0, Infinity, NaN])).toEqual([-1, 1]);
    expect(decades([])).toEqual([-1, 0]);
    expect(decades([1])).toEqual([0, 1]);
  });
});
