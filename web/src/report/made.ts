/** How it was made: the command to copy, versions, what was left out, the table to take along. */

import { copyButton, h } from "../shared/dom";
import { section } from "./controls";
import type { Made } from "./data";

export function made(of: Made, csv: string, name: string): HTMLElement {
  const save = h("button", { type: "button" }, "Download the table as CSV");
  save.addEventListener("click", () => {
    const address = URL.createObjectURL(new Blob([csv], { type: "text/csv" }));
    h("a", { href: address, download: name }).click();
    setTimeout(() => URL.revokeObjectURL(address), 10_000);
  });
  const versions = Object.entries(of.versions).map(([what, which]) => `${what} ${which}`).join(", ");
  return section(
    "made",
    "How it was made",
    "",
    of.command ? h("pre", { tabindex: 0, "aria-label": "The command" }, h("code", { id: "command" }, of.command)) : null,
    of.note ? h("p", { class: "soft" }, of.note) : null,
    h("p", { class: "buttons" }, of.command ? copyButton("Copy the command", () => of.command) : null, save),
    of.took ? h("p", {}, of.took) : null,
    h("p", {}, `Page written ${of.written} with ${versions}.`),
    of.thinned.length ? h("div", {}, h("p", {}, "What this page leaves out, to stay small:"), h("ul", {}, ...of.thinned.map((said) => h("li", {}, said)))) : h("p", {}, "Nothing that was measured for these pictures was left out."),
    of.study === null ? null : h("details", {}, h("summary", {}, "Everything that was set"), h("pre", { tabindex: 0, "aria-label": "Everything that was set" }, JSON.stringify(of.study, null, 2))),
  );
}
