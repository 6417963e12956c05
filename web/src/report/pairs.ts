/** Every pair of initializers: difference, interval, p and odds; and the map of learning rates. */

import { h } from "../shared/dom";
import { shown } from "../shared/numbers";
import { choice, scrolled, section } from "./controls";
import { unpacked, type Pairs, type Study } from "./data";
import { named } from "./lines";
import type { Looks } from "./looks";

const sign = (v: number): string => (v < 0 ? "−" : v > 0 ? "+" : "");
const plain = (v: number): string => sign(v) + (Number.isFinite(v) ? shown(Math.abs(v)) : "∞");
const points = (v: number): string => sign(v) + shown(Math.abs(Number((100 * v).toPrecision(12))));

interface Pair {
  readonly difference: number;
  readonly low: number;
  readonly high: number;
  readonly p: number;
  readonly odds: number;
  readonly state: string;
}

/** Return the pairs of both orders, by the place of the one in the row and in the column. */
export function bothWays(pairs: Pairs): Map<string, Pair> {
  const [difference, low, high, p, odds] = [pairs.difference, pairs.low, pairs.high, pairs.p_holm, pairs.a_beats_b].map(unpacked);
  const found = new Map<string, Pair>();
  pairs.a.forEach((a, i) => {
    const b = pairs.b[i]!;
    const [d, l, u, wins, state] = [difference![i]!, low![i]!, high![i]!, odds![i]!, pairs.state[i]!];
    found.set(`${a} ${b}`, { difference: d, low: l, high: u, p: p![i]!, odds: wins, state });
    found.set(`${b} ${a}`, { difference: -d || 0, low: -u || 0, high: -l || 0, p: p![i]!, odds: 1 - wins, state });
  });
  return found;
}

export function pairs(study: Study, looks: Looks): HTMLElement | null {
  if (!study.pairs.length) return null;
  const drawn = study.initializers.filter((one) => one.drawn).map((_, place) => place);
  const body = h("div", {});
  let at = 0;

  function cell(pair: Pair | undefined, said: (v: number) => string): HTMLElement {
    if (!pair) return h("td", { class: "self" }, h("span", { "aria-hidden": "true" }, "·"));
    const better = pair.state === "told apart" ? (pair.odds > 0.5 ? "better" : "worse") : pair.state;
    return h(
      "td",
      { class: better },
      h("strong", {}, said(pair.difference)),
      h("span", { class: "state" }, better === "better" ? "▲ better" : better === "worse" ? "▼ worse" : better === "equivalent" ? "≈ equivalent" : "? undecided"),
      h("span", {}, `${said(pair.low)} to ${said(pair.high)}`),
      h("span", {}, `p ${shown(Number(pair.p.toPrecision(2)))} · odds ${Math.round(100 * pair.odds)} %`),
    );
  }

  function draw(): void {
    const of = study.pairs[at]!;
    const found = bothWays(of);
    const places = drawn.filter((place) => !looks.hidden.has(place));
    const inPoints = of.outcome === "test_accuracy" && study.measure === "accuracy";
    const said = inPoints ? points : plain;
    const table = h(
      "table",
      { class: "pairs" },
      h("caption", {}, `${of.words}, row minus column${inPoints ? ", in points" : ""}`),
      h("thead", {}, h("tr", {}, h("th", { scope: "col" }, "row against column"), ...places.map((place) => h("th", { scope: "col" }, named(looks, place))))),
      h("tbody", {}, ...places.map((row) => h("tr", {}, h("th", { scope: "row" }, named(looks, row)), ...places.map((column) => cell(found.get(`${row} ${column}`), said))))),
    );
    body.replaceChildren(scrolled("Pairs of initializers", table));
  }
  looks.listen(draw);
  draw();
  const pick = choice("compared by", study.pairs.map((one) => one.words), (place) => { at = place; draw(); });
  return section("pairs", "Every pair", "In each cell, row against column: the median difference over seeds, its 90 % interval, the p-value after Holm’s correction, and the odds that one run of the row beats one of the column. Better and worse are told apart at 5 % over all pairs; equivalent pairs differ by less than what matters; of the undecided these seeds don’t know.", h("div", { class: "controls" }, pick), body);
}

/** Return a shade for a cost between the lowest, 0, and the highest, 1, by orders of magnitude. */
export function shade(cost: number, low: number, high: number): number {
  if (!(cost > 0) || !Number.isFinite(cost) || !(high > low)) return cost > low ? 1 : 0;
  return Math.log(cost / low) / Math.log(high / low);
}

export function map(study: Study, looks: Looks): HTMLElement | null {
  if (!study.map) return null;
  const costs = unpacked(study.map);
  const rates = study.rates;
  const finite = Array.from(costs).filter((v) => Number.isFinite(v) && v > 0);
  const [low, high] = [Math.min(...finite), Math.max(...finite)];
  const drawn = study.initializers.filter((one) => one.drawn);
  const table = h(
    "table",
    { class: "map" },
    h("caption", {}, "Median final training cost; ★ marks the learning rate at which an initializer is compared."),
    h("thead", {}, h("tr", {}, h("th", { scope: "col" }, "initializer"), ...rates.map((rate) => h("th", { scope: "col" }, String(rate))))),
    h(
      "tbody",
      {},
      ...drawn.map((one, place) =>
        h(
          "tr",
          {},
          h("th", { scope: "row" }, named(looks, place)),
          ...rates.map((rate, r) => {
            const cost = costs[place * rates.length + r]!;
            const depth = shade(cost, low, high);
            const text = Number.isFinite(cost) ? shown(cost) : "∞";
            return h("td", { style: `--depth:${depth.toFixed(3)}`, class: rate === one.rate ? "best" : "" }, rate === one.rate ? `★ ${text}` : text);
          }),
        ),
      ),
    ),
  );
  return section("map", "Learning rates", "The darker, the lower the cost. An initializer whose ★ is at the edge may do better beyond it.", scrolled("Learning rates", table));
}
