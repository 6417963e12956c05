/** The bar above the panels: start and stop, and how it is looked at. */

import { h } from "../shared/dom";
import { SPEEDS, type State } from "./state";

/** How the race is looked at; nothing of it changes what is trained. */
export interface View {
  /** Whose boundary: a seed's place, -1 for the mean. */
  readonly seen: number;
  /** Of which hidden layer the units are pictured, counted from 0; -1 for none. */
  readonly units: number;
}

export interface Actions {
  readonly toggle: () => void;
  readonly step: () => void;
  readonly rewind: () => void;
  readonly draw: () => void;
  readonly set: (part: Partial<State>) => void;
  readonly look: (part: Partial<View>) => void;
}

type Option = readonly [value: number | string, text: string];

export class Toolbar {
  private readonly start: HTMLButtonElement;
  private readonly iteration = h("span", { id: "iteration" });
  private readonly picks = h("span", { class: "picks" });
  private shown = "";

  constructor(
    into: HTMLElement,
    private readonly actions: Actions,
  ) {
    const button = (text: string, title: string, click: () => void): HTMLButtonElement =>
      h("button", { type: "button", title, click }, text);
    this.start = button("Start", "Train, and stop again", actions.toggle);
    this.start.id = "start";
    this.start.className = "main";
    into.replaceChildren(
      this.start,
      button("One step", "One iteration", actions.step),
      button("Rewind", "Back to iteration 0 with the same weights", actions.rewind),
      button("New draw", "Other seeds, so other weights", actions.draw),
      this.picks,
      this.iteration,
    );
  }

  count(iteration: number): void {
    this.iteration.textContent = `iteration ${iteration.toLocaleString("en")}`;
  }

  show(state: State, view: View, running: boolean): void {
    this.start.textContent = running ? "Stop" : "Start";
    const key = JSON.stringify([state.speed, state.seeds, state.firstSeed, state.hidden, state.axis, view]);
    if (key === this.shown) return; // else a list that is open would close
    this.shown = key;
    const { set, look } = this.actions;
    const focused = document.activeElement?.getAttribute("aria-label");
    const speeds = [...new Set([...SPEEDS, state.speed])].sort((a, b) => a - b);
    const seeds = Array.from({ length: state.seeds }, (_, i): Option => [i, `boundary: seed ${state.firstSeed + i}`]);
    const layers = state.hidden.map((_, l): Option => [l, `units: layer ${l + 1}`]);
    this.picks.replaceChildren(
      pick("Speed", speeds.map((v) => [v, `${v} per frame`]), state.speed, (v) => set({ speed: Number(v) })),
      pick("Boundary of", [[-1, "boundary: mean of seeds"], ...seeds], view.seen, (v) => look({ seen: Number(v) })),
      pick("Pictures of units", [[-1, "units: hidden"], ...layers], view.units, (v) => look({ units: Number(v) })),
      pick("Axis of costs", [["linear", "cost: linear"], ["log", "cost: logarithmic"]], state.axis, (v) =>
        set({ axis: v === "log" ? "log" : "linear" }),
      ),
    );
    if (focused) this.picks.querySelector<HTMLElement>(`[aria-label="${focused}"]`)?.focus();
  }
}

function pick(
  name: string,
  options: readonly Option[],
  chosen: number | string,
  onChange: (value: string) => void,
): HTMLSelectElement {
  const select = h("select", { "aria-label": name });
  for (const [value, text] of options) select.add(new Option(text, String(value)));
  select.value = String(chosen);
  select.onchange = (): void => onChange(select.value);
  return select;
}
