import type { RequestRecord } from '../core/record.ts';

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
