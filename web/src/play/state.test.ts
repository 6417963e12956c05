import { describe, expect, it } from "vitest";
import { dealt, merged } from "./crew";
import { compiled } from "../engine/kernel";
import { examples, learnable, MOST_DOTS, read, sketch, table, write } from "./points";
import { Race, type Wish } from "./race";
import { address, command, fromAddress, START, type State } from "./state";

const odd: State = {
  ...START,
  data: "painted",
  painted: write([
    { x: 0.5, y: -1, of: 0 },
    { x: -2, y: 2, of: 2 },
    { x: 0.1, y: 0.1, of: 1 },
  ]),
  hidden: [7, 7, 7],
  activation: "gelu",
  learningRate: 0.03,
  optimizer: "adam",
  batchSize: 16,
  initializers: [
    { scheme: "normal", scale: 0.03 },
    { scheme: "orthogonal", scale: 1.5 },
  ],
  seeds: 3,
  firstSeed: 24,
  speed: 100,
  axis: "log",
};

describe("the address", () => {
  it.each([START, odd])("brings back what was set", (state) => {
    expect(fromAddress(`#${address(state)}`)).toEqual(state);
  });

  it("that makes no sense is as at the start", () => {
    const hash = "#data=cats&hidden=0,5&activation=cube&rate=-1&seeds=1e9&init=he_normal he_uniform:x <b>&axis=up&batch=2.5";
    expect(fromAddress(hash)).toEqual({ ...START, initializers: [{ scheme: "he_normal", scale: 1 }] });
    expect(fromAddress("#init=constructor toString").initializers).toEqual(START.initializers);
  });
});

describe("painted points", () => {
  it("come back where they were, to a thousandth of the picture", () => {
    const [first] = read(write([{ x: 0.5, y: -1.2345, of: 1 }]));
    expect(Math.abs(first!.x - 0.5)).toBeLessThan(0.002);
    expect(Math.abs(first!.y + 1.2345)).toBeLessThan(0.002);
    expect(write(read(odd.painted))).toBe(odd.painted);
  });

  it("are few enough for an address, and need two colours", () => {
    const one = { x: 0, y: 0, of: 0 };
    expect(read(write(Array<typeof one>(999).fill(one)))).toHaveLength(MOST_DOTS);
    expect(learnable(examples({ data: "painted", painted: write([one, one]) }).train)).toBe(false);
    expect(learnable(examples(odd).train)).toBe(true);
    expect(read("zz!!q")).toEqual([]);
  });

  it("begin with every fifth of the set, and are saved as a table", () => {
    const { train } = examples(START);
    expect(read(sketch(train))).toHaveLength(60);
    expect(table(odd.painted).split("\n")[1]).toMatch(/^0\.49\d+,-0\.99\d+,a$/);
    expect(command(odd)).toContain("goodinit compare points.csv --target class --hidden 7,7,7");
  });
});

describe("the workers together", () => {
  const wish: Wish = { steps: 40, seen: -1, draw: [0, 1], look: [0, 1], units: 1 };
  const race = async (state: State, workers: number): Promise<ReturnType<typeof merged>> => {
    const module = await compiled();
    const entries = dealt(state.initializers.length, state.seeds, workers);
    return merged(entries.map((own, w) => new Race(module, state, own, w ? [] : [0, 1]).answer(wish)));
  };

  it.each([START, odd])("see the same, however many they are", async (state) => {
    const two = { ...state, initializers: state.initializers.slice(-2) };
    const [one, three] = [await race(two, 1), await race(two, 3)];
    expect(one.snapshots).toHaveLength(2);
    one.snapshots.forEach((snapshot, i) => {
      const other = three.snapshots[i]!;
      expect(other.costs).toEqual(snapshot.costs);
      expect(other.looks.map(({ seed }) => seed)).toEqual(snapshot.looks.map(({ seed }) => seed));
      expect(other.looks.map(({ run }) => run.now)).toEqual(snapshot.looks.map(({ run }) => run.now));
      expect(other.units).toEqual(snapshot.units);
      snapshot.boundary!.forEach((odds, k) => expect(odds).toBeCloseTo(other.boundary![k]!, 5));
    });
  });
});
