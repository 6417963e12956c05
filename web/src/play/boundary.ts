/** A decision boundary as a picture: odds as colours, the line between classes, points on top. */

import type { Points } from "../engine/network";
import { CLASSES, rgb } from "../shared/colours";
import type { Span } from "./points";
import { GRID, TILE } from "./race";

const SIDE = 320; // pixels of the lines and points, before the screen's own
const STRENGTH = 0.75; // of a class's colour where it is certain
const LEVELS = 256;
const PAPER = 250;
const DARK_PAPER = 46;

type Context = CanvasRenderingContext2D;

/** Return colours from the first class's over paper to the second's, as bytes of one pixel each. */
function ramp(dark: boolean): Uint32Array {
  const paper = dark ? DARK_PAPER : PAPER;
  const ends = [rgb(CLASSES[0]!), rgb(CLASSES[1]!)];
  return Uint32Array.from({ length: LEVELS }, (_, level) => {
    const odds = level / (LEVELS - 1);
    const sure = STRENGTH * Math.abs(2 * odds - 1) ** 0.7;
    const own = ends[odds < 0.5 ? 0 : 1]!.map((c) => Math.round(paper + sure * (c - paper)));
    return (255 << 24) | (own[2]! << 16) | (own[1]! << 8) | own[0]!;
  });
}

/** Return the place of odds on the ramp, of no number its middle. */
function level(odds: number): number {
  return ((LEVELS - 1) * (Number.isNaN(odds) ? 0.5 : odds) + 0.5) | 0;
}

export class Boundary {
  readonly element = document.createElement("div");
  readonly lines = document.createElement("canvas");
  private readonly odds = document.createElement("canvas");
  private readonly dots = document.createElement("canvas");
  private readonly image = new ImageData(GRID, GRID);
  private readonly pixels = new Uint32Array(this.image.data.buffer);
  private readonly colours: Uint32Array;
  private readonly scale = Math.min(3, Math.max(1, devicePixelRatio));

  constructor(
    private readonly dark: boolean,
    private readonly span: Span,
    label: string,
  ) {
    this.colours = ramp(dark);
    this.element.className = "boundary";
    this.odds.width = this.odds.height = GRID;
    for (const canvas of [this.lines, this.dots]) canvas.width = canvas.height = SIDE * this.scale;
    this.odds.setAttribute("role", "img");
    this.odds.setAttribute("aria-label", label);
    for (const canvas of [this.lines, this.dots]) canvas.setAttribute("aria-hidden", "true");
    this.element.append(this.odds, this.lines, this.dots);
  }

  /** Tell what is seen, for those who don't. */
  set label(text: string) {
    this.odds.setAttribute("aria-label", text);
  }

  /** Return where on the plane a place of the picture lies, both from 0 to 1, y downwards. */
  place(x: number, y: number): { x: number; y: number } {
    const { low, high } = this.span;
    return { x: low + x * (high - low), y: high - y * (high - low) };
  }

  /** Draw the examples, which change only when others are painted. */
  points({ X, y }: Points): void {
    const context = this.dots.getContext("2d")!;
    const side = this.dots.width;
    context.clearRect(0, 0, side, side);
    const { low, high } = this.span;
    const at = (value: number): number => ((value - low) / (high - low)) * side;
    context.lineWidth = this.scale;
    context.strokeStyle = this.dark ? "#ffffffcc" : "#ffffff";
    y.forEach((of, n) => {
      context.fillStyle = CLASSES[of] ?? "#000000";
      context.beginPath();
      context.arc(at(X[n]!), side - at(X[y.length + n]!), 3.8 * this.scale, 0, 2 * Math.PI);
      context.fill();
      context.stroke();
    });
  }

  /** Draw odds, class by class; of two classes the second's. */
  draw(odds: Float32Array): void {
    const several = odds.length > GRID * GRID;
    if (several) this.mix(odds);
    else for (let i = 0; i < odds.length; i++) this.pixels[i] = this.colours[level(odds[i]!)]!;
    this.odds.getContext("2d")!.putImageData(this.image, 0, 0);
    const context = this.lines.getContext("2d")!;
    context.clearRect(0, 0, this.lines.width, this.lines.width);
    context.lineWidth = 2 * this.scale;
    context.strokeStyle = this.dark ? "#f4f4f2" : "#222222";
    context.beginPath();
    for (const field of several ? leads(odds) : [odds]) contour(context, field, several ? 0 : 0.5);
    context.stroke();
  }

