/** What is seen, in words: the causes, limits and sentences of `goodinit.evidence`. */

import causes from "../generated/causes.json";
import limits from "../generated/thresholds.json";
import { medianLow, shown } from "../shared/numbers";
import type { LayerSignals } from "./signals";

/** One seed: its layers at the start and now, the last being the output, and its costs. */
export interface Run {
  readonly start: readonly LayerSignals[];
  readonly now: readonly LayerSignals[];
  readonly first: number;
  readonly cost: number;
  readonly chance: number;
  /** The largest learning rate × sharpness so far, in limits of stability; 0 where not measured. */
  readonly stability: number;
}

type Found = Readonly<Record<string, number>> | null;
interface Rule {
  readonly cause: keyof typeof causes;
  readonly look: (run: Run) => Found;
  readonly words?: Readonly<Record<string, string>>;
}

function symmetry(run: Run): Found {
  const hidden = run.start.slice(0, -1).map((layer, l) => ({
    share: Math.max(layer.distinct, run.now[l]!.distinct) / layer.units,
    layer: l + 1,
    units: layer.units,
    distinct_units: run.now[l]!.distinct,
  }));
  const several = hidden.filter((layer) => layer.units > 1);
  const least = several.sort((a, b) => a.share - b.share)[0];
  return least && least.share <= limits.duplicates ? least : null;
}

/** Return what a typical layer does to a scale, and all of them together. */
function compound(scales: readonly number[]): { step: number; layers: number; ratio: number } {
  const steps = scales.slice(1).map((scale, l) => scale / scales[l]!);
  if (steps.some(Number.isNaN)) return { step: NaN, layers: scales.length, ratio: NaN };
  const step = steps.length ? middle(steps) : 1;
  return { step, layers: scales.length, ratio: step ** steps.length };
}

function middle(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const at = (sorted.length - 1) / 2;
  return (sorted[Math.floor(at)]! + sorted[Math.ceil(at)]!) / 2;
}

type Scale = "preactivationRms" | "gradientRms";
function scales(run: Run, of: Scale): number[] {
  const hidden = run.start.slice(0, -1).map((layer) => layer[of]);
  return of === "gradientRms" ? hidden.reverse() : hidden;
}

const grows = (of: Scale) => (run: Run) => {
  const found = compound(scales(run, of));
  const byDepth = middle(run.start.map((layer) => layer.gain)) < limits.large_gain;
  return byDepth && found.ratio >= limits.growth ? found : null;
};
const decays = (of: Scale) => (run: Run) => {
  const found = compound(scales(run, of));
  return found.ratio > 0 && found.ratio <= limits.decay ? found : null;
};
const units = (of: "dead" | "saturated", when: "start" | "now") => (run: Run) => {
  const shares = run[when].slice(0, -1).map((layer) => layer[of]);
  const most = Math.max(0, ...shares);
  return most >= limits[of] ? { layer: shares.indexOf(most) + 1, share: 100 * most } : null;
};

function large(run: Run): Found {
  const ratio = run.first / run.chance;
  const gains = run.start.map((layer) => (Number.isFinite(layer.gain) ? layer.gain : Infinity));
  const gain = Math.max(...gains);
  if (ratio < limits.far_above_chance || gain < limits.large_gain) return null;
  const initial_ratio = Number.isFinite(ratio) ? ratio : Infinity;
  return { layer: gains.indexOf(gain) + 1, gain, initial_ratio };
}

function small(run: Run): Found {
  const gains = run.start.slice(0, -1).map((layer) => layer.gain);
  const gain = Math.min(Infinity, ...gains);
  return gain <= limits.small_gain ? { layer: gains.indexOf(gain) + 1, gain } : null;
}

function unstable(run: Run): Found {
  const helped = run.cost < run.first && run.cost / run.chance < limits.stuck;
  return run.stability > (helped ? limits.unstable : 1) ? { times: run.stability } : null;
}

function diverges(run: Run): Found {
  const limit = Math.max(run.first, limits.far_above_chance * run.chance);
  return !Number.isFinite(run.cost) || run.cost > limit ? {} : null;
}

// In the order of goodinit's own; what data tell is left to `goodinit compare`.
const RULES: readonly Rule[] = [
  { cause: "symmetry", look: symmetry, words: { when: "at start and now" } },
  { cause: "signal grows", look: grows("preactivationRms") },
  { cause: "gradient grows", look: grows("gradientRms") },
  {
    cause: "large",
    look: large,
    words: { harm: "the first cost is {initial_ratio} times that of guessing" },
  },
  { cause: "saturated", look: units("saturated", "start"), words: { when: "at the start" } },
  { cause: "dead", look: units("dead", "start"), words: { when: "at the start" } },
  { cause: "unstable", look: unstable },
  { cause: "diverges", look: diverges },
  { cause: "small", look: small },
  { cause: "signal decays", look: decays("preactivationRms") },
  { cause: "gradient decays", look: decays("gradientRms") },
  { cause: "dead", look: units("dead", "now"), words: { when: "now" } },
];

export interface Said {
  /** Empty where nothing is wrong. */
  readonly label: string;
  readonly sentence: string;
  /** What else is seen, of another kind, cause by cause. */
  readonly also: readonly { readonly label: string; readonly sentence: string }[];
}

/** Return the first cause that most seeds show, or how far the cost is below that of guessing. */
export function told(runs: readonly Run[]): Said {
  const chance = runs[0]!.chance;
  const cost = medianLow(runs.map((run) => (Number.isFinite(run.cost) ? run.cost : Infinity)));
  const exploded = runs.filter((run) => run.first > limits.far_above_chance * chance).length;
  const harmed = cost > limits.poor * chance || exploded > limits.few * runs.length;
  const found = (harmed ? RULES : []).flatMap((rule) => {
    const seen = runs.map(rule.look).filter((numbers) => numbers !== null);
    if (seen.length <= limits.most * runs.length) return [];
    const where = seen.length === runs.length ? "" : `, in ${seen.length} of ${runs.length} seeds`;
    return [{ label: causes[rule.cause].label, sentence: sentence(rule, seen) + where }];
  });
  const [first, ...others] = found.filter(({ label }, i) => found.findIndex((one) => one.label === label) === i);
  if (first) return { ...first, also: others };
  const part = `${shown((100 * cost) / chance)} % of the cost of guessing`;
  const state = cost < limits.stuck * chance ? "it is learning" : "it hasn't learned yet";
  return { label: "", sentence: `${part}; ${state}`, also: [] };
}

function sentence(rule: Rule, seen: readonly Readonly<Record<string, number>>[]): string {
  const numbers = Object.keys(seen[0]!).map((key) => {
    return [key, shown(medianLow(seen.map((found) => found[key]!)))] as const;
  });
  const fill = (text: string, by: Readonly<Record<string, string>>): string =>
    text.replace(/\{(\w+)\}/g, (whole, key: string) => by[key] ?? whole);
  const values = Object.fromEntries(numbers);
  return fill(fill(causes[rule.cause].sentence, { ...rule.words, ...values }), values);
}
