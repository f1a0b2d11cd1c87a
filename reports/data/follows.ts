import { ascendingOrder } from '../../src/metrics/ascending-order.ts';
import { release } from '../../src/core/release.ts';

/** With fewer steps up, or fewer down, nothing can be told. */
const ENOUGH_STEPS = 8;
/** Of the steps up and of those down, each, at least this share has to go the same way in both values... */
const SAME_WAY = 0.65;
/** ... and of all together so many more than half that chance does not explain it: standard deviations of a fair coin. */
const DEVIATIONS = 3;

/**
 * Whether `ys` goes up where `xs` goes up and down where it goes down, from one group of neighbours in time to the next.
 * Values that merely both grow over the run do not: whatever changes slowly, such as the load, is nearly the same for
 * neighbours, and it does not turn back with each step of `xs`. Both are in order of time. Groups are of `size`
 * neighbours, by their medians.
 */
export function follows(xs: Float64Array, ys: Float64Array, size: number): boolean {
  const [x, y] = [medians(xs, size), medians(ys, size)];
  const steps = new Float64Array(Math.max(0, x.length - 1)).map((_, i) => Math.log((x[i + 1] ?? 1) / (x[i] ?? 1)));
  // Small steps drown in the noise of `ys`: the larger half counts. Those of nothing are the last.
  const sizes = steps.map((step) => -Math.abs(step));
  const order = ascendingOrder(sizes);
  const large = Math.ceil(steps.reduce((count, step) => (step === 0 ? count : count + 1), 0) / 2);
  let [up, down, risen, fallen] = [0, 0, 0, 0];
  for (const i of order.subarray(0, large)) {
    const [step, rise] = [steps[i] ?? 0, (y[i + 1] ?? 0) - (y[i] ?? 0)];
    if (step > 0) up++;
    if (step < 0) down++;
    if (step > 0 && rise > 0) risen++;
    if (step < 0 && rise < 0) fallen++;
  }
  release(steps, sizes, order);
  return (
    Math.min(up, down) >= ENOUGH_STEPS &&
    risen >= SAME_WAY * up &&
    fallen >= SAME_WAY * down &&
    beatsChance(risen + fallen, large)
  );
}

/** Whether so many of `cases` that would go either way by chance went one way is more than chance. */
export function beatsChance(count: number, cases: number): boolean {
  return count - cases / 2 >= (DEVIATIONS / 2) * Math.sqrt(cases);
}

function medians(values: Float64Array, size: number): ArrayLike<number> {
  if (size === 1) return values;
  return Array.from({ length: Math.floor(values.length / size) }, (_, group) => {
    const sorted = values.slice(group * size, (group + 1) * size).sort();
    return sorted[Math.floor(size / 2)] ?? 0;
  });
}
