/** A report: what was measured, told on one page. */

import "uplot/dist/uPlot.min.css";
import "../shared/theme.css";
import "./report.css";
import { h } from "../shared/dom";
import { answer } from "./answer";
import { curves, sharpness, signals } from "./curves";
import type { Inspection, Study } from "./data";
import { inspection } from "./ladder";
import { Looks } from "./looks";
import { made } from "./made";
import { map, pairs } from "./pairs";
import { boundaries, images } from "./plane";
import { seeds } from "./seeds";

type Data = Study | Inspection;

function study(data: Study): HTMLElement[] {
  const looks = new Looks(data.initializers);
  return [
    ...answer(data, looks),
    curves(data, looks),
    seeds(data, looks),
    pairs(data, looks),
    map(data, looks),
    signals(data, looks),
    sharpness(data, looks),
    data.boundaries ? boundaries(data.boundaries, looks) : null,
    data.images ? images(data.images) : null,
    made(data.made, data.csv, "summary.csv"),
  ].filter((part) => part !== null);
}

function contents(parts: readonly HTMLElement[]): HTMLElement {
  const links = parts.map((part) => h("a", { href: `#${part.id}` }, part.querySelector("h2")!.textContent ?? ""));
  return h("nav", { "aria-label": "On this page" }, ...links);
}

const data = JSON.parse(document.getElementById("data")!.textContent!) as Data;
const parts = data.kind === "study" ? study(data) : [...inspection(data), made(data.made, data.csv, "layers.csv")];
document.title = `${data.title}: goodinit`;
document.getElementById("page")!.replaceChildren(
  h("header", {}, h("h1", {}, data.title), h("p", { class: "soft" }, data.described), contents(parts)),
  h("main", {}, ...parts),
  h("footer", { class: "soft" }, "Made by goodinit. This file loads nothing and sends nothing."),
);
