import type { TokenCountSource } from '../core/record.ts';
import type { ResponseInfo } from '../core/target.ts';

/** The events of one response: the time of each, and the number of tokens that it carried (0: perhaps none). */
export interface TokenEvents {
  readonly times: Float64Array;
  readonly counts: Uint32Array;
  readonly events: number;
}

/**
 * One time per token, as whole microseconds from `dueUs`, never decreasing, and as many as the server's final usage
 * reports, if that is not 0. Where usage and events agree, every event holds its counted tokens. Where usage reports
 * more, the first events with empty text are tokens too, if there are enough of them (a last empty event only marks the
 * end); else the tokens are spread evenly over the events with text (over all events if none had text).
 */
export function settleTokenTimes(
  seen: TokenEvents,
  dueUs: number,
  response: ResponseInfo | null,
): { times: Float64Array; source: TokenCountSource | null } {
  let counted = 0;
  let empty = 0;
  for (let i = 0; i < seen.events; i++) {
    counted += seen.counts[i] ?? 0;
    if (seen.counts[i] === 0) empty++;
  }
  const source = response?.countSource ?? (seen.events > 0 ? 'chunks' : null);
  const tokens = response?.outputTokens || counted;
  const isSettled = tokens !== counted || (source === 'chunks' && response?.outputTokens === counted);
  const fits = tokens >= counted && tokens <= counted + empty;
  return {
    times: fits ? expand(seen, tokens, dueUs) : spread(seen, tokens, counted > 0, dueUs),
    source: tokens === 0 ? null : isSettled ? 'usage' : source,
  };
}

/** Each event has its counted tokens; tokens beyond their sum are the first events with empty text. */
function expand(seen: TokenEvents, tokens: number, dueUs: number): Float64Array {
  const times = new Float64Array(tokens);
  let emptyTokens = tokens;
  for (let i = 0; i < seen.events; i++) emptyTokens -= seen.counts[i] ?? 0;
  let at = 0;
  for (let i = 0; i < seen.events; i++) {
    const count = seen.counts[i] === 0 && emptyTokens-- > 0 ? 1 : (seen.counts[i] ?? 0);
    const time = Math.round((seen.times[i] ?? 0) - dueUs);
    for (let k = 0; k < count; k++) times[at++] = time;
  }
  return times;
}

/**
 * Token k of n belongs to event floor(k * events / n): with cumulative rounding, events differ by at most one token.
 */
function spread(seen: TokenEvents, tokens: number, onlyText: boolean, dueUs: number): Float64Array {
  const at: number[] = [];
  for (let i = 0; i < seen.events; i++) if (!onlyText || (seen.counts[i] ?? 0) > 0) at.push(i);
  const times = new Float64Array(at.length === 0 ? 0 : tokens);
  for (let k = 0; k < times.length; k++) {
    const event = at[Math.floor((k * at.length) / tokens)] ?? 0;
    times[k] = Math.round((seen.times[event] ?? 0) - dueUs);
  }
  return times;
}
