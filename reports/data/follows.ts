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
  const steps = Array.from({ length: Math.max(0, x.length - 1) }, (_, i) => ({
    x: Math.log((x[i + 1] ?? 1) / (x[i] ?? 1)),
    y: (y[i + 1] ?? 0) - (y[i] ?? 0),
  })).filter((step) => step.x !== 0);
  // Small steps drown in the noise of `ys`: the larger half counts.
  const large = steps.toSorted((a, b) => Math.abs(b.x) - Math.abs(a.x)).slice(0, Math.ceil(steps.length / 2));
  const [up, down] = [large.filter((step) => step.x > 0), large.filter((step) => step.x < 0)];
  const risen = up.filter((step) => step.y > 0).length;
  const fallen = down.filter((step) => step.y < 0).length;
  return (
    Math.min(up.length, down.length) >= ENOUGH_STEPS &&
    risen >= SAME_WAY * up.length &&
    fallen >= SAME_WAY * down.length &&
    beatsChance(risen + fallen, large.length)
  );
}

/** Whether so many of `cases` that would go either way by chance went one way is more than chance. */
export function beatsChance(count: number, cases: number): boolean {
  return count - cases / 2 >= (DEVIATIONS / 2) * Math.sqrt(cases);
}

function medians(values: Float64Array, size: number): number[] {
  return Array.from({ length: Math.floor(values.length / size) }, (_, group) => {
    const sorted = values.slice(group * size, (group + 1) * size).sort();
    return sorted[Math.floor(size / 2)] ?? 0;
  });
}
