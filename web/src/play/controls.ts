/** The form in which a visitor sets what is trained. */

import { SCHEMES } from "../engine/initializers";
import { ACTIVATIONS, OPTIMIZERS } from "../engine/network";
import { colour } from "../shared/colours";
import { shown } from "../shared/numbers";
import {
  BATCHES,
  DATA,
  layers,
  MOST_INITIALIZERS,
  MOST_SEEDS,
  RATES,
  written,
  type Asked,
  type State,
} from "./state";

type Change = (part: Partial<State>) => void;

function labelled(name: string, control: HTMLElement): HTMLLabelElement {
  const label = document.createElement("label");
  label.append(name, control);
  return label;
}

function choice(
  values: readonly (string | number)[],
  chosen: string | number,
  onChange: (value: string) => void,
  text: (value: string | number) => string = String,
): HTMLSelectElement {
  const select = document.createElement("select");
  const all = values.includes(chosen) ? values : [...values, chosen];
  for (const value of all) select.add(new Option(text(value), String(value)));
  select.value = String(chosen);
  select.onchange = (): void => onChange(select.value);
  return select;
}

export function button(text: string, onClick: () => void): HTMLButtonElement {
  const made = document.createElement("button");
  made.type = "button";
  made.textContent = text;
  made.onclick = onClick;
  return made;
}

/** Fill the form with the state's values; each change is told. */
export function fill(form: HTMLElement, state: State, dark: boolean, change: Change): void {
  const spaced = (value: string | number): string => String(value).replaceAll("_", " ");
  const hidden = document.createElement("input");
  hidden.value = written(state.hidden);
  hidden.title = "Units of each hidden layer, with commas; 16x8 is eight layers of 16";
  hidden.onchange = (): void => {
    const found = layers(hidden.value);
    hidden.setCustomValidity(found ? "" : "Units of up to 30 layers, 1 to 64 each: 10,5 or 16x8");
    if (found) change({ hidden: found });
    else hidden.reportValidity();
  };
  const seeds = document.createElement("input");
  Object.assign(seeds, { type: "number", min: "1", max: String(MOST_SEEDS) });
  seeds.value = String(state.seeds);
  seeds.onchange = (): void => {
    const value = Math.round(Number(seeds.value)) || 1;
    change({ seeds: Math.min(MOST_SEEDS, Math.max(1, value)) });
  };
  const number = (name: "learningRate" | "batchSize") => (text: string) =>
    change({ [name]: Number(text) });
  const one = <K extends keyof State>(name: K) => (text: string) =>
    change({ [name]: text } as unknown as Partial<State>);
  form.replaceChildren(
    labelled("Data", choice(DATA, state.data, one("data"))),
    labelled("Hidden layers", hidden),
    labelled("Activation", choice(ACTIVATIONS, state.activation, one("activation"), spaced)),
    labelled("Learning rate", choice(RATES, state.learningRate, number("learningRate"))),
    labelled("Optimizer", choice(OPTIMIZERS, state.optimizer, one("optimizer"), spaced)),
    labelled(
      "Batch size",
      choice(BATCHES, state.batchSize, number("batchSize"), (v) => (v === 0 ? "all" : String(v))),
    ),
    labelled("Seeds", seeds),
    initializers(state, dark, change),
  );
}

function initializers(state: State, dark: boolean, change: Change): HTMLElement {
  const set = document.createElement("fieldset");
  const legend = document.createElement("legend");
  legend.textContent = "Initializers";
  set.append(legend);
  const all = state.initializers;
  const put = (place: number, asked: Asked): void =>
    change({ initializers: all.map((each, i) => (i === place ? asked : each)) });
  all.forEach(({ scheme, scale }, place) => {
    const row = document.createElement("div");
    row.className = "init";
    row.style.setProperty("--own", colour(place, dark));
    const first = document.createElement("div");
    const select = choice(Object.keys(SCHEMES), scheme, (name) =>
      put(place, { scheme: name, scale: SCHEMES[name]?.scale?.start ?? 1 }),
    );
    select.setAttribute("aria-label", `Initializer ${place + 1}`);
    select.title = SCHEMES[scheme]!.formula;
    const remove = button("×", () => change({ initializers: all.filter((_, i) => i !== place) }));
    remove.setAttribute("aria-label", `Remove initializer ${place + 1}`);
    remove.disabled = all.length === 1;
    first.append(select, remove);
    row.append(first);
    const own = SCHEMES[scheme]!.scale;
    if (own) row.append(slider(`${own.name} of initializer ${place + 1}`, scale, (value) => put(place, { scheme, scale: value })));
    set.append(row);
  });
  const add = button("Add an initializer", () =>
    change({ initializers: [...all, { scheme: "glorot_normal", scale: 1 }] }),
  );
  add.disabled = all.length >= MOST_INITIALIZERS;
  set.append(add);
  return set;
}

/** A slider from 0.001 to 100, two digits each. */
function slider(name: string, value: number, onChange: (value: number) => void): HTMLElement {
  const row = document.createElement("div");
  const input = document.createElement("input");
  Object.assign(input, { type: "range", min: "-3", max: "2", step: "0.05" });
  input.value = String(Math.log10(value));
  input.setAttribute("aria-label", name);
  const said = document.createElement("output");
  said.textContent = shown(value);
  const now = (): number => Number((10 ** Number(input.value)).toPrecision(2));
  input.oninput = (): void => {
    said.textContent = shown(now());
  };
  input.onchange = (): void => onChange(now());
  row.append(input, said);
  return row;
}
