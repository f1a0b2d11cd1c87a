import { ascendingOrder } from '../../src/metrics/ascending-order.ts';
import type { Concurrency } from '../../src/metrics/concurrency.ts';
import { keepOnly } from '../../src/metrics/keep-only.ts';
import { release } from '../../src/core/release.ts';
import { follows } from './follows.ts';
import { type HeatMap, heatMap } from './heat.ts';
import type { LatencyRequests } from './latency-requests.ts';

/** A latency by a value that it may depend on, failed requests too. */
export interface LatencyMap extends HeatMap {
  /** Failed requests of which that value is not known: in no column. */
  readonly failed_unplaced: number;
  /** Answered requests in no column: without the latency, or of an unknown value. */
  readonly not_drawn: number;
  /** The latency follows the value from one step in time to the next, which a trend that both share over the run does not do. */
  readonly follows: boolean;
}

export interface LatencyMaps {
  /** TTFT by planned input tokens. */
  readonly ttft_by_input: LatencyMap;
  /** TPOT by the mean number in flight between the first and the last token, the request included; of a failed request, when it was sent. */
  readonly tpot_by_concurrency: LatencyMap;
}

/** Requests in flight change slowly: they are compared by groups of at least so many requests... */
const LEAST_GROUP = 5;
/** ... of which a run has at most so many. */
const GROUPS = 120;

/** Latencies with the values that they may depend on. `inFlight`: of all requests of the run. */
export function latencyMaps(requests: LatencyRequests, inFlight: Concurrency): LatencyMaps {
  return {
    ttft_by_input: ttftByInput(requests),
    tpot_by_concurrency: tpotByConcurrency(requests, inFlight),
  };
}

function ttftByInput(requests: LatencyRequests): LatencyMap {
  const failed = requests.failedInputTokens();
  const map = mapOf(requests.dueUs(), requests.inputTokens(), requests.ttftUs(), failed, () => 1);
  return { ...map, failed_unplaced: requests.failed - failed.length, not_drawn: requests.answered - map.requests };
}

function tpotByConcurrency(requests: LatencyRequests, inFlight: Concurrency): LatencyMap {
  const mean = inFlight.means();
  const [due, ttft, last, tpot] = [requests.dueUs(), requests.ttftUs(), requests.lastUs(), requests.tpotUs()];
  const concurrency = tpot.map((us, i) => {
    const first = (due[i] ?? 0) + (ttft[i] ?? 0);
    return us > 0 ? mean(first, last[i] ?? first) : Number.NaN;
  });
  release(ttft, last);
  // A refusal can be too short to be in flight itself.
  const failed = requests.failedSentUs().map((sent) => Math.max(1, mean(sent, sent + 1)));
  const map = mapOf(due, concurrency, tpot, failed, (drawn) => Math.max(LEAST_GROUP, Math.floor(drawn / GROUPS)));
  return { ...map, failed_unplaced: requests.failed - failed.length, not_drawn: requests.answered - map.requests };
}

type Column = Float64Array<ArrayBuffer>;

/** A map of the requests whose `xs` is known, with `groupOf` so many; takes the columns, which are gone afterwards. */
function mapOf(
  dueUs: Column,
  xs: Column,
  ys: Column,
  failedXs: Column,
  groupOf: (drawn: number) => number,
): HeatMap & Pick<LatencyMap, 'follows'> {
  const order = ascendingOrder(dueUs);
  release(dueUs);
  const drawn = keepOnly(order, (i) => !Number.isNaN(xs[i]));
  const [x, y] = [new Float64Array(drawn.length), new Float64Array(drawn.length)];
  for (let i = 0; i < drawn.length; i++) [x[i], y[i]] = [xs[drawn[i] ?? 0] ?? 0, ys[drawn[i] ?? 0] ?? 0];
  release(drawn, xs, ys);
  const map = { ...heatMap(x, y, failedXs), follows: follows(x, y, groupOf(x.length)) };
  release(x, y);
  return map;
}
