/** No change beyond ten times, or a tenth, is told apart by an axis of changes. */
const FURTHEST = Math.log(10);
/** Changes up to this are ticked by equal steps, larger ones by ratios. */
const NEAR = Math.log(2);
const PERCENT_STEPS = [0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50];
const RATIOS = [1 / 10, 1 / 5, 1 / 2, 1, 2, 5, 10];
const MOST_TICKS = 8;

/** Labels of an axis of ln(new / base), in percent. A Vega expression. */
export const CHANGE_LABEL =
  "abs(datum.value) < 1e-9 ? '0 %' : replace(format((exp(datum.value) - 1) * 100, '+.3~r'), '\u2212', '-') + ' %'";

/** ln(1 + change) for a position on the axis; positions beyond its ends are drawn at these. */
export function lnOf(change: number): number {
  return Math.log1p(change);
}

export function isOffAxis(ln: number): boolean {
  return Math.abs(ln) > FURTHEST;
}

/** An axis of ln(new / base) that has 0, the margin on both sides, and the values up to ten times. */
export function changeDomain(values: readonly number[], margin: number): [number, number] {
  const edge = 1.5 * Math.max(lnOf(margin), 0.002);
  const room = (end: number): number => Math.max(-FURTHEST, Math.min(FURTHEST, 1.06 * end));
  return [room(Math.min(-edge, ...values)), room(Math.max(edge, ...values))];
}

export function changeTicks([low, high]: readonly [number, number]): number[] {
  const within = (ticks: readonly number[]): number[] => ticks.filter((tick) => tick >= low && tick <= high);
  if (high > NEAR || low < -NEAR) return within(RATIOS.map((ratio) => Math.log(ratio)));
  const [from, to] = [Math.expm1(low) * 100, Math.expm1(high) * 100];
  const step = PERCENT_STEPS.find((each) => (to - from) / each < MOST_TICKS) ?? 50;
  const first = Math.ceil(from / step);
  return Array.from({ length: Math.floor(to / step) - first + 1 }, (_, i) => lnOf(((first + i) * step) / 100));
}
