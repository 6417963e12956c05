/** A section of the page, and what switches its pictures. */

import { h, type Child } from "../shared/dom";

/** Return a section with a heading, and a sentence that says how to read it. */
export function section(id: string, title: string, how: string, ...children: readonly Child[]): HTMLElement {
  return h(
    "section",
    { id, "aria-labelledby": `${id}-title` },
    h("h2", { id: `${id}-title` }, title),
    how ? h("p", { class: "soft how" }, how) : null,
    ...children,
  );
}

/** Return a choice among words, of which the first is taken. */
export function choice(label: string, words: readonly string[], take: (place: number) => void, taken = 0): HTMLElement {
  const select = h("select", { change: () => take(select.selectedIndex) }, ...words.map((word) => h("option", {}, word)));
  select.selectedIndex = taken;
  return h("label", { class: "choice" }, h("span", {}, label), select);
}

/** Return a heading's cells, and those of rows, as a table that is scrolled where it is wide. */
export function scrolled(label: string, table: HTMLElement): HTMLElement {
  return h("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": label }, table);
}
