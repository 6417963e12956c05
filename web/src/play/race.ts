/** Some seeds of some initializers while they learn: a worker's part of the race. */

import { drawParameters, SCHEMES } from "../engine/initializers";
import { Networks, started, type NetworkState, type Points, type Setup } from "../engine/network";
import { sharpness } from "../engine/sharpness";
import { classes, examples, learnable, span, type Span } from "./points";
import { measured, type LayerSignals } from "./signals";
import type { State } from "./state";
import { Drawing, type Theory } from "./theory";
import type { Run } from "./words";

export const GRID = 64; // points along each side of a decision boundary
export const TILE = 32; // points along each side of a unit's picture
export const MOST_TILES = 16;
// Parameters times examples times seeds up to which every seed's sharpness is measured at the start, all at once.
const QUICK = 2_000_000;
const LOOKS_PER_BEND = 4;
const THEORY_PER_ASK = 6; // milliseconds

/** A seed of an initializer, both by their places. */
export type Entry = readonly [place: number, seed: number];

export interface Wish {
  readonly steps: number;
  /** Whose boundary: a seed's place, or -1 for the mean. */
  readonly seen: number;
  /** Of which initializers the boundary is worked out. */
  readonly draw: readonly number[];
  /** Of which initializers the layers are looked at. */
  readonly look: readonly number[];
  /** Of which hidden layer the units are pictured, counted from 0; -1 for none. */
  readonly units: number;
}

/** One seed, looked at closely. */
export interface Look {
  readonly seed: number;
  readonly accuracy: number;
  readonly run: Run;
}

/** What a worker knows of one initializer: of the seeds that are its own. */
export interface Part {
  readonly place: number;
  readonly iteration: number;
  readonly seeds: readonly number[];
  readonly costs: readonly number[];
  /** Odds at the points of the grid, class by class, added up over so many seeds. */
  readonly boundary: { readonly sum: Float32Array; readonly of: number } | null;
  readonly looks: readonly Look[];
  readonly units: readonly Float32Array[];
}

export interface Answer {
  readonly parts: readonly Part[];
  readonly theory: readonly (readonly [place: number, theory: Theory])[];
  /** Whether there is still theory to come. */
  readonly busy: boolean;
}

export function setup(state: State, train: Points): Setup {
  const count = classes(train);
  return {
    layers: [2, ...state.hidden, count > 2 ? count : 1],
    activation: state.activation,
    output: count > 2 ? "softmax" : "sigmoid",
    optimizer: state.optimizer,
    learningRate: state.learningRate,
    batchSize: state.batchSize,
  };
}

/** Return the cost of answering with how often each class is there. */
export function chance(train: Points): number {
  const counts = new Map<number, number>();
  train.y.forEach((y) => counts.set(y, (counts.get(y) ?? 0) + 1));
  const shares = [...counts.values()].map((count) => count / train.y.length);
  return -shares.reduce((sum, share) => sum + share * Math.log(share), 0);
}

interface Runner {
  readonly seed: number;
  readonly network: NetworkState;
  readonly start: LayerSignals[];
  readonly first: number;
  stability: number;
}

export class Race {
  private readonly networks: Networks;
  private readonly runners = new Map<number, Runner[]>();
  private readonly theories: [place: number, drawing: Drawing][];
  private readonly chance: number;
  private readonly tested: "train" | "test";
  private readonly looked = new Map<number, number>(); // how often at each initializer

  constructor(
    module: WebAssembly.Module,
    private readonly state: State,
    entries: readonly Entry[],
    theories: readonly number[],
  ) {
    const { train, test } = examples(state);
    const asked = setup(state, train);
    this.networks = new Networks(module, asked, train, test, grid(span(state, train)));
    this.chance = chance(train);
    this.tested = test.y.length ? "test" : "train";
    const able = learnable(train);
    const quick = this.networks.parameterCount * train.y.length * entries.length <= QUICK;
    for (const [place, seed] of able ? entries : []) {
      const { scheme, scale } = state.initializers[place]!;
      const own = state.firstSeed + seed;
      const network = started(drawParameters(SCHEMES[scheme]!, scale, asked.layers, own), own);
      const start = measured(this.networks, network);
      const first = this.networks.measure(network, "train").cost;
      const runner = { seed, network, start, first, stability: quick ? this.bent(network) : 0 };
      this.runners.set(place, [...(this.runners.get(place) ?? []), runner]);
    }
    this.theories = (able ? theories : []).flatMap((place) => {
      const { scheme, scale } = state.initializers[place]!;
      const known = SCHEMES[scheme]!;
      return known.variance ? [[place, new Drawing(this.networks, known, scale, train)]] : [];
    });
  }

