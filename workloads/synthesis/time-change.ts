/** A time in which the rate of arrivals is constant. */
export interface Step {
  readonly lengthS: number;
  /** Arrivals a second. */
  readonly rate: number;
}

/**
 * The time in seconds at which so many arrivals are expected, from 0 on; called with numbers that never decrease. Infinity
 * where there are never so many.
 */
export type TimeAt = (arrivals: number) => number;

/** Of a rate that is constant in each step; the first begins at 0. */
export function stepTime(steps: Iterable<Step>): TimeAt {
  const iterator = steps[Symbol.iterator]();
  let step = iterator.next();
  let [startS, before] = [0, 0];
  return (arrivals) => {
    for (; step.done !== true; step = iterator.next()) {
      const { lengthS, rate } = step.value;
      if (before + lengthS * rate > arrivals) return startS + (arrivals - before) / rate;
      before += lengthS * rate;
      startS += lengthS;
    }
    return Number.POSITIVE_INFINITY;
  };
}

/**
 * Arrival times in seconds under a rate that changes: the sums of gaps whose mean is 1, read as numbers of expected
 * arrivals. Exponential gaps make it a Poisson process of that rate; others keep their variation wherever the rate stays
 * for some arrivals.
 */
export function* arrivalTimes(timeAt: TimeAt, gap: () => number): Generator<number> {
  for (let arrivals = gap(); ; arrivals += gap()) {
    const atS = timeAt(arrivals);
    if (!Number.isFinite(atS)) return;
    yield atS;
  }
}
