/** The workers: who trains what, and what they know put together. */

import { medianLow } from "../shared/numbers";
import type { Answer, Entry, Look, Wish } from "./race";
import type { State } from "./state";
import type { Theory } from "./theory";
import type { Ask } from "./worker";

/** What one panel shows. */
export interface Snapshot {
  readonly place: number;
  readonly iteration: number;
  /** Of every seed, in order. */
  readonly costs: readonly number[];
  readonly median: number;
  /** Odds at the points of the grid, class by class, of two classes the second's; null where not asked for. */
  readonly boundary: Float32Array | null;
  /** Of every seed in order; empty where it was not looked. */
  readonly looks: readonly Look[];
  readonly units: readonly Float32Array[];
}

export interface Seen {
  readonly snapshots: readonly Snapshot[];
  readonly theory: readonly (readonly [place: number, theory: Theory])[];
  readonly busy: boolean;
}

/** Return each worker's seeds: dealt one by one, so that all have as much to do. */
export function dealt(initializers: number, seeds: number, workers: number): Entry[][] {
  const all = Array.from({ length: initializers * seeds }, (_, k): Entry => [Math.floor(k / seeds), k % seeds]);
  return Array.from({ length: workers }, (_, w) => all.filter((__, k) => k % workers === w));
}

/** Return what all workers have answered as one. */
export function merged(answers: readonly Answer[]): Seen {
  const parts = answers.flatMap((answer) => answer.parts);
  const places = [...new Set(parts.map(({ place }) => place))].sort((a, b) => a - b);
  const snapshots = places.map((place) => {
    const own = parts.filter((part) => part.place === place);
    const costs: number[] = [];
    for (const part of own) part.seeds.forEach((seed, i) => (costs[seed] = part.costs[i]!));
    const looks = own.flatMap((part) => part.looks).sort((a, b) => a.seed - b.seed);
    return {
      place,
      iteration: own[0]!.iteration,
      costs,
      median: medianLow(costs.map((cost) => (Number.isFinite(cost) ? cost : Infinity))),
      boundary: mean(own.flatMap(({ boundary }) => boundary ?? [])),
      looks,
      units: own.find(({ units }) => units.length)?.units ?? [],
    };
  });
  return {
    snapshots,
    theory: answers.flatMap((answer) => answer.theory),
    busy: answers.some((answer) => answer.busy),
  };
}

function mean(parts: readonly { readonly sum: Float32Array; readonly of: number }[]): Float32Array | null {
  const [first, ...others] = parts;
  const count = parts.reduce((sum, { of }) => sum + of, 0);
  if (!first || count === 1) return first?.sum ?? null;
  return first.sum.map((own, i) => others.reduce((sum, other) => sum + other.sum[i]!, own) / count);
}

export class Crew {
  private readonly workers: Worker[];

  constructor(source: string, size: number) {
    this.workers = Array.from({ length: size }, () => new Worker(source));
  }

  /** Let all workers take some steps, from the start where there is a state, and tell what they see. */
  async ask(wish: Wish, state: State | null): Promise<Seen> {
    const count = this.workers.length;
    const entries = state ? dealt(state.initializers.length, state.seeds, count) : [];
    const answers = this.workers.map((worker, w) => {
      if (!state) return asked(worker, wish);
      const theories = state.initializers.flatMap((_, place) => (place % count === w ? [place] : []));
      return asked(worker, { ...wish, begin: { state, entries: entries[w]!, theories } });
    });
    return merged(await Promise.all(answers));
  }
}

function asked(worker: Worker, ask: Ask): Promise<Answer> {
  return new Promise((resolve) => {
    worker.onmessage = ({ data }: MessageEvent<Answer>): void => resolve(data);
    worker.postMessage(ask);
  });
}
