import { expect, it } from "vitest";
import { SCHEMES } from "../engine/initializers";
import { compiled } from "../engine/kernel";
import { Networks, type Activation } from "../engine/network";
import reference from "../generated/reference.json";
import { examples } from "./points";
import { setup } from "./race";
import { START } from "./state";
import { Drawing } from "./theory";

const keys: Record<string, [string, number]> = { "normal(std=10)": ["normal", 10] };

it.each(reference.bands)("theory's line and band of $scheme, $activation are Python's", async (case_) => {
  const { test } = examples(START);
  const [key, scale] = keys[case_.scheme] ?? [case_.scheme, 1];
  const asked = setup({ ...START, hidden: case_.hidden, activation: case_.activation as Activation }, test);
  const networks = new Networks(await compiled(), asked, test, test, new Float64Array(0));
  const drawing = new Drawing(networks, SCHEMES[key]!, scale, test);
  const found = drawing.go(Infinity)!;
  const near = (own: readonly number[], pythons: readonly number[], within: number): void =>
    pythons.forEach((value, l) => expect(Math.abs(own[l]! / value - 1)).toBeLessThan(within));
  near(found.line, case_.line, 1e-5);
  for (const end of [0, 1]) {
    near(found.signal[end]!, case_.signal[end]!, 1e-9);
    near(found.slope[end]!, case_.slope[end]!, 1e-9);
  }
  // And near those that theory gives, of networks that it draws itself: 60 draws tell an end to half a band's width.
  for (const name of ["signal", "slope"] as const) {
    const [low, high] = case_.said[name] as [number[], number[]];
    low.forEach((under, l) => {
      const width = Math.log(high[l]! / under);
      expect(Math.abs(Math.log(found[name][0][l]! / under))).toBeLessThan(width / 2 + 1e-6);
      expect(Math.abs(Math.log(found[name][1][l]! / high[l]!))).toBeLessThan(width / 2 + 1e-6);
    });
  }
});
