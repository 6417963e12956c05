/** The playground: what is asked, the workers that train, and the panels that show it. */

import "uplot/dist/uPlot.min.css";
import "../shared/theme.css";
import "./play.css";
import { SCHEMES, spec } from "../engine/initializers";
import { colour } from "../shared/colours";
import { button, fill } from "./controls";
import { Panel } from "./panel";
import { PRESETS } from "./presets";
import { points, span, type Snapshot } from "./race";
import { address, command, fromAddress, SPEEDS, type State } from "./state";
import type { Answer, Ask } from "./worker";

declare const WORKER_SOURCE: string;

const FRAMES_BETWEEN_WORDS = 15;
const by = (id: string): HTMLElement => document.getElementById(id)!;
const dark = matchMedia("(prefers-color-scheme: dark)");
const source = URL.createObjectURL(new Blob([WORKER_SOURCE], { type: "text/javascript" }));
const cores = Math.max(1, Math.min(navigator.hardwareConcurrency || 2, 6));
const workers = Array.from({ length: cores }, () => new Worker(source));

let state: State = fromAddress(location.hash);
let panels: Panel[] = [];
let running = false;
let seen = 0; // whose boundary: a seed's place, -1 for the mean
let fresh = true; // networks are to be drawn
let waiting = false;
let again = false; // something changed while workers were busy
let frames = 0;

function ask(worker: Worker, question: Ask): Promise<Answer> {
  return new Promise((resolve) => {
    worker.onmessage = ({ data }: MessageEvent<Answer>): void => resolve(data);
    worker.postMessage(question);
  });
}

/** Let all workers take some steps, and show what comes back. */
async function advance(steps: number): Promise<void> {
  if (waiting) {
    again = true;
    return;
  }
  waiting = true;
  const drawn = fresh;
  if (drawn) build();
  fresh = false;
  const words = !running || frames++ % FRAMES_BETWEEN_WORDS === 0;
  const answers = await Promise.all(
    workers.map((worker, w) => {
      const places = state.initializers.flatMap((_, i) => (i % workers.length === w ? [i] : []));
      const question = { steps: drawn ? 0 : steps, seen, words: words || drawn };
      return ask(worker, drawn ? { ...question, begin: { state, places } } : question);
    }),
  );
  waiting = false;
  if (!fresh) show(answers.flat());
  if (fresh || again) {
    again = false;
    void advance(0);
  } else if (running) requestAnimationFrame(() => void advance(state.speed));
}

function show(snapshots: readonly Snapshot[]): void {
  for (const snapshot of snapshots) panels[snapshot.place]?.take(snapshot);
  for (const panel of panels) panel.draw();
  const iteration = snapshots[0]?.iteration ?? 0;
  by("iteration").textContent = `iteration ${iteration.toLocaleString("en")}`;
}

/** Return the range of costs of all panels, so that they compare. */
function range(): [number, number] {
  let [low, high] = [0.5, 1];
  for (const { curves } of panels) {
    for (const cost of [...curves.costs.flat(), ...curves.median]) {
      if (!Number.isFinite(cost) || cost <= 0) continue;
      low = Math.min(low, cost);
      high = Math.max(high, cost);
    }
  }
  return [Math.max(low / 1.3, 1e-6), Math.min(high * 1.3, 1e9)];
}

/** Make the panels anew. */
function build(): void {
  const { train } = points(state.data);
  const ink = getComputedStyle(document.documentElement).getPropertyValue("--ink").trim();
  by("panels").replaceChildren();
  panels = [];
  panels = state.initializers.map(({ scheme, scale }, place) => {
    const look = {
      title: spec(SCHEMES[scheme]!, scale),
      colour: colour(place, dark.matches),
      ink: ink.length === 4 ? `#${[...ink.slice(1)].map((c) => c + c).join("")}` : ink,
      classes: Math.max(...train.y) + 1,
      seeds: state.seeds,
    };
    return new Panel(by("panels"), look, train, span(train), range);
  });
}

/** Take a new state; the networks begin again unless only the speed has changed. */
function set(next: State, redraw = true): void {
  state = next;
  seen = Math.min(seen, state.seeds - 1);
  history.replaceState(null, "", `#${address(state)}`);
  by("command").textContent = command(state);
  if (redraw) {
    fill(by("controls"), state, dark.matches, (part) => set({ ...state, ...part }));
    fresh = true;
    void advance(0);
  }
  toolbar();
}

function toolbar(): void {
  const start = button(running ? "Stop" : "Start", () => {
    running = !running;
    toolbar();
    void advance(running ? state.speed : 0);
  });
  start.className = "main";
  start.id = "start";
  const step = button("One step", () => {
    running = false;
    toolbar();
    void advance(1);
  });
  const rewind = button("Rewind", () => set(state));
  rewind.title = "Back to iteration 0 with the same weights";
  const draw = button("New draw", () =>
    set({ ...state, firstSeed: state.firstSeed + state.seeds }),
  );
  draw.title = "Other seeds";
  const pick = (
    name: string,
    values: readonly number[],
    chosen: number,
    text: (value: number) => string,
    onChange: (value: number) => void,
  ): HTMLSelectElement => {
    const select = document.createElement("select");
    select.setAttribute("aria-label", name);
    for (const value of values) select.add(new Option(text(value), String(value)));
    select.value = String(chosen);
    select.onchange = (): void => onChange(Number(select.value));
    return select;
  };
  const speed = pick("Speed", [...new Set([...SPEEDS, state.speed])], state.speed,
    (v) => `${v} per frame`, (v) => set({ ...state, speed: v }, false));
  const all = [-1, ...Array.from({ length: state.seeds }, (_, i) => i)];
  const whose = pick("Boundary of", all, seen,
    (v) => (v < 0 ? "mean of seeds" : `seed ${state.firstSeed + v}`),
    (v) => {
      seen = v;
      void advance(0);
    });
  const iteration = by("iteration") ?? document.createElement("span");
  iteration.id = "iteration";
  const focused = document.activeElement?.textContent;
  by("run").replaceChildren(start, step, rewind, draw, speed, whose, iteration);
  const same = [start, step, rewind, draw].find((each) => each.textContent === focused);
  (same ?? (focused === "Start" || focused === "Stop" ? start : null))?.focus();
}

by("presets").append(
  ...PRESETS.map((preset) =>
    button(preset.name, () => {
      by("story").textContent = preset.told;
      running = true;
      set(preset.state);
    }),
  ),
);
by("copy").onclick = async (): Promise<void> => {
  const text = by("command").textContent ?? "";
  try {
    await navigator.clipboard.writeText(text);
    by("copy").textContent = "Copied";
  } catch {
    getSelection()?.selectAllChildren(by("command")); // where the browser forbids it: select
    by("copy").textContent = "Selected: press Ctrl-C";
  }
  setTimeout(() => (by("copy").textContent = "Copy"), 2000);
};
addEventListener("hashchange", () => set(fromAddress(location.hash)));
addEventListener("resize", () => panels.forEach((panel) => panel.resize()));
dark.onchange = (): void => set(state);
set(state);
