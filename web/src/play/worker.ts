/** A worker: races what it is given, as the page asks. */

import { compiled } from "../engine/kernel";
import { Race, type Answer, type Entry, type Wish } from "./race";
import type { State } from "./state";

export interface Begin {
  readonly state: State;
  readonly entries: readonly Entry[];
  /** The initializers whose theory is this worker's to find. */
  readonly theories: readonly number[];
}
export interface Ask extends Wish {
  readonly begin?: Begin;
}

const kernel = compiled();
let race: Race | null = null;

self.onmessage = async ({ data }: MessageEvent<Ask>): Promise<void> => {
  if (data.begin) race = new Race(await kernel, data.begin.state, data.begin.entries, data.begin.theories);
  const answer: Answer = race?.answer(data) ?? { parts: [], theory: [], busy: false };
  self.postMessage(answer);
};
