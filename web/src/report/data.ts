/** What Python fills a page with, and how its typed columns are read. */

type Kind = "f32" | "f64" | "u8" | "i32";
export type Packed = Partial<Record<Kind, string>>;
export type Numbers = Float32Array | Float64Array | Uint8Array | Int32Array;

const KINDS = { f32: Float32Array, f64: Float64Array, u8: Uint8Array, i32: Int32Array };

/** Return the numbers of a column. */
export function unpacked(column: Packed): Numbers {
  const [kind, text] = Object.entries(column)[0] as [Kind, string];
  const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  return new KINDS[kind](bytes.buffer);
}

/** Return rows of `size` numbers each. */
export function rows(values: Numbers, size: number): number[][] {
  return Array.from({ length: size ? values.length / size : 0 }, (_, i) =>
    Array.from(values.subarray(i * size, (i + 1) * size)),
  );
}

export interface Initializer {
  readonly name: string;
  readonly rate: number;
  readonly label: string;
  readonly reason: string;
  readonly remedy: string;
  readonly numbers: Readonly<Record<string, number | null>>;
  readonly colour: string;
  readonly drawn: boolean;
}

export interface Table {
  readonly headings: readonly string[];
  readonly rows: readonly (readonly string[])[];
  readonly notes: readonly string[];
}

export interface Pairs {
  readonly outcome: string;
  readonly words: string;
  readonly a: readonly number[];
  readonly b: readonly number[];
  readonly state: readonly string[];
  readonly difference: Packed;
  readonly low: Packed;
  readonly high: Packed;
  readonly p_holm: Packed;
  readonly p_equivalent: Packed;
  readonly a_beats_b: Packed;
}

export interface Boundaries {
  readonly cells: number;
  readonly classes: readonly string[];
  readonly colours: readonly string[];
  readonly points: Packed;
  readonly labels: Packed;
  readonly panels: readonly { title: string; place: number; said: Packed }[];
}

export interface Images {
  readonly width: number;
  readonly height: number;
  readonly shown: readonly { class: string; pixels: Packed }[];
}

export interface Made {
  readonly command: string;
  readonly note: string;
  /** How long it took, a sentence; empty where that isn't known. */
  readonly took: string;
  readonly versions: Readonly<Record<string, string>>;
  readonly written: string;
  readonly study: unknown;
  readonly thinned: readonly string[];
}

export interface Rung {
  readonly name: string;
  readonly type: string;
  readonly activation: string;
  /** Units, distinct ones, dead and saturated parts, gain; median and range of both scales; both after the cure. */
  readonly numbers: Packed;
}

export interface Finding {
  readonly layer: string;
  readonly place: number;
  readonly label: string;
  readonly reason: string;
  readonly cure: string | null;
  readonly remark: string;
}

export interface Inspection {
  readonly kind: "inspection";
  readonly title: string;
  readonly described: string;
  readonly answer: string;
  readonly layers: readonly Rung[];
  readonly findings: readonly Finding[];
  readonly remarks: readonly Finding[];
  readonly depth: string;
  /** The cure after which layers are drawn too; null for none. */
  readonly cure: string | null;
  readonly made: Made;
  readonly csv: string;
}

export interface Study {
  readonly kind: "study";
  readonly title: string;
  readonly described: string;
  readonly answer: string;
  readonly measure: string;
  readonly table: Table;
  readonly initializers: readonly Initializer[];
  readonly limits: readonly string[];
  readonly said: readonly string[];
  readonly rates: readonly number[];
  readonly chance: number | null;
  readonly curves: {
    readonly moments: readonly number[];
    readonly seeds: readonly number[];
    readonly groups: readonly (readonly [number, number])[];
    readonly measures: Readonly<Record<string, { spread: Packed; each: Packed }>>;
  };
  readonly signals: {
    readonly layers: readonly number[];
    readonly signals: Readonly<Record<string, { words: string; spread: Packed; theory?: Packed }>>;
  };
  readonly sharpness: { moments: readonly number[]; limited: boolean; spread: Packed };
  readonly seeds: { readonly which: readonly number[]; readonly train?: Packed; readonly test?: Packed };
  readonly pairs: readonly Pairs[];
  readonly map: Packed | null;
  readonly boundaries?: Boundaries;
  readonly images?: Images;
  readonly made: Made;
  readonly csv: string;
}