  private mix(odds: Float32Array): void {
    const count = GRID * GRID;
    const paper = this.dark ? DARK_PAPER : PAPER;
    const ends = CLASSES.map(rgb);
    const classes = odds.length / count;
    for (let i = 0; i < count; i++) {
      const shares = Array.from({ length: classes }, (_, k) => odds[k * count + i]! || 0);
      const sure = STRENGTH * Math.max(0, (classes * Math.max(...shares) - 1) / (classes - 1)) ** 0.7;
      for (let c = 0; c < 3; c++) {
        const own = shares.reduce((sum, share, k) => sum + share * ends[k]![c]!, 0);
        this.image.data[4 * i + c] = paper + sure * (own - paper);
      }
      this.image.data[4 * i + 3] = 255;
    }
  }
}

/** Return by how much each class leads the best of the others. */
function leads(odds: Float32Array): Float32Array[] {
  const count = GRID * GRID;
  const planes = Array.from({ length: odds.length / count }, (_, k) => odds.subarray(k * count, (k + 1) * count));
  return planes.map((own, k) =>
    own.map((value, i) => value - Math.max(...planes.map((other, o) => (o === k ? -1 : other[i]!)))),
  );
}

/** Add the line along which a field has a level: marching squares. */
function contour(context: Context, field: Float32Array, level: number): void {
  const step = context.canvas.width / GRID;
  const at = (cell: number): number => (cell + 0.5) * step;
  for (let r = 0; r + 1 < GRID; r++) {
    for (let c = 0; c + 1 < GRID; c++) {
      const i = r * GRID + c;
      const a = field[i]! - level;
      const b = field[i + 1]! - level;
      const d = field[i + GRID]! - level;
      const e = field[i + GRID + 1]! - level;
      const over = Number(a > 0) + Number(b > 0) + Number(d > 0) + Number(e > 0);
      if (over === 0 || over === 4) continue;
      const ends: [number, number][] = [];
      if (a > 0 !== b > 0) ends.push([at(c + a / (a - b)), at(r)]);
      if (a > 0 !== d > 0) ends.push([at(c), at(r + a / (a - d))]);
      if (b > 0 !== e > 0) ends.push([at(c + 1), at(r + b / (b - e))]);
      if (d > 0 !== e > 0) ends.push([at(c + d / (d - e)), at(r + 1)]);
      for (let k = 0; k + 1 < ends.length; k += 2) {
        context.moveTo(...ends[k]!);
        context.lineTo(...ends[k + 1]!);
      }
    }
  }
}

const ROW = 8; // units' pictures side by side

/** Draw what each unit answers on the plane: nothing is paper, above it blue, below it red. */
export function drawUnits(canvas: HTMLCanvasElement, units: readonly Float32Array[], dark: boolean): void {
  const colours = ramp(dark);
  const gap = 2;
  const wide = Math.min(ROW, Math.max(1, units.length));
  canvas.width = wide * (TILE + gap) - gap;
  canvas.height = Math.ceil(units.length / ROW) * (TILE + gap) - gap;
  const context = canvas.getContext("2d")!;
  const most = units.reduce((top, unit) => unit.reduce((t, v) => Math.max(t, Math.abs(v)), top), 0);
  units.forEach((unit, u) => {
    const image = new ImageData(TILE, TILE);
    const pixels = new Uint32Array(image.data.buffer);
    unit.forEach((value, i) => {
      const odds = most > 0 && Number.isFinite(most) ? 0.5 + (0.5 * value) / most : 0.5;
      pixels[i] = colours[level(odds)]!;
    });
    context.putImageData(image, (u % ROW) * (TILE + gap), Math.floor(u / ROW) * (TILE + gap));
  });
}
