import { attainmentInterval } from '../../src/metrics/attainment-interval.ts';
import { sum } from '../../src/metrics/samples.ts';
import { wilson } from '../../src/metrics/wilson.ts';
import { queriesNeeded } from '../../src/results/peers/early-stopping.ts';
import { judgedBy, type Queue } from './queues.ts';

/** The share that is to be within the limit, and is. */
const WANTED = 0.9;
/** MLPerf's loop asks for no more queries than these. */
const LOOP_CAP = 8000;

/** How often a rule holds, of runs of a system that is exactly at its limit. */
export interface Kept {
  /** MLPerf passes the run: it promises 1 % at most. */
  readonly mlperf: number;
  /** Wilson's 95 % interval of as many independent requests holds the truth. */
  readonly wilson: number;
  /** Our interval does, of the runs that got one; the share that got one; and where its lower end is above the truth. */
  readonly ours: number;
  readonly given: number;
  readonly oursAbove: number;
}

/** Of runs of `requests` requests, one a seed. */
export function keptBy(queue: Queue, requests: number, seeds: number): Kept {
  const counts = { mlperf: 0, wilson: 0, ours: 0, given: 0, above: 0 };
  for (let seed = 1; seed <= seeds; seed++) {
    const judged = judgedBy(queue.requests(seed, requests), queue.limitS);
    const met = sum(judged.met);
    if (requests >= queriesNeeded(requests - met, WANTED)) counts.mlperf++;
    const [low, high] = wilson(met / requests, requests, 1.96);
    if (low <= WANTED && WANTED <= high) counts.wilson++;
    const { ci95 } = attainmentInterval(judged);
    if (ci95 === null) continue;
    counts.given++;
    if (ci95[0] <= WANTED && WANTED <= ci95[1]) counts.ours++;
    if (ci95[0] > WANTED) counts.above++;
  }
  return {
    mlperf: counts.mlperf / seeds,
    wilson: counts.wilson / seeds,
    ours: counts.given === 0 ? Number.NaN : counts.ours / counts.given,
    given: counts.given / seeds,
    oursAbove: counts.given === 0 ? Number.NaN : counts.above / counts.given,
  };
}

/** Share of runs that MLPerf's loop passes: it looks, asks for as many queries as are missing, and looks again. */
export function passedByLoop(queue: Queue, from: number, seeds: number): number {
  let passed = 0;
  for (let seed = 1; seed <= seeds; seed++) {
    const { latencyS } = queue.requests(seed, LOOP_CAP);
    const { limitS } = queue;
    let queries = from;
    while (queries <= LOOP_CAP) {
      let over = 0;
      for (let i = 0; i < queries; i++) if ((latencyS[i] ?? 0) > limitS) over++;
      const needed = queriesNeeded(over, WANTED);
      if (queries >= needed) {
        passed++;
        break;
      }
      queries = needed;
    }
  }
  return passed / seeds;
}
