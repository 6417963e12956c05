/** Lines with their spread, by uPlot: hover or arrow keys read them, a table says the numbers. */

import uPlot from "uplot";
import { h } from "../shared/dom";
import { shown } from "../shared/numbers";
import type { Looks } from "./looks";

export interface Line {
  readonly place: number;
  readonly median: readonly number[];
  readonly low: readonly number[];
  readonly high: readonly number[];
  readonly seeds?: readonly (readonly number[])[];
  readonly theory?: readonly [readonly number[], readonly number[]];
}

export interface Panel {
  readonly title: string;
  readonly lines: readonly Line[];
}

export interface Lines {
  readonly what: string;
  readonly xs: readonly number[];
  readonly x: string;
  readonly panels: readonly Panel[];
  readonly log: boolean;
  readonly share?: boolean;
  /** Whether the axis reaches as far up as down from the middle line; else from the lowest. */
  readonly centred?: boolean;
  readonly marks?: readonly { at: number; words: string }[];
}

const HEIGHT = 300;
// Of the line that stays lowest: how far above and below its largest value the axis may reach.
const ABOVE = 1e4;
const BELOW = 1e-16;
const DECADES = 8; // around the middle line, of a centred axis
const BEYOND = 3; // times the medians that a range may stretch the axis
const LOGARITHMIC_FROM = 5;

const usable = (values: readonly number[], log: boolean): number[] =>
  values.filter((v) => Number.isFinite(v) && (!log || v > 0));
const most = (values: readonly number[]): number => values.reduce((a, b) => Math.max(a, b), -Infinity);
const least = (values: readonly number[]): number => values.reduce((a, b) => Math.min(a, b), Infinity);

/** Return the ends of the axis: it spans the medians, and what of the ranges lies near them. */
export function ends(panels: readonly Panel[], log: boolean, centred = false): [number, number] {
  const lines = panels.flatMap((panel) => panel.lines);
  const largest = lines.map((line) => most(usable(line.median, log))).filter((v) => v > 0);
  const tamest = largest.length ? least(largest) : 1;
  const logs = lines.flatMap((line) => usable(line.median, true)).map(Math.log10).sort((a, b) => a - b);
  const middle = logs[Math.floor(logs.length / 2)] ?? 0;
  const within = (v: number): boolean =>
    centred && log
      ? Math.abs(Math.log10(v) - middle) <= DECADES
      : v <= ABOVE * tamest && (!log || v >= BELOW * tamest);
  const medians = lines.flatMap((line) => usable(line.median, log)).filter(within);
  if (!medians.length) return log ? [0.1, 10] : [0, 1];
  const [low, high] = [least(medians), most(medians)];
  const lows = lines.flatMap((line) => usable(line.low, log));
  const highs = lines.flatMap((line) => usable(line.high, log));
  const marks = log ? low / BEYOND : Math.min(0, low);
  const bottom = log ? Math.max(Math.min(low, least(lows)), marks) : marks;
  const top = Math.max(high, Math.min(most(highs), high > 0 ? high * BEYOND : high));
  if (log) {
    const room = (top / bottom) ** 0.05 || 1;
    return top > bottom ? [bottom / room, top * room] : [bottom / 2, top * 2];
  }
  const room = 0.05 * (top - bottom) || 0.5;
  return [bottom < 0 ? bottom - room : bottom, top + room];
}

/** Return whether medians span so much that only a logarithmic axis shows them. */
export function wantsLog(panels: readonly Panel[]): boolean {
  const values = panels.flatMap((panel) => panel.lines.flatMap((line) => usable(line.median, true)));
  return values.length > 0 && most(values) > LOGARITHMIC_FROM * least(values);
}

