/** Costs while training, by uPlot: every seed a thin line, their median on top, and that of guessing. */

import uPlot from "uplot";
import { h } from "../shared/dom";
import { shown } from "../shared/numbers";
import type { Axis } from "./state";

const MOST_MOMENTS = 400; // of a curve; then every second one goes
const HEIGHT = 130;
const ABOVE_CHANCE = 1.5; // times, is where a linear axis ends
const STEP = 0.5; // of the numbers at a linear axis
const MOST_NUMBERS = 4; // at a logarithmic one
const LEAST = 1e-6;
const MOST = 1e9;

export class Costs {
  readonly iterations: number[] = [];
  readonly median: number[] = [];
  private readonly seeds: number[][];
  private readonly chart: uPlot;
  private readonly numbers = h("div", { class: "numbers", "aria-hidden": "true" });
  private written = "";
  private every = 1;
  private asked = 0;

  constructor(
    private readonly box: HTMLElement,
    seeds: number,
    private readonly look: { colour: string; ink: string; chance: number; axis: Axis },
    range: () => [number, number],
  ) {
    this.seeds = Array.from({ length: seeds }, () => []);
    const { colour, ink } = look;
    // Numbers are elements beside the canvas: a canvas shapes their letters anew in each frame, which takes longest.
    const axis = {
      grid: { stroke: `${ink}22`, width: 1 },
      ticks: { show: false },
      values: (_: uPlot, splits: number[]): null[] => splits.map(() => null),
    };
    const thin = this.seeds.map(() => ({ stroke: colour, alpha: 0.4, width: 1, points: { show: false } }));
    this.chart = new uPlot(
      {
        width: this.width,
        height: HEIGHT,
        legend: { show: false },
        cursor: { show: false },
        scales: { x: { time: false }, y: { distr: look.axis === "log" ? 3 : 1, range } },
        axes: [
          { ...axis, size: 20, space: 60 },
          { ...axis, size: 44, space: 24, splits: () => this.ticks() },
        ],
        series: [
          {},
          { stroke: ink, width: 1, dash: [3, 4], points: { show: false } },
          ...thin,
          { stroke: colour, width: 2.5, points: { show: false } },
        ],
      },
      this.data(),
      box,
    );
    box.append(this.numbers);
  }

  private get width(): number {
    return Math.max(120, this.box.clientWidth);
  }

  /** Remember the costs of an iteration, unless a later one will do. */
  take(iteration: number, costs: readonly number[], median: number): void {
    if (this.iterations.at(-1) === iteration || this.asked++ % this.every) return;
    this.iterations.push(iteration);
    this.median.push(median);
    costs.forEach((cost, seed) => this.seeds[seed]!.push(cost));
    if (this.iterations.length <= MOST_MOMENTS) return;
    for (const line of [this.iterations, this.median, ...this.seeds]) {
      line.splice(0, line.length, ...line.filter((_, i) => i % 2 === 0));
    }
    this.every *= 2;
  }

  /** Return the smallest and largest cost of most seeds, for an axis that all panels share. */
  ends(): [number, number] {
    const all = [...this.median, ...this.seeds.flatMap((line) => line.at(-1) ?? [])];
    const usable = all.filter((cost) => Number.isFinite(cost) && cost > 0);
    return [Math.min(...usable), Math.max(...usable)];
  }

  draw(): void {
    if (this.chart.width !== this.width) this.chart.setSize({ width: this.width, height: HEIGHT });
    this.chart.setData(this.data());
    this.write();
  }

  /** Return where the cost axis has lines and numbers. */
  private ticks(): number[] {
    const { min = 0, max = 1 } = this.chart?.scales.y ?? {};
    if (this.look.axis === "linear") {
      return Array.from({ length: Math.floor(max! / STEP) + 1 }, (_, i) => i * STEP);
    }
    const [low, high] = [Math.ceil(Math.log10(min || LEAST)), Math.floor(Math.log10(max || MOST))];
    const step = Math.max(1, Math.ceil((high - low) / MOST_NUMBERS));
    return Array.from({ length: Math.max(0, Math.floor((high - low) / step) + 1) }, (_, i) => 10 ** (low + i * step));
  }

  private write(): void {
    const { bbox } = this.chart;
    const [top, left, bottom, right] = [bbox.top, bbox.left, bbox.top + bbox.height, bbox.left + bbox.width].map(
      (v) => v / devicePixelRatio,
    ) as [number, number, number, number];
    const last = this.iterations.at(-1) ?? 0;
    const texts = [
      ...this.ticks().map((v) => [shown(v), `right:calc(100% - ${left - 4}px);top:${(top + this.chart.valToPos(v, "y") - 8).toFixed(0)}px`]),
      ["0", `left:${left}px;top:${bottom + 2}px`],
      ...(last ? [[last.toLocaleString("en"), `right:calc(100% - ${right}px);top:${bottom + 2}px`]] : []),
    ];
    const key = JSON.stringify(texts);
    if (key === this.written) return;
    this.written = key;
    this.numbers.replaceChildren(...texts.map(([text, style]) => h("span", { style: style! }, text!)));
  }

  private data(): uPlot.AlignedData {
    const log = this.look.axis === "log";
    const drawn = (line: number[]): (number | null)[] =>
      line.map((v) => (Number.isFinite(v) && (v > 0 || !log) ? v : null));
    const guessed = this.iterations.map(() => this.look.chance);
    return [this.iterations, guessed, ...this.seeds.map(drawn), drawn(this.median)] as uPlot.AlignedData;
  }
}

/** Return the ends of the axis that all panels share. */
export function axisEnds(all: readonly Costs[], chance: number, axis: Axis): [number, number] {
  if (axis === "linear") return [0, ABOVE_CHANCE * chance || 1];
  const ends = all.map((costs) => costs.ends());
  const low = Math.min(chance / 2, ...ends.map(([least]) => least));
  const high = Math.max(chance * 2, ...ends.map(([, most]) => most));
  return [Math.max(low / 1.3, LEAST), Math.min(high * 1.3, MOST)];
}
