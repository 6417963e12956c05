/** Costs by iteration, signals by layer, sharpness by iteration: the pictures that are lines. */

import { h } from "../shared/dom";
import { shown } from "../shared/numbers";
import { choice, section } from "./controls";
import { rows, unpacked, type Study } from "./data";
import { linesView, wantsLog, type Line, type Panel } from "./lines";
import type { Looks } from "./looks";

/** Return median, low and high of a spread's rows (..., 3), each of `length` places. */
function spreads(values: readonly number[][], length: number): Pick<Line, "median" | "low" | "high">[] {
  return Array.from({ length: length ? values.length / length : 0 }, (_, i) => {
    const of = values.slice(i * length, (i + 1) * length);
    const column = (place: number): number[] => of.map((each) => each[place]!);
    return { median: column(0), low: column(1), high: column(2) };
  });
}

const WORDS: Readonly<Record<string, string>> = { train_cost: "training cost", test_cost: "test cost" };

export function curves(study: Study, looks: Looks): HTMLElement {
  const { moments, seeds, groups, measures } = study.curves;
  const found = Object.fromEntries(
    Object.entries(measures).map(([measure, columns]) => {
      const spread = spreads(rows(unpacked(columns.spread), 3), moments.length);
      const each = rows(unpacked(columns.each), moments.length);
      const lines = groups.map(([place], g): Line => ({ place, ...spread[g]!, seeds: each.slice(g * seeds.length, (g + 1) * seeds.length) }));
      return [measure, lines];
    }),
  );
  const names = Object.keys(measures);
  const rates = [...new Set(groups.map(([, rate]) => rate))];
  let measure = names[0]!;
  let rate: number | null = null; // each at its own best
  const panels = (): Panel[] => {
    const lines = found[measure]!.filter((line, g) => groups[g]![1] === (rate ?? study.initializers[line.place]!.rate));
    return [{ title: "", lines: lines.sort((a, b) => a.place - b.place) }];
  };
  let log = wantsLog(panels());
  const chance = study.chance;
  const [view, draw] = linesView(
    looks,
    () => ({
      what: WORDS[measure]!,
      xs: moments,
      x: "iteration",
      panels: panels(),
      log,
      marks: chance !== null ? [{ at: chance, words: "the cost of guessing" }] : [],
    }),
    true,
  );
  draw();
  const controls = h(
    "div",
    { class: "controls" },
    names.length > 1 ? choice("cost", names.map((name) => WORDS[name]!), (at) => { measure = names[at]!; draw(); }) : null,
    choice("axis", ["linear", "logarithmic"], (at) => { log = at === 1; draw(); }, log ? 1 : 0),
    rates.length > 1
      ? choice("learning rate", ["each at its own best", ...rates.map(String)], (at) => { rate = at ? rates[at - 1]! : null; draw(); })
      : null,
  );
  const guessing = chance === null ? "" : ` The dashed line is the cost of guessing, ${shown(chance)}: whoever stays on it learns nothing.`;
  return section("curves", "Cost while training", `Lower and earlier is better. The line is the median over ${seeds.length > 1 ? "the seeds" : "one seed"}, the shade where 90 % of them lie.${guessing}`, controls, view);
}

const HOW: Readonly<Record<string, string>> = {
  preactivation_rms: "A healthy network keeps this about level from layer to layer.",
  activation_rms: "A healthy network keeps this about level from layer to layer.",
  gradient_rms: "Where it falls or grows by orders of magnitude, layers learn at different speeds.",
  dead_fraction: "Units that answer no example; they get no gradient.",
  saturated_fraction: "Units on the flat ends of their activation; they hardly learn.",
  distinct_units: "Units that are one unit count once: a layer with one of ten has one to work with.",
};
const SHARES = ["dead_fraction", "saturated_fraction"];
const MOMENTS = ["start of training", "end of training"];

export function signals(study: Study, looks: Looks): HTMLElement {
  const { layers, signals: every } = study.signals;
  const names = Object.keys(every);
  const drawn = study.initializers.filter((one) => one.drawn).length;
  let signal = names[0]!;
  const panels = (): Panel[] => {
    const { spread, theory } = every[signal]!;
    const lines = spreads(rows(unpacked(spread), 3), layers.length);
    const bands = theory ? rows(unpacked(theory), 2) : [];
    return MOMENTS.map((title, m) => ({
      title,
      lines: Array.from({ length: drawn }, (_, place): Line => {
        const own = bands.slice(place * layers.length, (place + 1) * layers.length);
        const line = { place, ...lines[m * drawn + place]! };
        return m === 0 && own.length ? { ...line, theory: [own.map((b) => b[0]!), own.map((b) => b[1]!)] } : line;
      }),
    }));
  };
  const how = h("p", { class: "soft how" });
  const [view, draw] = linesView(
    looks,
    () => {
      const now = panels();
      const share = SHARES.includes(signal);
      how.textContent = HOW[signal]! + (every[signal]!.theory ? " Dotted at the start: theory’s 90 % band, where there is one." : "");
      return { what: every[signal]!.words, xs: layers, x: "layer", panels: now, log: !share && wantsLog(now), share, centred: true };
    },
    false,
  );
  draw();
  const pick = choice("signal", names.map((name) => every[name]!.words), (at) => { signal = names[at]!; draw(); });
  return section("signals", "Signals by layer", "What each layer passes on, from the first to the output: median over seeds, and where 90 % of them lie.", h("div", { class: "controls" }, pick), how, view);
}

export function sharpness(study: Study, looks: Looks): HTMLElement | null {
  const { moments, limited, spread } = study.sharpness;
  const lines = spreads(rows(unpacked(spread), 3), moments.length).map((line, place): Line => ({ place, ...line }));
  if (!lines.some((line) => line.median.some((v) => Number.isFinite(v)))) return null;
  const panels = [{ title: "", lines }];
  const [view, draw] = linesView(
    looks,
    () => ({
      what: limited ? "learning rate × sharpness over its limit" : "sharpness",
      xs: moments,
      x: "iteration",
      panels,
      log: wantsLog(panels),
      marks: limited ? [{ at: 1, words: "the limit of stability" }] : [],
    }),
    false,
  );
  draw();
  const how = limited
    ? "Sharpness is the largest curvature of the cost. Above the dashed line, 1, steps of this learning rate overshoot."
    : "Sharpness is the largest curvature of the cost. This optimizer has no fixed limit of stability.";
  return section("sharpness", limited ? "Sharpness against the limit of stability" : "Sharpness", how, view);
}
