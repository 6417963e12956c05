/** The accuracy of every seed, and how it differs from the first initializer's in the same seed. */

import { h, svg } from "../shared/dom";
import { choice, section } from "./controls";
import { rows, unpacked, type Study } from "./data";
import { named } from "./lines";
import type { Looks } from "./looks";

type Part = "train" | "test";
const LEAST = -1; // R² has no least value, and one exploded seed would hide all others
const HEIGHT = 26;

/** Return the median, and the number that q of the values lie below. */
export function quantile(values: readonly number[], q: number): number {
  const sorted = values.filter((v) => !Number.isNaN(v)).sort((a, b) => a - b);
  const at = q * (sorted.length - 1);
  const [low, high] = [sorted[Math.floor(at)]!, sorted[Math.ceil(at)]!];
  return sorted.length ? low + (at - Math.floor(at)) * (high - low) : NaN;
}

/** Return where ticks stand between two numbers, and how far they are apart. */
export function ticks(low: number, high: number, most = 6): number[] {
  const step = [1, 2, 2.5, 5, 10].map((m) => m * 10 ** Math.floor(Math.log10((high - low) / 4)));
  const wide = step.find((each) => (high - low) / each <= most) ?? high - low;
  const first = Math.ceil(low / wide - 1e-9);
  return Array.from({ length: Math.floor(high / wide + 1e-9) - first + 1 }, (_, i) => (first + i) * wide);
}

export function seeds(study: Study, looks: Looks): HTMLElement | null {
  const which = study.seeds.which;
  const narrow = matchMedia("(max-width: 640px)");
  const parts = (["test", "train"] as const).filter((part) => study.seeds[part]);
  if (!parts.length) return null;
  const values = Object.fromEntries(parts.map((part) => [part, rows(unpacked(study.seeds[part]!), which.length)])) as Record<Part, number[][]>;
  const share = study.measure === "accuracy";
  const told = (v: number): string => (Number.isNaN(v) ? "none" : share ? `${(100 * v).toFixed(1)} %` : v.toFixed(3));
  const gap = (v: number): string => `${v > 0 ? "+" : v < 0 ? "−" : ""}${share ? `${(100 * Math.abs(v)).toFixed(1)} points` : Math.abs(v).toFixed(3)}`;
  let part: Part = parts[0]!;
  const body = h("div", { class: "strips" });
  const first = looks.name(0);

  function strip(place: number, of: readonly number[], [low, high]: [number, number], say: (v: number) => string, what: string): SVGElement {
    const x = (v: number): string => `${(4 + (92 * (Math.max(v, low) - low)) / (high - low)).toFixed(2)}%`;
    const middle = quantile(of, 0.5);
    const label = `${looks.name(place)}: median ${say(middle)}, 90 % of seeds from ${say(quantile(of, 0.05))} to ${say(quantile(of, 0.95))}`;
    const dots = of.flatMap((v, i) =>
      Number.isNaN(v) ? [] : [svg("circle", { cx: x(v), cy: HEIGHT / 2 + ((i * 7) % 11) - 5, r: 4, fill: looks.colour(place), "fill-opacity": 0.55 }, svg("title", {}, `${what}, seed ${which[i]}: ${say(v)}`))],
    );
    const bar = Number.isNaN(middle) ? [] : [svg("line", { x1: x(middle), x2: x(middle), y1: 1, y2: HEIGHT - 1, stroke: looks.ink, "stroke-width": 2 })];
    return svg("svg", { role: "img", "aria-label": `${what}. ${label}`, width: "100%", height: HEIGHT }, ...dots, ...bar);
  }

  function axis([low, high]: [number, number], say: (v: number) => string): SVGElement {
    const x = (v: number): string => `${(4 + (92 * (v - low)) / (high - low)).toFixed(2)}%`;
    const marks = ticks(low, high, narrow.matches ? 3 : 6).flatMap((v) => [
      svg("line", { x1: x(v), x2: x(v), y1: 0, y2: 5, stroke: looks.ink }),
      svg("text", { x: x(v), y: 18, "text-anchor": "middle", fill: looks.ink, "font-size": 11 }, say(v)),
    ]);
    return svg("svg", { "aria-hidden": "true", width: "100%", height: 24 }, ...marks);
  }

  function draw(): void {
    const every = values[part];
    const places = every.map((_, place) => place).filter((place) => !looks.hidden.has(place));
    const known = places.flatMap((place) => every[place]!.filter((v) => !Number.isNaN(v)).map((v) => Math.max(v, LEAST)));
    const span = (of: readonly number[]): [number, number] => {
      const [low, high] = [Math.min(...of, Infinity), Math.max(...of, -Infinity)];
      return low < high ? [low, high] : Number.isFinite(low) ? [low - 0.05, low + 0.05] : [0, 1];
    };
    const differences = places.map((place) => every[place]!.map((v, i) => Math.max(v, LEAST) - Math.max(every[0]![i]!, LEAST)));
    const all = span(known);
    const apart = span([0, ...differences.flat().filter((v) => !Number.isNaN(v))]);
    const word = `${part} ${study.measure}`;
    const short = (v: number): string => (share ? `${Number((100 * v).toFixed(1))} %` : String(Number(v.toFixed(2))));
    const gapShort = (v: number): string => `${v > 0 ? "+" : v < 0 ? "−" : ""}${share ? Number((100 * Math.abs(v)).toFixed(1)) : Number(Math.abs(v).toFixed(2))}`;
    const paired = every.length > 1;
    const head = h("div", { class: "strip head" }, h("span", {}, "initializer"), h("span", {}, word), paired ? h("span", {}, `difference from ${first}, seed by seed${share ? ", in points" : ""}`) : null);
    const lines = places.map((place, i) =>
      h(
        "div",
        { class: "strip" },
        h("span", { class: "who" }, named(looks, place), diverged(every[place]!)),
        strip(place, every[place]!, all, told, word),
        !paired ? null : place === 0 ? h("span", { class: "soft" }, "what the others are compared with") : strip(place, differences[i]!, apart, gap, `difference from ${first}`),
      ),
    );
    const foot = h("div", { class: "strip" }, h("span", {}), axis(all, short), paired ? axis(apart, gapShort) : null);
    body.replaceChildren(head, ...lines, foot);
  }

  function diverged(of: readonly number[]): string {
    const none = of.filter((v) => Number.isNaN(v)).length;
    return none ? ` (${none} of ${of.length} diverged)` : "";
  }

  looks.listen(draw);
  narrow.addEventListener("change", draw);
  draw();
  const pick = parts.length > 1 ? h("div", { class: "controls" }, choice("part", parts, (at) => { part = parts[at]!; draw(); })) : null;
  return section(
    "seeds",
    share ? "Accuracy of every seed" : "R² of every seed",
    `A dot is a seed, the bar their median; more to the right is better. One seed starts all initializers alike, so that differences within a seed are the initializer’s: dots on both sides of 0 mean that luck has a say.`,
    pick,
    body,
  );
}