/** Return charts that are drawn of what `get` says, whenever it or what is shown changes. */
export function linesView(looks: Looks, get: () => Lines, withSeeds: boolean): [HTMLElement, () => void] {
  const charts = h("div", { class: "charts" });
  const legend = h("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": "Numbers of the chart" });
  let drawn: uPlot[] = [];
  let at = -1;

  function read(lines: Lines, place: number): void {
    at = Math.max(0, Math.min(lines.xs.length - 1, place));
    for (const element of charts.querySelectorAll("[role=slider]")) {
      element.setAttribute("aria-valuenow", String(lines.xs[at]));
      element.setAttribute("aria-valuetext", said(lines, looks, at));
    }
    legend.replaceChildren(numbers(lines, looks, at, withSeeds));
  }

  function draw(): void {
    const lines = get();
    for (const chart of drawn) chart.destroy();
    charts.replaceChildren();
    const range = ends(visible(lines.panels, looks), lines.log, lines.centred);
    if (at < 0 || at >= lines.xs.length) at = lines.xs.length - 1;
    drawn = lines.panels.map((panel) => {
      const box = h("div", { class: "chart" });
      const slider = h("div", {
        class: "plot",
        role: "slider",
        tabindex: 0,
        "aria-label": `${lines.what}${panel.title ? `, ${panel.title}` : ""}: move along the ${lines.x}`,
        "aria-valuemin": lines.xs[0]!,
        "aria-valuemax": lines.xs.at(-1)!,
      });
      if (panel.title) box.append(h("h3", {}, panel.title));
      box.append(slider);
      charts.append(box);
      const chart = plotted(slider, lines, panel, looks, range, (place) => read(lines, place));
      slider.addEventListener("keydown", (event) => {
        const steps: Record<string, number> = { ArrowLeft: at - 1, ArrowRight: at + 1, Home: 0, End: lines.xs.length - 1 };
        const to = steps[event.key];
        if (to === undefined) return;
        event.preventDefault();
        const place = Math.max(0, Math.min(lines.xs.length - 1, to));
        chart.setCursor({ left: chart.valToPos(lines.xs[place]!, "x"), top: 10 });
        read(lines, place);
      });
      return chart;
    });
    read(lines, at);
  }

  new ResizeObserver(() => {
    for (const chart of drawn) {
      const width = chart.root.parentElement!.clientWidth;
      if (width && width !== chart.width) chart.setSize({ width, height: HEIGHT });
    }
  }).observe(charts);
  looks.listen(draw);
  const how = "Point at the chart, or move along it with the arrow keys, for its numbers; a name hides or shows its initializer.";
  return [h("div", {}, charts, h("p", { class: "soft hint" }, how), legend), draw];
}

function visible(panels: readonly Panel[], looks: Looks): Panel[] {
  return panels.map((panel) => ({
    ...panel,
    lines: panel.lines.filter((line) => !looks.hidden.has(line.place)),
  }));
}

const told = (value: number, share: boolean): string =>
  Number.isNaN(value) ? "–" : share ? `${shown(100 * value)} %` : value === Infinity ? "∞" : shown(value);

function said(lines: Lines, looks: Looks, at: number): string {
  const each = visible(lines.panels, looks).flatMap((panel) =>
    panel.lines.map((line) => `${looks.name(line.place)} ${panel.title} ${told(line.median[at]!, !!lines.share)}`),
  );
  return `${lines.x} ${lines.xs[at]!.toLocaleString("en")}: ${each.join(", ")}`;
}

/** Return the table below the charts, whose buttons hide initializers and show their seeds. */
function numbers(lines: Lines, looks: Looks, at: number, withSeeds: boolean): HTMLElement {
  const places = [...new Set(lines.panels.flatMap((panel) => panel.lines.map((line) => line.place)))].sort((a, b) => a - b);
  const focused = document.activeElement?.getAttribute("data-key");
  const table = h(
    "table",
    { class: "numbers" },
    h("caption", {}, `${lines.what} at ${lines.x} ${lines.xs[at]!.toLocaleString("en")}: median (5th–95th percentile)`),
    h("thead", {}, h("tr", {}, h("th", { scope: "col" }, "initializer"), ...lines.panels.map((panel) => h("th", { scope: "col" }, panel.title || "median")), ...(withSeeds ? [h("th", { scope: "col" }, "seeds")] : []))),
    h("tbody", {}, ...places.map((place) => row(lines, looks, at, place, withSeeds))),
  );
  if (focused)
    queueMicrotask(() => table.querySelector<HTMLElement>(`[data-key="${CSS.escape(focused)}"]`)?.focus());
  return table;
}

function row(lines: Lines, looks: Looks, at: number, place: number, withSeeds: boolean): HTMLElement {
  const on = !looks.hidden.has(place);
  const cells = lines.panels.map((panel) => {
    const line = panel.lines.find((one) => one.place === place);
    if (!line || !on) return h("td", {}, "");
    const [low, high] = [line.low[at]!, line.high[at]!].map((v) => told(v, !!lines.share));
    const range = low === high ? null : h("span", { class: "soft" }, ` (${low}–${high})`);
    return h("td", {}, told(line.median[at]!, !!lines.share), range);
  });
  const hide = h(
    "button",
    { type: "button", class: "name", "aria-pressed": String(on), "data-key": `hide${place}`, click: () => looks.toggle(looks.hidden, place) },
    named(looks, place),
  );
  const seeds = h(
    "button",
    { type: "button", "aria-pressed": String(looks.withSeeds.has(place)), "aria-label": `all seeds of ${looks.name(place)}`, "data-key": `seeds${place}`, click: () => looks.toggle(looks.withSeeds, place) },
    "all",
  );
  return h("tr", on ? {} : { class: "off" }, h("th", { scope: "row" }, hide), ...cells, ...(withSeeds ? [h("td", {}, seeds)] : []));
}

