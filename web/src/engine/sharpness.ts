/** How sharply the cost bends: the largest eigenvalue of its Hessian, by Lanczos' method. */

import { started, type Networks, type NetworkState } from "./network";

const STEPS = 15; // the largest eigenvalues stand far apart from the rest
const NUDGE = 1e-9; // of the parameters' length, for the difference of gradients
const WIDER = 10; // times, is a second nudge, with which all must come out the same
const AGREE = 0.1;
const EXHAUSTED = 1e-10;
const BISECTIONS = 60;

/**
 * Return the algebraically largest eigenvalue, from differences of gradients; NaN where none is.
 *
 * A unit whose pre-activation is at the bend of a ReLU, as one that gets nothing but zeros, makes a gradient jump: what
 * comes of that depends on the nudge, and isn't told.
 */
export function sharpness(networks: Networks, network: NetworkState): number {
  const nudge = NUDGE * Math.max(1, length(network.parameters));
  const found = bending(networks, network, nudge);
  const again = bending(networks, network, WIDER * nudge);
  return Math.abs(again - found) <= AGREE * Math.abs(found) ? found : NaN;
}

function bending(networks: Networks, { parameters }: NetworkState, nudge: number): number {
  const count = parameters.length;
  const slopes = (direction: Float64Array, by: number): Float64Array =>
    networks.gradient(started(parameters.map((p, i) => p + by * direction[i]!), 0));
  const bend = (direction: Float64Array): Float64Array => {
    const [up, down] = [slopes(direction, nudge), slopes(direction, -nudge)];
    return up.map((slope, i) => (slope - down[i]!) / (2 * nudge));
  };
  // Any start will do that leans on no axis; this one is the same for every network.
  let next: Float64Array = Float64Array.from({ length: count }, (_, i) => Math.sin(1 + 7.3 * i * (i + 1)));
  next = scaled(next, 1 / length(next));
  const basis: Float64Array[] = [];
  const diagonal: number[] = [];
  const beside: number[] = [];
  for (let step = 0; step < Math.min(STEPS, count); step++) {
    basis.push(next);
    const product = bend(next);
    diagonal.push(dot(product, next));
    for (const known of [...basis, ...basis]) {
      const along = dot(product, known);
      known.forEach((value, i) => (product[i]! -= along * value));
    }
    const left = length(product);
    if (!(left > EXHAUSTED * Math.max(...diagonal.map(Math.abs)))) break;
    beside.push(left);
    next = scaled(product, 1 / left);
  }
  return largest(diagonal, beside);
}

const dot = (a: Float64Array, b: Float64Array): number => a.reduce((sum, v, i) => sum + v * b[i]!, 0);
const length = (a: Float64Array): number => Math.sqrt(dot(a, a));
const scaled = (a: Float64Array, by: number): Float64Array => a.map((v) => by * v);

/** Return the largest eigenvalue of a symmetric tridiagonal matrix, by Sturm's count. */
function largest(diagonal: readonly number[], beside: readonly number[]): number {
  const reach = diagonal.map((d, i) => Math.abs(d) + (beside[i - 1] ?? 0) + (beside[i] ?? 0));
  let [low, high] = [-Math.max(...reach), Math.max(...reach)];
  if (!Number.isFinite(high)) return NaN;
  for (let i = 0; i < BISECTIONS; i++) {
    const middle = (low + high) / 2;
    let pivot = 1;
    const above = diagonal.some((d, k) => {
      const square = k ? beside[k - 1]! ** 2 : 0;
      pivot = d - middle - square / (pivot || Number.MIN_VALUE);
      return pivot > 0;
    });
    if (above) low = middle;
    else high = middle;
  }
  return (low + high) / 2;
}
