/** Wilson's interval of a share of n independent requests, `t` standard errors to each side. */
export function wilson(p: number, n: number, t: number): readonly [number, number] {
  const t2 = t * t;
  const centre = (p + t2 / (2 * n)) / (1 + t2 / n);
  const half = (t / (1 + t2 / n)) * Math.sqrt((p * (1 - p)) / n + t2 / (4 * n * n));
  // Rounding may leave p out by a hair where it is 0 or 1.
  return [Math.max(0, Math.min(p, centre - half)), Math.min(1, Math.max(p, centre + half))];
}
