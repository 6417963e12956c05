/** Cost curves by uPlot: every seed a thin line, their median on top. */

import uPlot from "uplot";
import { shown } from "./numbers";

export interface Curves {
  readonly iterations: number[];
  /** A line per seed. */
  readonly costs: number[][];
  readonly median: number[];
}

/** Draw curves into an element; the range is that of all panels, so that they compare. */
export function costChart(
  into: HTMLElement,
  seeds: number,
  colour: string,
  ink: string,
  range: () => [number, number],
): uPlot {
  const axis = {
    stroke: ink,
    grid: { stroke: `${ink}22`, width: 1 },
    ticks: { show: false },
    font: "11px system-ui",
  };
  const thin = Array.from({ length: seeds }, () => ({
    stroke: colour,
    alpha: 0.35,
    width: 1,
    points: { show: false },
  }));
  return new uPlot(
    {
      width: Math.max(120, into.clientWidth),
      height: 130,
      legend: { show: false },
      cursor: { show: false },
      scales: { x: { time: false }, y: { distr: 3, range } },
      axes: [
        { ...axis, size: 24 },
        {
          ...axis,
          size: 48,
          values: (_, splits) => splits.map((v) => (Math.log10(v) % 1 === 0 ? shown(v) : "")),
        },
      ],
      series: [{}, ...thin, { stroke: colour, width: 3, points: { show: false } }],
    },
    [[0], ...thin.map(() => [null]), [null]] as uPlot.AlignedData,
    into,
  );
}

export function setCurves(chart: uPlot, curves: Curves): void {
  const positive = (line: number[]): (number | null)[] =>
    line.map((v) => (Number.isFinite(v) && v > 0 ? v : null));
  chart.setData([curves.iterations, ...curves.costs.map(positive), positive(curves.median)]);
}
