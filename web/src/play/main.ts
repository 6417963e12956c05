/** The playground: what is asked, the workers that train, and the panels that show it. */

import "uplot/dist/uPlot.min.css";
import "../shared/theme.css";
import "./play.css";
import { SCHEMES, spec } from "../engine/initializers";
import { colour } from "../shared/colours";
import { copyButton, h } from "../shared/dom";
import { fill } from "./controls";
import { axisEnds } from "./costs";
import { Crew, type Seen } from "./crew";
import { decades } from "./layers";
import { Brush } from "./paint";
import { Panel, type Pictured } from "./panel";
import { classes, examples, learnable, sketch, span } from "./points";
import { PRESETS } from "./presets";
import { chance } from "./race";
import { address, command, fromAddress, summary, type State } from "./state";
import { Toolbar, type View } from "./toolbar";

declare const WORKER_SOURCE: string;

const MOST_WORKERS = 6;
const SLOW = 80; // milliseconds of an answer, from which on less is asked for
const BRISK = 50; // and what is aimed at then
const by = (id: string): HTMLElement => document.getElementById(id)!;
const dark = matchMedia("(prefers-color-scheme: dark)");
const narrow = matchMedia("(max-width: 760px)");
const source = URL.createObjectURL(new Blob([WORKER_SOURCE], { type: "text/javascript" }));
const crew = new Crew(source, Math.max(1, Math.min(navigator.hardwareConcurrency || 2, MOST_WORKERS)));

let state: State = fromAddress(location.hash);
let view: View = { seen: 0, units: -1 };
let panels: Panel[] = [];
let running = false;
let fresh = true; // networks are to be drawn
let owed = 0; // steps that were asked for one by one
let changed = false; // how it is looked at
let going = false;
let race = 0; // which, counted
let pace = Infinity; // steps that the workers make in time
let turn = 0; // whose curves and layers are drawn in this frame

interface Asked {
  readonly seen: Promise<Seen>;
  readonly look: readonly number[];
  readonly moving: boolean;
  readonly race: number;
}

/** Let the workers go on, or begin anew. */
function ask(): Asked {
  const began = fresh;
  fresh = false;
  changed = false;
  if (began) {
    race += 1;
    pace = Infinity;
    build();
  }
  const moving = running && !began;
  const steps = began ? 0 : owed || (running ? Math.min(state.speed, pace) : 0);
  owed = began ? owed : 0;
  turn = (turn + 1) % state.initializers.length;
  const all = state.initializers.map((_, place) => place);
  const look = moving ? [turn] : all;
  const draw = pace < state.speed ? look : all;
  const seen = crew.ask({ steps, ...view, draw, look }, began ? state : null);
  if (moving) void keepPace(seen, steps);
  return { seen, look, moving, race };
}

/** Ask for fewer steps at a time of networks so large that the page would stand still. */
async function keepPace(seen: Promise<Seen>, steps: number): Promise<void> {
  const began = performance.now();
  await seen;
  const took = performance.now() - began;
  if (took > SLOW) pace = Math.max(1, Math.floor((steps * BRISK) / took));
  else if (pace < state.speed) pace = Math.ceil(pace * 1.2);
}

/** Train and show until nothing is left to do: what the workers saw is drawn while they go on. */
async function go(): Promise<void> {
  if (going) return;
  going = true;
  let asked: Asked | null = ask();
  while (asked) {
    const { look, moving, race: own }: Asked = asked;
    const seen: Seen = await asked.seen;
    const wanted = (): boolean => running || fresh || changed || owed > 0 || moving || seen.busy;
    asked = wanted() ? ask() : null;
    await new Promise(requestAnimationFrame);
    if (own === race) show(seen, look);
    if (!asked && wanted()) asked = ask();
  }
  going = false;
}

