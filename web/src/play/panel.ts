/** One initializer's panel: boundary, costs, words, and signals by layer. */

import type uPlot from "uplot";
import type { Points } from "../engine/network";
import { costChart, setCurves, type Curves } from "../shared/charts";
import { CLASSES, rgb } from "../shared/colours";
import { medianLow, shown } from "../shared/numbers";
import { GRID, type Snapshot, type Span } from "./race";

const MOST_MOMENTS = 400; // of a curve; then every second one goes

export interface Look {
  readonly title: string;
  readonly colour: string;
  readonly ink: string;
  readonly classes: number;
  readonly seeds: number;
}

function element<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  className: string,
  into: HTMLElement,
): HTMLElementTagNameMap[K] {
  const made = document.createElement(tag);
  made.className = className;
  return into.appendChild(made);
}

export class Panel {
  readonly curves: Curves = { iterations: [], costs: [], median: [] };
  private readonly canvas: HTMLCanvasElement;
  private readonly figures: HTMLElement;
  private readonly said: HTMLElement;
  private readonly body: HTMLElement;
  private readonly chart: uPlot;
  private readonly box: HTMLElement;
  private every = 1;
  private frame = 0;

  constructor(
    into: HTMLElement,
    private readonly look: Look,
    private readonly train: Points,
    private readonly span: Span,
    range: () => [number, number],
  ) {
    const panel = element("article", "panel", into);
    panel.style.setProperty("--own", look.colour);
    element("h2", "", panel).textContent = look.title;
    this.canvas = element("canvas", "boundary", panel);
    this.canvas.width = this.canvas.height = 320;
    this.canvas.setAttribute("role", "img");
    this.box = element("div", "chart", panel);
    this.box.setAttribute("role", "img");
    this.box.setAttribute("aria-label", `${look.title}: training cost of every seed`);
    this.figures = element("p", "figures", panel);
    this.said = element("p", "said", panel);
    const around = element("div", "layers", panel);
    around.tabIndex = 0;
    around.setAttribute("role", "region");
    around.setAttribute("aria-label", `${look.title}: signals by layer`);
    const table = element("table", "", around);
    table.createCaption().textContent = "One seed, layer by layer (RMS)";
    const head = table.createTHead().insertRow();
    for (const name of ["", "activation", "gradient", "dead", "distinct"]) {
      const cell = document.createElement("th");
      cell.scope = "col";
      cell.textContent = name;
      head.append(cell);
    }
    this.body = table.createTBody();
    this.curves.costs.push(...Array.from({ length: look.seeds }, (): number[] => []));
    this.chart = costChart(this.box, look.seeds, look.colour, look.ink, range);
  }

  /** Take what a worker has measured; `draw` shows the curves once all panels have theirs. */
  take(snapshot: Snapshot): void {
    this.remember(snapshot);
    this.paint(snapshot.boundary);
    const mean = snapshot.accuracies.reduce((sum, a) => sum + a, 0) / snapshot.accuracies.length;
    const cost = shown(medianLow(snapshot.costs));
    this.figures.textContent = `median cost ${cost} · test accuracy ${(100 * mean).toFixed(1)} %`;
    this.canvas.setAttribute("aria-label", `${this.look.title}: decision boundary, ${cost}`);
    if (snapshot.said) {
      const label = document.createElement("strong");
      label.textContent = snapshot.said.label;
      const found = snapshot.said.label ? [label, snapshot.said.sentence] : [snapshot.said.sentence];
      this.said.replaceChildren(...found);
    }
    const rows = snapshot.signals.map((layer, l) => {
      const row = document.createElement("tr");
      const last = l === snapshot.signals.length - 1;
      const dead = last ? "" : String(Math.round(layer.dead * layer.units));
      const distinct = `${layer.distinct} of ${layer.units}`;
      for (const text of [
        last ? "output" : `layer ${l + 1}`,
        shown(layer.activationRms),
        shown(layer.gradientRms),
        dead,
        distinct,
      ]) {
        row.insertCell().textContent = text;
      }
      return row;
    });
    this.body.replaceChildren(...rows);
  }

  draw(): void {
    setCurves(this.chart, this.curves);
  }

  resize(): void {
    this.chart.setSize({ width: Math.max(120, this.box.clientWidth), height: 130 });
  }

  private remember({ iteration, costs }: Snapshot): void {
    const { iterations, median } = this.curves;
    if (iterations.at(-1) === iteration || this.frame++ % this.every) return;
    iterations.push(iteration);
    median.push(medianLow(costs));
    costs.forEach((cost, seed) => this.curves.costs[seed]!.push(cost));
    if (iterations.length <= MOST_MOMENTS) return;
    for (const line of [iterations, median, ...this.curves.costs]) {
      line.splice(0, line.length, ...line.filter((_, i) => i % 2 === 0));
    }
    this.every *= 2;
  }

  private paint(boundary: Float32Array): void {
    const context = this.canvas.getContext("2d")!;
    const image = new ImageData(GRID, GRID);
    const colours = CLASSES.map(rgb);
    boundary.forEach((odds, i) => {
      const two = this.look.classes === 2;
      const whole = two ? 0 : Math.round(odds);
      for (let c = 0; c < 3; c++) {
        const pure = two
          ? colours[0]![c]! * (1 - odds) + colours[1]![c]! * odds
          : colours[whole]![c]!;
        image.data[4 * i + c] = 255 - 0.55 * (255 - pure);
      }
      image.data[4 * i + 3] = 255;
    });
    const small = new OffscreenCanvas(GRID, GRID);
    small.getContext("2d")!.putImageData(image, 0, 0);
    const { width } = this.canvas;
    context.imageSmoothingEnabled = this.look.classes === 2;
    context.drawImage(small, 0, 0, width, width);
    const { low, high } = this.span;
    const at = (x: number): number => ((x - low) / (high - low)) * width;
    const count = this.train.y.length;
    context.lineWidth = 1;
    context.strokeStyle = "#ffffff";
    this.train.y.forEach((y, n) => {
      context.fillStyle = CLASSES[y] ?? "#000000";
      context.beginPath();
      context.arc(at(this.train.X[n]!), width - at(this.train.X[count + n]!), 3, 0, 2 * Math.PI);
      context.fill();
      context.stroke();
    });
  }
}
