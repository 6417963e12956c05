/** A module's layers in forward order, a rung each, with what is wrong at its layer. */

import { copyButton, h, svg } from "../shared/dom";
import { shown } from "../shared/numbers";
import { scrolled, section } from "./controls";
import { unpacked, type Finding, type Inspection, type Rung } from "./data";

type Ends = readonly [number, number];
const WIDTH = 110;
const HEIGHT = 18;

/** Return the orders of magnitude between which all scales lie; a whole one at least. */
export function decades(values: readonly number[]): Ends {
  const logs = values.flatMap((v) => (v > 0 && Number.isFinite(v) ? [Math.log10(v)] : []));
  if (!logs.length) return [-1, 0];
  const [low, high] = [Math.floor(Math.min(...logs)), Math.ceil(Math.max(...logs))];
  return high > low ? [low, high] : [low, low + 1];
}

const told = (v: number): string => (Number.isNaN(v) ? "–" : v === Infinity ? "∞" : shown(v));

/** Return a scale's cell: median and range on a logarithmic rail, a ring after the cure, and the numbers. */
function scale(median: number, low: number, high: number, after: number, ends: Ends): HTMLElement {
  const at = (v: number): number => Math.min(1, Math.max(0, (Math.log10(v) - ends[0]) / (ends[1] - ends[0])));
  const x = (v: number): number => 5 + (WIDTH - 10) * at(v);
  const y = HEIGHT / 2;
  const drawing = svg(
    "svg",
    { width: WIDTH, height: HEIGHT, "aria-hidden": "true" },
    svg("line", { x1: 5, x2: WIDTH - 5, y1: y, y2: y, class: "rail" }),
    ...(high > low ? [svg("line", { x1: x(low), x2: x(high), y1: y, y2: y, class: "range" })] : []),
    ...(median > 0 ? [svg("circle", { cx: x(median), cy: y, r: 4.5, class: "dot" })] : []),
    ...(after > 0 ? [svg("circle", { cx: x(after), cy: y, r: 4.5, class: "ring" })] : []),
  );
  const numbers = Number.isNaN(after) ? told(median) : `${told(median)} →\u00a0${told(after)}`;
  return h("td", { class: "scale" }, drawing, h("span", {}, numbers));
}

function share(value: number): HTMLElement {
  if (Number.isNaN(value)) return h("td", {}, "–");
  return h("td", { class: "share", style: `--share:${(100 * value).toFixed(1)}%` }, `${Math.round(100 * value)} %`);
}

function rung(layer: Rung, ends: readonly [Ends, Ends], marked: boolean): HTMLElement {
  const [units, distinct, dead, saturated, gain, a, aLow, aHigh, g, gLow, gHigh, aAfter, gAfter] = unpacked(layer.numbers) as unknown as number[];
  const some = distinct! < units!;
  return h(
    "tr",
    marked ? { class: "marked" } : {},
    h("th", { scope: "row" }, layer.name, h("span", { class: "soft" }, ` ${layer.type}${layer.activation ? `, ${layer.activation}` : ""}`)),
    scale(a!, aLow!, aHigh!, aAfter!, ends[0]),
    scale(g!, gLow!, gHigh!, gAfter!, ends[1]),
    h("td", some ? { class: "fewer" } : {}, some ? `${told(distinct!)} of ${told(units!)}` : told(units!)),
    share(dead!),
    share(saturated!),
    h("td", {}, told(gain!)),
  );
}

function finding(one: Finding, again: boolean): HTMLElement {
  const cure = one.cure;
  return h(
    "div",
    { class: "finding" },
    h("p", {}, h("strong", {}, `${one.layer}: ${one.label}`), `: ${one.reason}`),
    cure !== null && again ? h("p", { class: "soft" }, "The cure above mends this too.") : null,
    cure !== null && !again ? h("div", { class: "cure" }, h("pre", { tabindex: 0, "aria-label": `Cure of ${one.layer}` }, h("code", {}, cure)), copyButton("Copy the cure", () => cure)) : null,
    cure === null && one.remark ? h("p", { class: "soft" }, one.remark) : null,
  );
}

/** Return findings one below the other, each cure once. */
function below(every: readonly Finding[], known: Set<string>): HTMLElement[] {
  return every.map((one) => {
    const again = one.cure !== null && known.has(one.cure);
    if (one.cure !== null) known.add(one.cure);
    return finding(one, again);
  });
}

export function inspection(data: Inspection): HTMLElement[] {
  const { layers, findings, remarks } = data;
  const ends = [[5, 6, 7, 11], [8, 9, 10, 12]].map((places) =>
    decades(layers.flatMap((layer) => places.map((place) => unpacked(layer.numbers)[place]!))),
  ) as unknown as readonly [Ends, Ends];
  const heads = ["layer", "activation RMS", "gradient RMS", "units", "dead", "saturated", "gain"];
  const axis = (of: Ends): string => `1e${of[0]} to 1e${of[1]}`;
  const known = new Set<string>();
  const rows = layers.flatMap((layer, place) => {
    const own = findings.filter((one) => one.place === place);
    const said = own.length ? [h("tr", { class: "said" }, h("td", { colspan: heads.length }, ...below(own, known)))] : [];
    return [rung(layer, ends, own.length > 0), ...said];
  });
  const nowhere = findings.filter((one) => one.place < 0);
  const table = h(
    "table",
    { class: data.cure === null ? "ladder" : "ladder cured" },
    h("caption", {}, "Layers in forward order"),
    h("thead", {}, h("tr", {}, ...heads.map((head) => h("th", { scope: "col" }, head)))),
    h("tbody", {}, ...rows),
  );
  return [
    section(
      "answer",
      "The answer",
      "",
      h("p", { class: "answer" }, data.answer),
      ...below(nowhere, known),
      data.depth ? h("p", {}, data.depth) : null,
    ),
    section(
      "layers",
      "Layer by layer",
      `From the input, above, to the output, below. Scales are logarithmic, from ${axis(ends[0])} for activations and ${axis(ends[1])} for gradients; a healthy module keeps its dots about below each other. Units say how many are distinct, where some are the same.${data.cure === null ? "" : " A ring, and the number after the arrow: the same layer after this cure, drawn once."}`,
      data.cure === null ? null : h("pre", { tabindex: 0, "aria-label": "The cure of the rings" }, h("code", {}, data.cure)),
      scrolled("Layers in forward order", table),
    ),
    ...(remarks.length ? [section("remarks", "Worth knowing", "No faults, but good to know.", ...below(remarks, new Set()))] : []),
  ];
}
