import type { RequestRecord } from '../core/record.ts';

/** Whether a request got its answer. One that ended well without a token did not: it has no latency, and misses its SLO. */
export function isAnswered(record: RequestRecord): boolean {
  return record.outcome === 'ok' && record.token_times_us.length > 0;
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

/** The same from the times of the first and the last of so many tokens. */
export function tpotBetweenUs(firstUs: number, lastUs: number, tokens: number): number | null {
  return tokens < 2 ? null : (lastUs - firstUs) / (tokens - 1);
}

/** End - due: the last byte, which comes no earlier than the last token. Only for an answered request. */
export function e2eUs(record: RequestRecord): number {
  const times = record.token_times_us;
  return record.end_us === null ? (times[times.length - 1] ?? Number.NaN) : record.end_us - record.due_us;
}
