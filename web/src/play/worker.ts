/** A worker: races the initializers it is given, as the page asks. */

import { compiled } from "../engine/kernel";
import { Race, type Snapshot } from "./race";
import type { State } from "./state";

export interface Begin {
  readonly state: State;
  readonly places: readonly number[];
}
export interface Ask {
  readonly begin?: Begin;
  readonly steps: number;
  /** Whose boundary: a seed's place, or -1 for the mean. */
  readonly seen: number;
  readonly words: boolean;
}
export type Answer = readonly Snapshot[];

const kernel = compiled();
let race: Race | null = null;

self.onmessage = async ({ data }: MessageEvent<Ask>): Promise<void> => {
  if (data.begin) race = new Race(await kernel, data.begin.state, data.begin.places);
  race?.advance(data.steps);
  self.postMessage(race?.snapshots(data.seen, data.words) ?? []);
};
