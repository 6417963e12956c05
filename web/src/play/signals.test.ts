import { expect, it } from "vitest";
import { drawParameters, SCHEMES } from "../engine/initializers";
import { compiled } from "../engine/kernel";
import { Networks, started } from "../engine/network";
import reference from "../generated/reference.json";
import { measured } from "./signals";
import { examples } from "./points";
import { setup } from "./race";
import { START } from "./state";

const cases = [
  ["he_normal", "he_normal", 1],
  ["glorot_normal", "glorot_normal", 1],
  ["normal(std=10)", "normal", 10],
  ["orthogonal", "orthogonal", 1],
] as const;
const activations = ["relu", "tanh", "gelu"] as const;
const all = activations.flatMap((activation) => cases.map((one) => [activation, ...one] as const));
it.each(all)("of %s, %s the signals are those that Python measures", async (activation, name, key, scale) => {
  const { train, test } = examples(START);
  const networks = new Networks(await compiled(), setup({ ...START, activation }, train), train, test, new Float64Array(8));
  const start = drawParameters(SCHEMES[key]!, scale, reference.layers, 0);
  const found = measured(networks, started(start, 0)).slice(0, -1);
  const expected = reference.signals[activation][name];
  found.forEach((layer, l) => {
    expect(layer.distinct).toBe(expected.distinct_units[l]);
    expect(layer.dead).toBe(expected.dead_fraction[l]);
    expect(layer.saturated).toBe(expected.saturated_fraction[l]);
    for (const [own, pythons] of [
      [layer.preactivationRms, expected.preactivation_rms[l]!],
      [layer.activationRms, expected.activation_rms[l]!],
      [layer.gradientRms, expected.gradient_rms[l]!],
    ] as const) {
      expect(Math.abs(own / pythons - 1)).toBeLessThan(1e-9);
    }
  });
});