  /** Train, and return what there is to be seen. */
  answer(wish: Wish): Answer {
    for (const runners of this.runners.values()) {
      for (const { network } of runners) if (wish.steps > 0) this.networks.train(network, wish.steps);
    }
    const parts = [...this.runners].map(([place, runners]) => this.part(place, runners, wish));
    return { parts, theory: this.theory(), busy: this.theories.length > 0 };
  }

  private part(place: number, runners: Runner[], wish: Wish): Part {
    const looked = wish.look.includes(place);
    const drawn = wish.draw.includes(place);
    const shown = runners.filter(({ seed }) => drawn && (wish.seen < 0 || seed === wish.seen));
    const costs = runners.map(({ network }) => this.networks.measure(network, "train").cost);
    const pictured = looked && wish.units >= 0 ? runners.find(({ seed }) => seed === Math.max(0, wish.seen)) : null;
    if (looked) this.bend(place, runners);
    return {
      place,
      iteration: runners[0]!.network.steps,
      seeds: runners.map(({ seed }) => seed),
      costs,
      boundary: shown.length ? { sum: this.boundary(shown), of: shown.length } : null,
      looks: looked ? runners.map((runner, i) => this.look(runner, costs[i]!)) : [],
      units: pictured ? this.units(pictured.network, wish.units) : [],
    };
  }

  private boundary(runners: readonly Runner[]): Float32Array {
    const [first, ...others] = runners.map(({ network }) => this.networks.boundary(network));
    for (const other of others) for (let i = 0; i < first!.length; i++) first![i]! += other[i]!;
    return first!;
  }

  private look({ seed, network, start, first, stability }: Runner, cost: number): Look {
    const now = measured(this.networks, network);
    const { accuracy } = this.networks.measure(network, this.tested);
    return { seed, accuracy, run: { start, now, first, cost, chance: this.chance, stability } };
  }

  /** Measure one seed's sharpness now and then, the seeds in turn: it takes as long as sixty steps. */
  private bend(place: number, runners: Runner[]): void {
    const looked = this.looked.get(place) ?? 0;
    this.looked.set(place, looked + 1);
    if (looked % LOOKS_PER_BEND) return;
    const runner = runners[(looked / LOOKS_PER_BEND) % runners.length]!;
    runner.stability = Math.max(runner.stability, this.bent(runner.network) || 0);
  }

  /** Return learning rate times sharpness in limits of stability; 0 where the limits are others. */
  private bent(network: NetworkState): number {
    const plain = this.state.optimizer === "gradient_descent" && this.state.batchSize === 0;
    return plain ? (this.state.learningRate * sharpness(this.networks, network)) / 2 : 0;
  }

  private units(network: NetworkState, layer: number): Float32Array[] {
    const step = GRID / TILE;
    return this.networks
      .unitsOnGrid(network, Math.min(layer, this.state.hidden.length - 1))
      .slice(0, MOST_TILES)
      .map((unit) =>
        Float32Array.from({ length: TILE * TILE }, (_, i) =>
          unit[Math.floor(i / TILE) * step * GRID + (i % TILE) * step]!,
        ),
      );
  }

  private theory(): [number, Theory][] {
    const next = this.theories[0];
    const found = next?.[1].go(THEORY_PER_ASK);
    if (!next || !found) return [];
    this.theories.shift();
    return [[next[0], found]];
  }
}

/** Return the points of a square, row by row from the top. */
export function grid({ low, high }: Span): Float64Array {
  const at = (i: number): number => low + ((i + 0.5) / GRID) * (high - low);
  const count = GRID * GRID;
  return Float64Array.from({ length: 2 * count }, (_, i) =>
    i < count ? at(i % GRID) : at(GRID - 1 - Math.floor((i - count) / GRID)),
  );
}
