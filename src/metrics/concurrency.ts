import { countUpTo, Samples } from './samples.ts';

/** Requests in flight (sent and not ended) over time, collected as spans; gives the mean over any span, and the most. */
export class Concurrency {
  readonly #startsUs = new Samples();
  readonly #endsUs = new Samples();
  #isInOrder = true;

  /** A request in flight between two times; an infinite end means to the end of the run. */
  add(fromUs: number, toUs: number): void {
    this.#startsUs.push(fromUs);
    this.#endsUs.push(toUs);
    this.#isInOrder = false;
  }

  /** Nothing more is asked: the spans are gone afterwards. */
  release(): void {
    this.#startsUs.release();
    this.#endsUs.release();
  }

  /** Starts and ends, each in order of time. */
  #inOrder(): { readonly starts: Samples; readonly ends: Samples } {
    const [starts, ends] = [this.#startsUs, this.#endsUs];
    if (!this.#isInOrder) for (const each of [starts, ends]) each.sort();
    this.#isInOrder = true;
    return { starts, ends };
  }

  /** The most at one time, and the first such time; null where nothing was in flight. */
  peak(): { readonly requests: number; readonly at_us: number } | null {
    const { starts, ends } = this.#inOrder();
    let most = { requests: 0, at_us: 0 };
    let ended = 0;
    for (let i = 0; i < starts.length; i++) {
      const at_us = starts.at(i);
      // What ends as another starts was not in flight with it.
      while (ends.at(ended) <= at_us) ended++;
      if (i + 1 - ended > most.requests) most = { requests: i + 1 - ended, at_us };
    }
    return most.requests === 0 ? null : most;
  }

  /** A function that gives the most in flight at one time within a span, its end left out. */
  most(): (fromUs: number, toUs: number) => number {
    const { starts, ends } = this.#inOrder();
    return (fromUs, toUs) => {
      let high = countUpTo(starts, fromUs) - countUpTo(ends, fromUs);
      for (let i = countUpTo(starts, fromUs); i < starts.length; i++) {
        const at = starts.at(i);
        if (at >= toUs) break;
        high = Math.max(high, i + 1 - countUpTo(ends, at));
      }
      return high;
    };
  }

  /** A function that gives the mean number in flight between two different times, in O(log n). */
  means(): (fromUs: number, toUs: number) => number {
    const { starts, ends } = this.#inOrder();
    const [rises, falls] = [stepsOf(starts), stepsOf(ends)];
    // The integral of a step function that rises at each start and falls at each end.
    const integral = (us: number): number => areaUntil(rises, us) - areaUntil(falls, us);
    return (fromUs, toUs) => (integral(toUs) - integral(fromUs)) / (toUs - fromUs);
  }
}

/** So many steps have one sum. */
const STRIDE = 64;

interface Steps {
  readonly at: Samples;
  /** Entry i: the sum of the first i * STRIDE times. */
  readonly sums: Float64Array;
  /** Of the time that was asked for last: the next is often near it. */
  lastCount: number;
}

function stepsOf(at: Samples): Steps {
  const sums = new Float64Array(Math.floor(at.length / STRIDE) + 1);
  let sum = 0;
  for (let i = 0; i < at.length; i++) {
    if (i % STRIDE === 0) sums[i / STRIDE] = sum;
    sum += at.at(i);
  }
  if (at.length % STRIDE === 0) sums[at.length / STRIDE] = sum;
  return { at, sums, lastCount: 0 };
}

/** The integral up to `us` of the number of steps at or before each time. */
function areaUntil(steps: Steps, us: number): number {
  const { at, sums } = steps;
  const count = countUpTo(at, us, steps.lastCount);
  steps.lastCount = count;
  const strides = Math.floor(count / STRIDE);
  let sum = sums[strides] ?? 0;
  for (let i = strides * STRIDE; i < count; i++) sum += at.at(i);
  return count * us - sum;
}
