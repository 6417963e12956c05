/** Which initializers are shown, in which colours: one state for all pictures of the page. */

import { seenOn } from "../shared/colours";
import type { Initializer } from "./data";

export class Looks {
  readonly hidden = new Set<number>();
  readonly withSeeds = new Set<number>();
  private readonly listeners: (() => void)[] = [];
  private readonly dark = matchMedia("(prefers-color-scheme: dark)");
  private onPaper = false;

  constructor(readonly initializers: readonly Initializer[]) {
    this.dark.addEventListener("change", () => this.changed());
    addEventListener("beforeprint", () => this.print(true));
    addEventListener("afterprint", () => this.print(false));
  }

  private print(paper: boolean): void {
    this.onPaper = paper;
    this.changed();
  }

  /** Draw again from now on whenever something changes. */
  listen(draw: () => void): void {
    this.listeners.push(draw);
  }

  changed(): void {
    for (const draw of this.listeners) draw();
  }

  toggle(set: Set<number>, place: number): void {
    if (!set.delete(place)) set.add(place);
    this.changed();
  }

  name(place: number): string {
    return this.initializers[place]!.name;
  }

  colour(place: number): string {
    return seenOn(this.initializers[place]!.colour, this.isDark);
  }

  get isDark(): boolean {
    return this.dark.matches && !this.onPaper;
  }

  get ink(): string {
    return this.isDark ? "#e8e8e6" : "#222222";
  }
}
