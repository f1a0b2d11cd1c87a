import type { RequestRecord } from '../core/record.ts';
import { ITL_QUANTILES, type SloMetric } from '../core/slo.ts';

/**
 * Whether a request is answered: outcome `ok` and at least one token. An `ok` without a token has no latency and misses
 * its SLO.
 */
export function isAnswered(record: RequestRecord): boolean {
  return record.outcome === 'ok' && record.token_times_us.length > 0;
}

/** Whether each token has a time of its own, so that the gaps between them are those that the client saw. */
export function hasKnownGaps({ token_time_source }: RequestRecord): boolean {
  return token_time_source !== 'spread';
}

/** Planned tokens that did not come. */
export function missingOutputTokens({ output_tokens_planned: planned, token_times_us: times }: RequestRecord): number {
  return Math.max(0, (planned ?? 0) - times.length);
}

/** First token - due. Only for an answered request. */
export function ttftUs(record: RequestRecord): number {
  return record.token_times_us[0] ?? Number.NaN;
}

/** (last - first token) / (output tokens - 1); null with one token. Only for an answered request. */
export function tpotUs(record: RequestRecord): number | null {
  const times = record.token_times_us;
  return tpotBetweenUs(ttftUs(record), times[times.length - 1] ?? Number.NaN, times.length);
}

/** TPOT in microseconds from the times of the first and the last of `tokens` tokens; null with one token. */
export function tpotBetweenUs(firstUs: number, lastUs: number, tokens: number): number | null {
  return tokens < 2 ? null : (lastUs - firstUs) / (tokens - 1);
}

/** End - due: the time of the last byte, which comes no earlier than the last token. Only for an answered request. */
export function e2eUs(record: RequestRecord): number {
  const times = record.token_times_us;
  return record.end_us === null ? (times[times.length - 1] ?? Number.NaN) : record.end_us - record.due_us;
}

/**
 * A quantile of the gaps between the tokens of a request, nearest rank, in microseconds; null with one token. Infinity
 * where the times of its tokens are not known each, and the gaps could be anything.
 */
export function itlQuantileUs(record: RequestRecord, quantile: number): number | null {
  const times = record.token_times_us;
  if (times.length < 2) return null;
  if (!hasKnownGaps(record)) return Infinity;
  const gaps = new Float64Array(times.length - 1);
  for (let i = 1; i < times.length; i++) gaps[i - 1] = (times[i] ?? 0) - (times[i - 1] ?? 0);
  return rankedGap(gaps, quantile);
}

/**
 * The gap at a quantile, nearest rank, of `gaps` and so many more of 0 that there are `count`, one at least. Sorts
 * `gaps`.
 */
export function rankedGap(gaps: Float64Array, quantile: number, count = gaps.length): number {
  // A quantile such as 0.95 is no exact double: 0.95 of 20 gaps are 19.
  const rank = Math.max(1, Math.ceil(quantile * count - 1e-9)) - (count - gaps.length);
  return rank < 1 ? 0 : (gaps.sort()[rank - 1] ?? Number.NaN);
}

/** What an SLO limits, in microseconds; 0 where a single token leaves it undefined. Only for an answered request. */
export function sloLatencyUs(record: RequestRecord, metric: SloMetric): number {
  switch (metric) {
    case 'ttft':
      return ttftUs(record);
    case 'tpot':
      return tpotUs(record) ?? 0;
    case 'e2e':
      return e2eUs(record);
    default:
      return itlQuantileUs(record, ITL_QUANTILES[metric]) ?? 0;
  }
}
