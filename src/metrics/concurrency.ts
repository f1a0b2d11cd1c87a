import { countUpTo, Samples } from './samples.ts';

/** Requests in flight (sent and not ended) over time, collected as spans; gives the mean over any span, and the most. */
export class Concurrency {
  readonly #startsUs = new Samples();
  readonly #endsUs = new Samples();
  #sorted: { readonly starts: Float64Array; readonly ends: Float64Array } | null = null;

  /** A request in flight between two times; an infinite end means to the end of the run. */
  add(fromUs: number, toUs: number): void {
    this.#startsUs.push(fromUs);
    this.#endsUs.push(toUs);
    this.#sorted = null;
  }

  #inOrder(): { readonly starts: Float64Array; readonly ends: Float64Array } {
    return (this.#sorted ??= { starts: this.#startsUs.sorted(), ends: this.#endsUs.sorted() });
  }

  /** The most at one time, and the first such time; null where nothing was in flight. */
  peak(): { readonly requests: number; readonly at_us: number } | null {
    const { starts, ends } = this.#inOrder();
    let most = { requests: 0, at_us: 0 };
    let ended = 0;
    starts.forEach((at_us, i) => {
      // What ends as another starts was not in flight with it.
      while ((ends[ended] ?? Infinity) <= at_us) ended++;
      if (i + 1 - ended > most.requests) most = { requests: i + 1 - ended, at_us };
    });
    return most.requests === 0 ? null : most;
  }

  /** A function that gives the most in flight at one time within a span, its end left out. */
  most(): (fromUs: number, toUs: number) => number {
    const { starts, ends } = this.#inOrder();
    return (fromUs, toUs) => {
      let high = countUpTo(starts, fromUs) - countUpTo(ends, fromUs);
      for (let i = countUpTo(starts, fromUs); i < starts.length; i++) {
        const at = starts[i] ?? Infinity;
        if (at >= toUs) break;
        high = Math.max(high, i + 1 - countUpTo(ends, at));
      }
      return high;
    };
  }

  /** A function that gives the mean number in flight between two different times, in O(log n). */
  means(): (fromUs: number, toUs: number) => number {
    const sorted = this.#inOrder();
    const [starts, ends] = [prefixed(sorted.starts), prefixed(sorted.ends)];
    // The integral of a step function that rises at each start and falls at each end.
    const integral = (us: number): number => areaUntil(starts, us) - areaUntil(ends, us);
    return (fromUs, toUs) => (integral(toUs) - integral(fromUs)) / (toUs - fromUs);
  }
}

interface Steps {
  readonly at: Float64Array;
  /** Entry i: the sum of the first i times. */
  readonly sums: Float64Array;
}

function prefixed(at: Float64Array): Steps {
  const sums = new Float64Array(at.length + 1);
  for (let i = 0; i < at.length; i++) sums[i + 1] = (sums[i] ?? 0) + (at[i] ?? 0);
  return { at, sums };
}

/** The integral up to `us` of the number of steps at or before each time. */
function areaUntil({ at, sums }: Steps, us: number): number {
  const count = countUpTo(at, us);
  return count * us - (sums[count] ?? 0);
}