/** Show boundaries, and of some panels curves, words and layers, which take longer to draw. */
function show(seen: Seen, places: readonly number[]): void {
  for (const [place, theory] of seen.theory) panels[place]!.learnt(theory);
  for (const snapshot of seen.snapshots) panels[snapshot.place]!.take(snapshot, view.seen);
  const spans = (of: Pictured): [number, number] => decades(panels.map((panel) => panel.line(of)));
  const both = { preactivationRms: spans("preactivationRms"), gradientRms: spans("gradientRms") };
  for (const place of places) panels[place]!.draw(both);
  toolbar.count(seen.snapshots[0]?.iteration ?? 0);
}

/** Make the panels anew. */
function build(): void {
  const { train, test } = examples(state);
  const guessing = chance(train);
  by("panels").replaceChildren();
  by("panels").dataset.count = String(state.initializers.length);
  panels = [];
  if (!learnable(train)) {
    by("panels").append(h("p", {}, "Paint points of two colours: there is nothing to tell apart yet."));
  }
  panels = state.initializers.map(({ scheme, scale }, place) => {
    const look = {
      title: spec(SCHEMES[scheme]!, scale),
      formula: SCHEMES[scheme]!.formula,
      colour: colour(place, dark.matches),
      ink: dark.matches ? "#e8e8e6" : "#222222",
      dark: dark.matches,
      seeds: state.seeds,
      chance: guessing,
      axis: state.axis,
      tested: test.y.length ? "test" : "training",
    };
    const range = (): [number, number] => axisEnds(panels.map(({ costs }) => costs), guessing, state.axis);
    const panel = new Panel(by("panels"), look, train, span(state, train), range);
    if (state.data === "painted") brush.attach(panel.boundary);
    return panel;
  });
}

/** Take a new state; the networks begin again unless only the speed has changed. */
function set(part: Partial<State>): void {
  const before = state;
  state = { ...state, ...part };
  if (part.data === "painted" && !state.painted) state = { ...state, painted: sketch(examples(before).train) };
  view = { seen: Math.min(view.seen, state.seeds - 1), units: Math.min(view.units, state.hidden.length - 1) };
  history.replaceState(null, "", `#${address(state)}`);
  tell();
  if (Object.keys(part).every((name) => name === "speed")) return;
  fill(by("controls"), state, dark.matches, set);
  fresh = true;
  void go();
}

/** Show what is set. */
function tell(): void {
  by("command").textContent = command(state);
  const outputs = classes(examples(state).train);
  by("summary").textContent = summary(state, outputs > 2 ? outputs : 1);
  by("paint").hidden = state.data !== "painted";
  toolbar.show(state, view, running);
}

function run(on: boolean): void {
  running = on;
  toolbar.show(state, view, running);
  void go();
}

const brush = new Brush(by("paint"), () => state.painted, (painted) => set({ painted }));
const toolbar = new Toolbar(by("run"), {
  toggle: () => run(!running),
  step: () => {
    owed += 1;
    run(false);
  },
  rewind: () => set({ firstSeed: state.firstSeed }),
  draw: () => set({ firstSeed: state.firstSeed + state.seeds }),
  set,
  look: (part) => {
    view = { ...view, ...part };
    changed = true;
    run(running);
  },
});
by("presets").append(
  ...PRESETS.map((preset) =>
    h("button", { type: "button", click: () => {
      by("story").textContent = preset.told;
      view = { seen: 0, units: preset.units ?? -1 };
      running = true;
      set(preset.state);
    } }, preset.name),
  ),
);
by("take").append(
  copyButton("Copy the command", () => command(state)),
  " ",
  copyButton("Copy the link", () => location.href),
);
const setup = by("setup") as HTMLDetailsElement;
setup.open = !narrow.matches;
narrow.onchange = (): void => void (setup.open = !narrow.matches);
addEventListener("hashchange", () => set(fromAddress(location.hash)));
addEventListener("resize", () => panels.forEach(({ costs }) => costs.draw()));
dark.onchange = (): void => set({ ...state });
set({ ...state });
