/** The answer: a sentence, the table, each verdict with what to do, what the study can't say. */

import { h } from "../shared/dom";
import { scrolled, section } from "./controls";
import type { Study } from "./data";
import { named } from "./lines";
import type { Looks } from "./looks";

export function answer(study: Study, looks: Looks): HTMLElement[] {
  const heads = ["initializer", ...study.table.headings.slice(1)];
  const table = h(
    "table",
    { class: "summary" },
    h("caption", {}, "Results over the seeds, best first"),
    h("thead", {}, h("tr", {}, ...heads.map((head) => h("th", { scope: "col" }, head)))),
    h(
      "tbody",
      {},
      ...study.table.rows.map((row, place) =>
        h(
          "tr",
          {},
          h("th", { scope: "row" }, study.initializers[place]!.drawn ? named(looks, place) : row[0]!),
          ...row.slice(1).map((cell) => h("td", {}, cell)),
        ),
      ),
    ),
  );
  const verdicts = h(
    "dl",
    { class: "verdicts" },
    ...study.initializers.flatMap((one, place) => [
      h("dt", {}, one.drawn ? named(looks, place) : one.name),
      h(
        "dd",
        {},
        h("p", {}, h("strong", {}, one.label), `: ${one.reason}.`),
        one.remedy ? h("p", { class: "remedy" }, `What to do: ${one.remedy}`) : null,
      ),
    ]),
  );
  const list = (sentences: readonly string[]): HTMLElement => h("ul", {}, ...sentences.map((said) => h("li", {}, said)));
  return [
    section(
      "answer",
      "The answer",
      "",
      h("p", { class: "answer" }, study.answer),
      scrolled("The table", table),
      h("p", { class: "soft hint" }, study.table.notes.join(" ")),
    ),
    section("verdicts", "What became of each, and why", "", verdicts),
    section("limits", "What this study can’t say", "", list(study.limits)),
    ...(study.said.length ? [section("said", "What else it says", "", list(study.said))] : []),
  ];
}