/** Return an initializer's name with the mark of its colour. */
export function named(looks: Looks, place: number): HTMLElement {
  const mark = h("span", { class: "swatch", style: `background:${looks.colour(place)}`, "aria-hidden": "true" });
  return h("span", { class: "named" }, mark, h("span", {}, looks.name(place)));
}

/** Return whether a tick of a logarithmic axis gets a number: over few decades also 2 and 5. */
export function isLabelled(value: number, [low, high]: readonly [number, number]): boolean {
  const digit = Number(value.toExponential(0).split("e")[0]);
  return digit === 1 || (high / low < 100 && (digit === 2 || digit === 5));
}

function plotted(
  into: HTMLElement,
  lines: Lines,
  panel: Panel,
  looks: Looks,
  range: [number, number],
  read: (place: number) => void,
): uPlot {
  const ok = (v: number): number | null => (Number.isFinite(v) && (!lines.log || v > 0) ? v : null);
  // A band that reaches beyond what is drawn ends at the edge.
  const edge = (v: number): number | null =>
    Number.isNaN(v) ? null : Math.max(lines.log ? range[0] / 10 : -1e300, Math.min(v, range[1] * 10));
  const series: uPlot.Series[] = [{}];
  const data: (number | null)[][] = [[...lines.xs]];
  const bands: uPlot.Band[] = [];
  const add = (values: (number | null)[], style: uPlot.Series): number => {
    series.push({ points: { show: false }, ...style });
    return data.push(values) - 1;
  };
  for (const line of visible([panel], looks)[0]!.lines) {
    const stroke = looks.colour(line.place);
    const points = lines.xs.length <= 40 ? { show: true, size: 5, stroke, fill: stroke } : { show: false };
    if (looks.withSeeds.has(line.place))
      for (const seed of line.seeds ?? []) add(seed.map(ok), { stroke, width: 1, alpha: 0.45 });
    const high = add(line.high.map(edge), { stroke: "transparent" });
    const low = add(line.low.map(edge), { stroke: "transparent" });
    bands.push({ series: [high, low], fill: `${stroke}26` });
    for (const end of line.theory ?? []) add(end.map(ok), { stroke, width: 1.2, dash: [2, 3] });
    add(line.median.map(ok), { stroke, width: 2.5, points });
  }
  for (const mark of lines.marks ?? [])
    add(lines.xs.map(() => mark.at), { stroke: looks.ink, width: 1, dash: [6, 4] });
  const axis = { stroke: looks.ink, grid: { stroke: `${looks.ink}1c`, width: 1 }, ticks: { show: false }, font: "12px system-ui" };
  const values = (_: uPlot, splits: (number | null)[]): string[] =>
    splits.map((v) => (v === null ? "" : told(v, !!lines.share)));
  const labelled = (_: uPlot, splits: number[]): (number | null)[] =>
    splits.map((v) => (isLabelled(v, range) ? v : null));
  return new uPlot(
    {
      width: Math.max(200, into.clientWidth),
      height: HEIGHT,
      legend: { show: false },
      cursor: { drag: { x: false, y: false }, y: false, points: { show: false } },
      scales: { x: { time: false }, y: { distr: lines.log ? 3 : 1, range: () => range } },
      axes: [
        { ...axis, label: lines.x, labelSize: 20, labelFont: "12px system-ui", size: 32, ...(lines.xs.length <= 40 && Number.isInteger(lines.xs[0]) ? { incrs: [1, 2, 5, 10, 20, 50, 100, 200, 500, 1e3, 2e3, 5e3, 1e4, 1e5, 1e6] } : {}) },
        { ...axis, size: 64, values, ...(lines.log ? { filter: labelled } : {}) },
      ],
      series,
      bands,
      hooks: {
        setCursor: [(chart): void => { if (chart.cursor.idx !== null && chart.cursor.idx !== undefined && (chart.cursor.left ?? -1) >= 0) read(chart.cursor.idx); }],
      },
    },
    data as uPlot.AlignedData,
    into,
  );
}
