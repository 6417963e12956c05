/** The articles' stories, each a state and two sentences. */

import { START, type State } from "./state";

export interface Preset {
  readonly name: string;
  readonly told: string;
  readonly state: State;
}

const plain = (...schemes: string[]): State["initializers"] =>
  schemes.map((scheme) => ({ scheme, scale: 1 }));
const normal = (std: number): State["initializers"] => [{ scheme: "normal", scale: std }];
const uniform = (end: number): State["initializers"] => [{ scheme: "uniform", scale: end }];

export const PRESETS: readonly Preset[] = [
  {
    name: "Zeros",
    told: "With zeros, all units of a layer are one unit and stay one. No training breaks the symmetry: the cost stays at that of guessing.",
    state: { ...START, initializers: plain("zeros", "he_normal") },
  },
  {
    name: "Too large",
    told: "Weights of standard deviation 10 start far from anything sensible, with a cost hundreds of times that of guessing. Training spends its time on coming back.",
    state: { ...START, initializers: [...normal(10), ...plain("he_normal")] },
  },
  {
    name: "Too small",
    told: "Weights of 0.01 pass on little of the signal, and as little of the gradient. The cost stays at that of guessing.",
    state: { ...START, initializers: [...normal(0.01), ...plain("he_normal")] },
  },
  {
    name: "He or Xavier, deep",
    told: "A ReLU halves what it is given; He's variance of 2/fan_in makes up for it, Xavier's doesn't. In eight layers the halves multiply.",
    state: {
      ...START,
      hidden: Array<number>(8).fill(16),
      learningRate: 0.03,
      initializers: plain("he_normal", "glorot_normal"),
    },
  },
  {
    name: "Tanh saturates",
    told: "Large weights push tanh to its flat ends, where it has no slope. Little gradient comes through, and the boundary stays jagged.",
    state: {
      ...START,
      activation: "tanh",
      hidden: Array<number>(4).fill(16),
      initializers: [...normal(5), ...plain("glorot_normal")],
    },
  },
  {
    name: "Dying ReLU",
    told: "A step that is too large can push a ReLU below zero on every example; then it has no gradient and never returns. Leaky ReLU would keep a slope there.",
    state: {
      ...START,
      learningRate: 3,
      initializers: [...plain("he_normal"), ...uniform(3)],
    },
  },
  {
    name: "Rate too high",
    told: "A good initialization does not save a learning rate beyond the limit of stability. The costs jump instead of falling; turn the rate down and rewind.",
    state: {
      ...START,
      activation: "tanh",
      learningRate: 10,
      initializers: plain("he_normal", "glorot_normal"),
    },
  },
];
