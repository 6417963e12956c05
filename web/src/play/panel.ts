/** One initializer's panel: boundary, costs, words, and signals by layer. */

import type { Points } from "../engine/network";
import { h } from "../shared/dom";
import { shown } from "../shared/numbers";
import { Boundary, drawUnits } from "./boundary";
import { Costs } from "./costs";
import type { Snapshot } from "./crew";
import { drawLayers, picture, type Line } from "./layers";
import type { Span } from "./points";
import type { LayerSignals } from "./signals";
import type { Axis } from "./state";
import type { Theory } from "./theory";
import { told } from "./words";

export interface Look {
  readonly title: string;
  readonly formula: string;
  readonly colour: string;
  readonly ink: string;
  readonly dark: boolean;
  readonly seeds: number;
  readonly chance: number;
  readonly axis: Axis;
  /** What the accuracy is measured on. */
  readonly tested: string;
}

const HEADS = ["activation", "gradient", "dead", "saturated", "distinct"] as const;
const SCALES = 2; // the first columns, which the pictures have too: narrow panels leave them out
const scale = (column: number): { class: string } => ({ class: column < SCALES ? "scale" : "count" });
const MOST_CAUSES = 1; // told beside the first
const PICTURED = ["preactivationRms", "gradientRms"] as const;
export type Pictured = (typeof PICTURED)[number];
const NAMES: Record<Pictured, string> = {
  preactivationRms: "pre-activations",
  gradientRms: "gradient of the weights",
};

export class Panel {
  readonly costs: Costs;
  readonly boundary: Boundary;
  private readonly figures = h("p", { class: "figures" });
  private readonly said = h("p", { class: "said" });
  private readonly units = h("canvas", { class: "units", role: "img" });
  private readonly pictures: Record<Pictured, SVGSVGElement>;
  private readonly body = h("tbody");
  private theory: Theory | null = null;
  private snapshot: Snapshot | null = null; // the latest with its layers looked at
  private written = "";
  private seen = 0;

  constructor(
    into: HTMLElement,
    private readonly look: Look,
    train: Points,
    span: Span,
    range: () => [number, number],
  ) {
    const { title } = look;
    this.boundary = new Boundary(look.dark, span, `${title}: decision boundary`);
    this.boundary.points(train);
    this.pictures = {
      preactivationRms: picture(`${title}: ${NAMES.preactivationRms} by layer`),
      gradientRms: picture(`${title}: ${NAMES.gradientRms} by layer`),
    };
    const chart = h("div", { class: "chart", role: "img", "aria-label": `${title}: training cost of every seed` });
    this.units.hidden = true;
    const table = h(
      "table",
      {},
      h("caption", {}, "Units by layer", h("span", { class: "scale" }, "; activation and gradient are RMS")),
      h("thead", {}, h("tr", {}, h("td"), ...HEADS.map((name, i) => h("th", { scope: "col", ...scale(i) }, name)))),
      this.body,
    );
    const labelled = { tabindex: 0, role: "region", "aria-label": `${title}: units by layer` };
    into.append(
      h(
        "article",
        { class: "panel", style: `--own:${look.colour}` },
        h("h2", { title: look.formula }, title),
        h(
          "div",
          { class: "inside" },
          h("div", { class: "seen" }, this.boundary.element, this.units),
          h("div", { class: "told" }, this.figures, this.said),
          chart,
          h(
            "div",
            { class: "signals" },
            ...PICTURED.map((name) => h("figure", {}, h("figcaption", {}, NAMES[name]), this.pictures[name])),
          ),
          h("div", { class: "layers", ...labelled }, table),
        ),
      ),
    );
    this.costs = new Costs(chart, look.seeds, look, range);
  }

  /** Take what the workers have measured, and show what changes with every frame. */
  take(snapshot: Snapshot, seen: number): void {
    this.costs.take(snapshot.iteration, snapshot.costs, snapshot.median);
    if (snapshot.boundary) this.boundary.draw(snapshot.boundary);
    this.seen = seen;
    if (snapshot.looks.length) this.snapshot = snapshot;
  }

  learnt(theory: Theory): void {
    this.theory = theory;
  }

  /** Return a signal's line: of the seed that is seen, or of the seeds' middle. */
  line(of: Pictured): Line {
    const looks = this.snapshot?.looks ?? [];
    const by = (when: "now" | "start"): number[] =>
      (looks[0]?.run[when] ?? []).map((_, l) => this.shown(looks.map(({ run }) => run[when][l]![of])));
    const band = of === "preactivationRms" ? this.theory?.signal : this.theory?.slope;
    const theory = of === "preactivationRms" ? this.theory?.line : undefined;
    return { now: by("now"), start: by("start"), band, theory };
  }

  private shown(values: readonly number[]): number {
    if (this.seen >= 0) return values[this.seen] ?? NaN;
    return [...values].sort((a, b) => a - b)[Math.floor((values.length - 1) / 2)] ?? NaN;
  }

  /** Draw the curves, the words and the layers. */
  draw(decades: Record<Pictured, [number, number]>): void {
    this.costs.draw();
    if (!this.snapshot) return;
    const { looks, median, units } = this.snapshot;
    const accuracy = looks.reduce((sum, look) => sum + look.accuracy, 0) / looks.length;
    const share = `${(100 * accuracy).toFixed(1)} %`;
    const said = told(looks.map(({ run }) => run));
    this.figures.replaceChildren(
      h("span", {}, "median cost ", h("b", {}, shown(median))),
      h("span", {}, `${this.look.tested} accuracy `, h("b", {}, share)),
    );
    const also = said.also.slice(0, MOST_CAUSES).map(({ label, sentence }) => h("span", {}, `also ${label}: ${sentence}`));
    this.said.replaceChildren(...(said.label ? [h("strong", {}, said.label)] : []), said.sentence, ...also);
    this.boundary.label = `${this.look.title}: decision boundary, cost ${shown(median)}, ${share} right`;
    for (const name of PICTURED) {
      const line = this.line(name);
      if (line.start.length) drawLayers(this.pictures[name], line, decades[name], `${this.look.title}: ${NAMES[name]}`);
    }
    this.units.hidden = units.length === 0;
    if (units.length) {
      drawUnits(this.units, units, this.look.dark);
      this.units.setAttribute("aria-label", `${this.look.title}: what ${units.length} units of a layer answer`);
    }
    this.write(looks.map(({ run }) => run.now));
  }

  private write(seeds: readonly (readonly LayerSignals[])[]): void {
    const layers = seeds[Math.max(0, this.seen)] ?? seeds[0]!;
    const rows = layers.map((layer, l) => {
      const last = l === layers.length - 1;
      const count = (share: number): string => (last ? "" : String(Math.round(share * layer.units)));
      const name = last ? "output" : `layer ${l + 1}`;
      const scales = [shown(layer.activationRms), shown(layer.gradientRms)];
      return [name, ...scales, count(layer.dead), count(layer.saturated), `${layer.distinct}/${layer.units}`];
    });
    const text = JSON.stringify(rows);
    if (text === this.written) return;
    this.written = text;
    this.body.replaceChildren(
      ...rows.map(([name, ...cells]) => h("tr", {}, h("th", { scope: "row" }, name!), ...cells.map((cell, i) => h("td", scale(i), cell)))),
    );
  }
}
