/** Signals by layer as small pictures: now, at the start, and theory's band. */

import { svg } from "../shared/dom";
import { shown } from "../shared/numbers";

export interface Line {
  readonly now: readonly number[];
  readonly start: readonly number[];
  readonly band?: readonly [readonly number[], readonly number[]] | undefined;
  /** What theory says of infinite width. */
  readonly theory?: readonly number[] | undefined;
}

const WIDTH = 200;
const HEIGHT = 96;
const LEFT = 34;
const RIGHT = 6;
const TOP = 6;
const BOTTOM = 16;
const LEAST = 1e-12;
const MOST = 1e12;
const MOST_NAMES = 10; // of layers along the axis

const seen = (value: number): boolean => value > LEAST && value < MOST;
const usable = (values: readonly number[]): number[] => values.filter(seen);

/** Return the decades that hold all values of some lines. */
export function decades(lines: readonly Line[]): [number, number] {
  const all = lines.flatMap(({ now, start, band, theory }) => [
    ...usable(now),
    ...usable(start),
    ...usable(band?.[0] ?? []),
    ...usable(band?.[1] ?? []),
    ...usable(theory ?? []),
  ]);
  if (!all.length) return [-1, 1];
  const low = Math.floor(Math.log10(Math.min(...all)));
  const high = Math.ceil(Math.log10(Math.max(...all)));
  return low === high ? [low - 1, high] : [low, high];
}

/** Draw one signal of one initializer into a picture. */
export function drawLayers(
  picture: SVGSVGElement,
  line: Line,
  [low, high]: [number, number],
  title: string,
): void {
  const count = line.start.length;
  const x = (l: number): number =>
    LEFT + (count > 1 ? l / (count - 1) : 0.5) * (WIDTH - LEFT - RIGHT - 8) + 4;
  const y = (value: number): number => {
    const at = (Math.log10(Math.min(MOST, Math.max(LEAST, value))) - low) / (high - low);
    return TOP + (1 - Math.min(1.02, Math.max(-0.02, at))) * (HEIGHT - TOP - BOTTOM);
  };
  const path = (values: readonly number[]): string =>
    values
      .map((value, l) => (seen(value) ? `${x(l).toFixed(1)},${y(value).toFixed(1)}` : ""))
      .filter(Boolean)
      .join(" ");
  const step = Math.ceil((high - low) / 4);
  const every = Math.ceil(count / MOST_NAMES);
  const children: SVGElement[] = [svg("title", {}, title)];
  for (let decade = low; decade <= high; decade += step) {
    const at = y(10 ** decade);
    children.push(
      svg("line", { class: "grid", x1: LEFT, x2: WIDTH - RIGHT, y1: at, y2: at }),
      svg("text", { x: LEFT - 4, y: at + 3, "text-anchor": "end" }, power(decade)),
    );
  }
  for (let l = 0; l < count; l += every) {
    const name = l === count - 1 ? "out" : String(l + 1);
    children.push(svg("text", { x: x(l), y: HEIGHT - 4, "text-anchor": "middle" }, name));
  }
  if (line.band) {
    const [under, over] = line.band;
    const there = over.every((v, l) => v > 0 && under[l]! >= 0 && Number.isFinite(v));
    const corner = (v: number, l: number): string => `${x(l).toFixed(1)},${y(v).toFixed(1)}`;
    const around = [...over.map(corner), ...under.map(corner).reverse()].join(" ");
    if (there) children.push(svg("polygon", { class: "band", points: around }));
  }
  if (line.theory) children.push(svg("polyline", { class: "theory", points: path(line.theory) }));
  children.push(svg("polyline", { class: "start", points: path(line.start) }));
  children.push(svg("polyline", { class: "now", points: path(line.now) }));
  line.now.forEach((value, l) => {
    if (seen(value)) children.push(svg("circle", { class: "now", cx: x(l), cy: y(value), r: 2.5 }));
  });
  if (![...line.now, ...line.start].some(seen)) {
    const [middle, centre] = [(LEFT + WIDTH) / 2, (TOP + HEIGHT - BOTTOM) / 2 + 4];
    children.push(svg("text", { class: "nothing", x: middle, y: centre, "text-anchor": "middle" }, nothing(line.now)));
  }
  picture.replaceChildren(...children);
}

/** Return a power of ten in few letters. */
function power(exponent: number): string {
  return Math.abs(exponent) <= 3 ? shown(10 ** exponent) : `1e${exponent}`;
}

/** Return why nothing is drawn: zeros lie below any logarithmic axis. */
function nothing(values: readonly number[]): string {
  return values.every((value) => Math.abs(value) <= LEAST) ? "0 in every layer" : "no longer a number";
}

/** Return an empty picture. */
export function picture(label: string): SVGSVGElement {
  return svg("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "img", "aria-label": label, class: "signal" });
}
