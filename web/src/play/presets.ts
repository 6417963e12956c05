/** The articles' stories, each a state and two sentences. */

import { START, type State } from "./state";

export interface Preset {
  readonly name: string;
  readonly told: string;
  readonly state: State;
  /** Of which hidden layer the units are pictured, counted from 0. */
  readonly units?: number;
}

const plain = (...schemes: string[]): State["initializers"] =>
  schemes.map((scheme) => ({ scheme, scale: 1 }));
const normal = (std: number): State["initializers"] => [{ scheme: "normal", scale: std }];

export const PRESETS: readonly Preset[] = [
  {
    name: "Zeros",
    told: "With zeros, all units of a layer are one unit and stay one. No training breaks the symmetry: the cost stays at that of guessing, while He's weights learn.",
    state: { ...START, learningRate: 0.1, speed: 10, initializers: plain("zeros", "he_normal") },
    units: 0,
  },
  {
    name: "Too large",
    told: "Weights of standard deviation 10 start far from anything sensible, with a cost hundreds of times that of guessing. Training spends its time on coming back, and He's weights overtake them.",
    state: {
      ...START,
      learningRate: 0.03,
      axis: "log",
      initializers: [...normal(10), ...plain("he_normal")],
    },
  },
  {
    name: "Too small",
    told: "Weights of 0.01 pass on a hundredth of the signal in each layer, and as little of the gradient. The cost stays at that of guessing, while He's weights learn.",
    state: {
      ...START,
      learningRate: 0.1,
      speed: 10,
      initializers: [...normal(0.01), ...plain("he_normal")],
    },
  },
  {
    name: "He or Xavier, deep",
    told: "A ReLU halves what it is given; He's variance of 2/fan_in makes up for it, Xavier's doesn't. In fifteen layers the halves multiply: He's weights learn, and Xavier's see almost nothing.",
    state: {
      ...START,
      hidden: Array<number>(15).fill(10),
      learningRate: 0.03,
      speed: 10,
      initializers: plain("he_normal", "glorot_normal"),
    },
  },
  {
    name: "Tanh saturates",
    told: "Large weights push tanh to its flat ends, where it has no slope. What little gradient comes through moves few units: the boundary stays jagged, while Xavier's finds the circle.",
    state: {
      ...START,
      activation: "tanh",
      hidden: [10, 10, 10],
      learningRate: 0.3,
      speed: 10,
      seeds: 4,
      initializers: [...normal(8), ...plain("glorot_normal")],
    },
    units: 1,
  },
  {
    name: "Dying ReLU",
    told: "A step that is too large can push a ReLU below zero on every example; then it has no gradient and never returns. Choose leaky ReLU, which keeps a slope there, and start again.",
    state: {
      ...START,
      learningRate: 3,
      speed: 5,
      initializers: plain("he_normal", "glorot_normal"),
    },
    units: 1,
  },
  {
    name: "Rate too high",
    told: "A good initialization does not save a learning rate beyond the limit of stability. The costs jump instead of falling; set the rate to 1, and the same weights learn.",
    state: {
      ...START,
      activation: "tanh",
      learningRate: 10,
      speed: 5,
      axis: "log",
      initializers: plain("he_normal", "glorot_normal"),
    },
  },
];
