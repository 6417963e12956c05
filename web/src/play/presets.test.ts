import { expect, it, vi } from "vitest";
import { compiled } from "../engine/kernel";
import { medianLow } from "../shared/numbers";
import { merged, type Snapshot } from "./crew";
import { PRESETS } from "./presets";
import { Race } from "./race";
import type { State } from "./state";
import { told, type Said } from "./words";

const FRAMES = 150; // five seconds of thirty frames
const LOOKS = 15; // so often it is looked, as the page does all the time
vi.setConfig({ testTimeout: 300_000 }); // they train thousands of iterations
const module = await compiled();

interface Shown extends Snapshot {
  readonly said: Said;
  readonly accuracy: number;
}

/** Return what the panels show some frames after a preset was clicked, and at its start. */
async function after(
  name: string,
  change: Partial<State> = {},
): Promise<{ start: Shown[]; now: Shown[]; chance: number }> {
  const preset = PRESETS.find((one) => one.name === name)!;
  const state = { ...preset.state, ...change };
  const places = state.initializers.map((_, place) => place);
  const entries = places.flatMap((place) => Array.from({ length: state.seeds }, (_, seed) => [place, seed] as const));
  const race = new Race(module, state, entries, []);
  const look = (steps: number): Shown[] =>
    merged([race.answer({ steps, seen: 0, draw: [], look: places, units: -1 })]).snapshots.map((snapshot) => ({
      ...snapshot,
      said: told(snapshot.looks.map(({ run }) => run)),
      accuracy: snapshot.looks.reduce((sum, { accuracy }) => sum + accuracy, 0) / state.seeds,
    }));
  const start = look(0);
  let now = start;
  for (let i = 0; i < LOOKS; i++) {
    now = look((state.speed * FRAMES) / LOOKS);
    await new Promise((resolve) => setTimeout(resolve)); // so that the runner hears of it
  }
  return { start, now, chance: now[0]!.looks[0]!.run.chance };
}

const layer = (shown: Shown, of: "dead" | "saturated" | "distinct", l: number): number =>
  shown.looks.reduce((sum, { run }) => sum + run.now[l]![of], 0) / shown.looks.length;

it("zeros: all units are one unit, the cost stays that of guessing, He learns", async () => {
  const { now, chance } = await after("Zeros");
  expect(now[0]!.said).toMatchObject({
    label: "fails to break symmetry",
    sentence: "1 distinct of 10 units in layer 1 at start and now",
  });
  for (const cost of now[0]!.costs) expect(cost).toBeCloseTo(chance, 9);
  expect([layer(now[0]!, "distinct", 0), layer(now[0]!, "distinct", 1)]).toEqual([1, 1]);
  expect(now[1]!.median).toBeLessThan(0.2 * chance);
  expect(now[1]!.said.label).toBe("");
});

it("too large: the first cost is hundreds of times that of guessing, He overtakes", async () => {
  const { start, now, chance } = await after("Too large");
  expect(start[0]!.median).toBeGreaterThan(200 * chance);
  expect(now[0]!.said.label).toBe("weights too large");
  expect(now[0]!.said.sentence).toMatch(/^layer 2 multiplies its input by \d+, and the first cost is \d+ times/);
  expect(now[0]!.median).toBeGreaterThan(0.5 * chance);
  expect(now[1]!.median).toBeLessThan(0.6 * now[0]!.median);
});

it("too small: a hundredth passes, the cost stays that of guessing, He learns", async () => {
  const { now, chance } = await after("Too small");
  expect(now[0]!.said.label).toBe("weights too small");
  expect(now[0]!.said.sentence).toMatch(/^layer 1 passes on 0\.01\d+ of its input/);
  for (const cost of now[0]!.costs) expect(cost / chance).toBeGreaterThan(0.99);
  expect(now[1]!.median).toBeLessThan(0.2 * chance);
});

it("He or Xavier: in fifteen layers Xavier's signal is gone, and only He learns", async () => {
  const { start, now, chance } = await after("He or Xavier, deep");
  const passed = start.map(({ looks }) => {
    const ratios = looks.map(({ run }) => run.start[14]!.preactivationRms / run.start[0]!.preactivationRms);
    return medianLow(ratios);
  });
  expect(passed[0]).toBeGreaterThan(0.1);
  expect(passed[1]! / passed[0]!).toBeLessThan(2 ** -6); // 14 halves of variance are 2^-7 of scale
  expect(now[0]!.median).toBeLessThan(0.4 * chance);
  expect(now[1]!.median).toBeGreaterThan(0.97 * chance);
  expect(now[1]!.said.label).toBe("vanishing gradients");
});

it("tanh saturates: most units are flat, little is learned, Xavier finds the circle", async () => {
  const { now, chance } = await after("Tanh saturates");
  expect(layer(now[0]!, "saturated", 1)).toBeGreaterThan(0.5);
  expect(layer(now[0]!, "saturated", 2)).toBeGreaterThan(0.5);
  const labels = [now[0]!.said.label, ...now[0]!.said.also.map(({ label }) => label)];
  expect(labels.slice(0, 2)).toEqual(["weights too large", "saturated"]);
  expect(now[0]!.median).toBeGreaterThan(0.7 * chance);
  expect(now[1]!.median).toBeLessThan(0.2 * chance);
  expect(layer(now[1]!, "saturated", 1)).toBeLessThan(0.05);
});

it("dying ReLU: units die while it trains, and leaky ReLU goes on learning", async () => {
  const { start, now, chance } = await after("Dying ReLU");
  for (const place of [0, 1]) {
    expect(layer(start[place]!, "dead", 1)).toBeLessThan(0.2);
    expect(layer(now[place]!, "dead", 1)).toBeGreaterThan(0.8);
    const [first, second] = [now[place]!.said.label, now[place]!.said.also[0]?.label];
    expect([first, second]).toContain("dead units");
    expect(now[place]!.median).toBeGreaterThan(0.99 * chance);
  }
  const leaky = (await after("Dying ReLU", { activation: "leaky_relu", speed: 10 })).now[0]!;
  expect(leaky.median).toBeLessThan(0.8 * chance);
});

it("rate too high: costs jump over that of guessing, and at a lower rate the same weights learn", async () => {
  const { now, chance } = await after("Rate too high");
  for (const shown of now) {
    expect(shown.said.label).toBe("learning rate too high");
    expect(shown.median).toBeGreaterThan(2 * chance);
  }
  const tamed = (await after("Rate too high", { learningRate: 1, speed: 10 })).now;
  for (const { median } of tamed) expect(median).toBeLessThan(0.5 * chance);
});
