/** The colours of `goodinit.figures.looks`: an initializer's by its place, and the classes'. */

import colours from "../generated/colours.json";

const BLACK = "#000000"; // which nobody sees in the dark
const IN_THE_DARK = "#f0f0f0";

export const CLASSES: readonly string[] = colours.classes;

/** Return an initializer's colour on a light or dark page. */
export function colour(place: number, dark: boolean): string {
  return seenOn(colours.initializers[place] ?? BLACK, dark);
}

/** Return a colour as it is seen on a light or dark page. */
export function seenOn(own: string, dark: boolean): string {
  return own === BLACK && dark ? IN_THE_DARK : own;
}

/** Return the red, green and blue of #rrggbb. */
export function rgb(hex: string): [number, number, number] {
  return [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16)) as [number, number, number];
}
