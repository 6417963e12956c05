/** Painting points onto the panels: a bar that says which, and a pointer or arrow keys that say where. */

import { CLASSES } from "../shared/colours";
import { h } from "../shared/dom";
import type { Boundary } from "./boundary";
import { examples, MOST_DOTS, read, table, write, type Dot } from "./points";

const NAMES = ["red", "blue", "green"] as const;
const REACH = 0.15; // around the pointer where points are erased
const APART = 0.12; // at least, of points of one stroke
const STEP = 0.05; // of the picture, by an arrow key
const ERASER = -1;

export class Brush {
  private of = 0;

  constructor(
    bar: HTMLElement,
    private readonly points: () => string,
    private readonly change: (points: string) => void,
  ) {
    const choices = [...NAMES.map((name, of) => [of, name] as const), [ERASER, "erase"] as const];
    const buttons = choices.map(([of, name]) => {
      const swatch = h("span", { class: "swatch", style: `background:${CLASSES[of] ?? "transparent"}`, "aria-hidden": "true" });
      const pressed = { type: "button", "aria-pressed": String(of === this.of) };
      return h("button", { ...pressed, click: () => choose(of) }, swatch, name);
    });
    const choose = (of: number): void => {
      this.of = of;
      buttons.forEach((button, i) => button.setAttribute("aria-pressed", String(choices[i]![0] === of)));
    };
    const save = h("a", { download: "points.csv", href: "" }, "Save the points");
    save.onclick = (): void => {
      save.href = `data:text/csv;charset=utf-8,${encodeURIComponent(table(this.points()))}`;
    };
    bar.replaceChildren(
      h("span", {}, "Paint on any picture:"),
      ...buttons,
      h("button", { type: "button", click: () => change("") }, "Clear"),
      save,
    );
  }

  /** Let a picture be painted on. */
  attach(boundary: Boundary): void {
    const { element } = boundary;
    element.classList.add("canvas");
    element.tabIndex = 0;
    element.setAttribute("role", "application");
    element.setAttribute("aria-label", "Paint: arrow keys move, space or enter paints");
    // A stroke is shown at once, and trained on when it ends: every change draws all networks anew.
    let stroke: Dot[] | null = null;
    let last: { x: number; y: number } | null = null;
    const put = (event: PointerEvent): void => {
      const box = element.getBoundingClientRect();
      const at = boundary.place((event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height);
      if (!stroke || (last && this.of !== ERASER && Math.hypot(at.x - last.x, at.y - last.y) < APART)) return;
      last = at;
      stroke = this.with(stroke, at);
      boundary.points(examples({ data: "painted", painted: write(stroke) }).train);
    };
    element.onpointerdown = (event): void => {
      event.preventDefault();
      element.focus();
      element.setPointerCapture(event.pointerId);
      stroke = read(this.points());
      last = null;
      put(event);
    };
    element.onpointermove = put;
    element.onpointerup = element.onpointercancel = (): void => {
      if (stroke) this.change(write(stroke));
      stroke = null;
    };
    const cross = h("span", { class: "cross", "aria-hidden": "true" });
    element.append(cross);
    const at = { x: 0.5, y: 0.5 };
    element.onkeydown = (event): void => {
      const move = { ArrowLeft: [-STEP, 0], ArrowRight: [STEP, 0], ArrowUp: [0, -STEP], ArrowDown: [0, STEP] }[event.key];
      if (move) {
        at.x = Math.min(1, Math.max(0, at.x + move[0]!));
        at.y = Math.min(1, Math.max(0, at.y + move[1]!));
        cross.style.left = `${100 * at.x}%`;
        cross.style.top = `${100 * at.y}%`;
      } else if (event.key === " " || event.key === "Enter") {
        this.change(write(this.with(read(this.points()), boundary.place(at.x, at.y))));
      } else return;
      event.preventDefault();
    };
  }

  /** Return points with one more, or without those that the eraser meets. */
  private with(dots: readonly Dot[], at: { x: number; y: number }): Dot[] {
    if (this.of === ERASER) return dots.filter(({ x, y }) => Math.hypot(x - at.x, y - at.y) > REACH);
    return dots.length < MOST_DOTS ? [...dots, { ...at, of: this.of }] : [...dots];
  }
}
