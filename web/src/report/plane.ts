/** Pictures: decision boundaries with the data on them, and sample images. */

import { rgb } from "../shared/colours";
import { h } from "../shared/dom";
import { section } from "./controls";
import { unpacked, type Boundaries, type Images } from "./data";
import { named } from "./lines";
import type { Looks } from "./looks";

const SIDE = 288; // pixels of a picture
const UNKNOWN = 255;

export function boundaries(of: Boundaries, looks: Looks): HTMLElement {
  const points = unpacked(of.points);
  const labels = unpacked(of.labels);
  const body = h("div", { class: "pictures" });

  function picture(panel: Boundaries["panels"][number]): HTMLElement {
    const said = unpacked(panel.said);
    const counts = of.classes.map((name, label) => `${name} ${Math.round((100 * said.filter((v) => v === label).length) / said.length)} %`);
    const canvas = h("canvas", { width: SIDE, height: SIDE, role: "img", "aria-label": `Decision boundary of ${looks.name(panel.place)}, ${panel.title}. Share of the plane: ${counts.slice(0, 10).join(", ")}.` });
    const cells = new ImageData(of.cells, of.cells);
    const paper = looks.isDark ? [32, 34, 36] : [255, 255, 255];
    said.forEach((label, i) => {
      const own = label === UNKNOWN ? null : of.colours[label];
      const colour = own ? rgb(own).map((c, k) => 0.42 * c + 0.58 * paper[k]!) : [128, 128, 128];
      cells.data.set([...colour, 255], 4 * i);
    });
    const small = h("canvas", { width: of.cells, height: of.cells });
    small.getContext("2d")!.putImageData(cells, 0, 0);
    const drawing = canvas.getContext("2d")!;
    drawing.imageSmoothingEnabled = false;
    drawing.drawImage(small, 0, 0, SIDE, SIDE);
    labels.forEach((label, i) => {
      drawing.beginPath();
      drawing.arc(points[2 * i]! * SIDE, (1 - points[2 * i + 1]!) * SIDE, 2.4, 0, 7);
      drawing.fillStyle = of.colours[label]!;
      drawing.fill();
      drawing.lineWidth = 0.6;
      drawing.strokeStyle = looks.isDark ? "#000" : "#fff";
      drawing.stroke();
    });
    return h("figure", { style: `--own:${looks.colour(panel.place)}` }, canvas, h("figcaption", {}, h("strong", {}, named(looks, panel.place)), h("br"), panel.title));
  }

  const draw = (): void => body.replaceChildren(...of.panels.filter((panel) => !looks.hidden.has(panel.place)).map(picture));
  looks.listen(draw);
  draw();
  const key = h("p", { class: "soft" }, ...of.classes.slice(0, 20).flatMap((name, label) => [h("span", { class: "swatch round", style: `background:${of.colours[label]}`, "aria-hidden": "true" }), `${name}  `]));
  return section("boundaries", "Decision boundaries", "What the network of the median seed answers over the plane of the two features, with the training examples on it: a good one has each colour around its own points.", key, body);
}

export function images(of: Images): HTMLElement {
  const classes = [...new Set(of.shown.map((one) => one.class))];
  const figures = classes.map((name) => {
    const shown = of.shown.filter((one) => one.class === name);
    return h("figure", {}, ...shown.map((one) => image(of, one)), h("figcaption", {}, name));
  });
  return section("images", "Sample images", "The first training images of each class, as the network gets them.", h("div", { class: "images" }, ...figures));
}

function image(of: Images, one: Images["shown"][number]): HTMLCanvasElement {
  const pixels = unpacked(one.pixels);
  const canvas = h("canvas", { width: of.width, height: of.height, role: "img", "aria-label": `An example of ${one.class}` });
  const picture = new ImageData(of.width, of.height);
  for (let i = 0; i < of.width * of.height; i++)
    picture.data.set([pixels[3 * i]!, pixels[3 * i + 1]!, pixels[3 * i + 2]!, 255], 4 * i);
  canvas.getContext("2d")!.putImageData(picture, 0, 0);
  return canvas;
}
