/** How a number is written, as `goodinit.evidence.causes.shown` writes it. */

/** Return three digits, thousands whole. */
export function shown(value: number): string {
  if (Number.isNaN(value)) return "nan";
  if (!Number.isFinite(value)) return value > 0 ? "inf" : "-inf";
  if (value >= 1e3 && value < 1e6) return Math.round(value).toLocaleString("en");
  if (value === 0) return "0";
  const exponent = Math.floor(Math.log10(Math.abs(Number(value.toPrecision(3)))));
  if (exponent >= -4 && exponent < 3) return String(Number(value.toPrecision(3)));
  const [digits, power] = value.toExponential(2).split("e");
  const sign = power!.startsWith("-") ? "-" : "+";
  return `${String(Number(digits))}e${sign}${power!.slice(1).padStart(2, "0")}`;
}

/** Return the middle value, of two the lower, as `statistics.median_low`. */
export function medianLow(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor((sorted.length - 1) / 2)] ?? NaN;
}
