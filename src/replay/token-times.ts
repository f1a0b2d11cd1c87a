import type { TokenCountSource } from '../core/record.ts';
import type { ResponseInfo } from '../core/target.ts';

/** Of an event with text. */
export const TEXT = 1;
/** Of an event with text in a field that may be output, or say something about it. */
export const UNKNOWN_TEXT = 2;

/** The events of one response. */
export interface TokenEvents {
  readonly times: Float64Array;
  /** The number of tokens that each carried, as they were counted when it came (0: perhaps none). */
  readonly counts: Uint32Array;
  /** TEXT, UNKNOWN_TEXT or 0. */
  readonly texts: Uint8Array;
  readonly events: number;
}

/** The tokens of one response. */
export interface SettledTokens {
  /** One per token that came, as whole microseconds from the due time, never decreasing. */
  readonly times: Float64Array;
  readonly source: TokenCountSource | null;
  /** Tokens that the server counted and never sent; null: none. */
  readonly hidden: number | null;
  /** The server's own count where it is not that of `times` and `hidden`; else null. */
  readonly reported: number | null;
}

/** Finish reasons of answers that ended by themselves. */
const STOPPED = /^(stop|eos|eos_token|end_turn)$/;
/** How many times as many tokens an event has as others where a count is not believed. */
const JUMP = 2;

/** What was seen of a response, before the server's own count is heard. */
interface Seen {
  readonly source: TokenCountSource | null;
  /** Tokens as the events were counted. */
  readonly tokens: number;
  readonly texts: number;
  /** Tokens up to the first text. */
  readonly first: number;
  /** Tokens that can have been sent. */
  readonly atMost: number;
  readonly events: number;
  /** Whether the answer stopped by itself, and yet the server counts just what was asked for, where it would be cut. */
  readonly stopsAtAsked: boolean;
}

/**
 * The tokens of a response and their times. What came is the measure of what the server says: a response has at least
 * as many tokens as texts, and at most what was asked for or came, so that nothing is allocated by a number that a
 * server only says. Token ids beat its usage. A usage within these bounds settles a response that was counted by chunks
 * or usage; one beyond them counts nothing and is kept as `reported`.
 *
 * Where usage and events agree, every event holds its counted tokens. Where usage says more, the first events without
 * text behind the first with text are tokens too, if there are enough of them (a last empty event only marks the end);
 * else the tokens are spread evenly over the events with text. Where none had text, no ids came and usage did not grow
 * from event to event, an event holds one token at most: more, at the time of the end, would be no measurement. An empty event before
 * the first text rather opens the answer: as a token it would be TTFT.
 */
export function settleTokenTimes(
  reported: TokenEvents,
  asked: number,
  dueUs: number,
  response: ResponseInfo | null,
): SettledTokens {
  const events = { ...reported, texts: knownTexts(reported, response) };
  const seen = see(events, asked, response);
  const said = countSaid(seen, response);
  const { tokens, hidden } = judge(seen, said, response);
  // Counts of usage hold for as many tokens as they counted, or more.
  const byTexts = seen.source === 'chunks' || tokens < seen.tokens;
  const times = spreadOrExpand(events, byTexts ? events.texts : events.counts, tokens, dueUs);
  const isSettled = seen.source === 'chunks' && said !== null && tokens + hidden === said;
  const claim = response?.outputTokens ?? null;
  return {
    times,
    source: times.length === 0 ? null : isSettled ? 'usage' : seen.source,
    hidden: hidden === 0 ? null : hidden,
    reported: claim === null || (said ?? 0) === times.length + hidden ? null : claim,
  };
}

/**
 * TEXT or 0 of each event. Unknown texts are output where the server's count has room for them besides the others, and
 * where there is no such count; a single one beside others is rather an id or a name than a token.
 */
function knownTexts({ texts, events }: TokenEvents, response: ResponseInfo | null): Uint8Array {
  let known = 0;
  let unknown = 0;
  for (let i = 0; i < events; i++) {
    if (texts[i] === TEXT) known++;
    if (texts[i] === UNKNOWN_TEXT) unknown++;
  }
  if (unknown === 0) return texts;
  const count = response?.outputTokens ?? null;
  const hasRoom = count === null || Math.max(count, response?.outputTokensByTotal ?? 0) >= known + unknown;
  const areOutput = hasRoom && (unknown > 1 || (known === 0 && count !== null));
  return texts.map((text) => (text === UNKNOWN_TEXT ? (areOutput ? TEXT : 0) : text));
}

function see({ counts, texts, events }: TokenEvents, asked: number, response: ResponseInfo | null): Seen {
  let counted = 0;
  let withText = 0;
  let first = 0;
  let growing = 0;
  let last = 0;
  let mostBefore = 0;
  for (let i = 0; i < events; i++) {
    counted += counts[i] ?? 0;
    if (counts[i] !== 0) {
      growing++;
      mostBefore = Math.max(mostBefore, last);
      last = counts[i] ?? 0;
    }
    withText += texts[i] ?? 0;
    if (first === 0 && texts[i] === 1) first = counted;
  }
  const source = response?.countSource ?? (events > 0 ? 'chunks' : null);
  const atMost = Math.max(asked, withText);
  const stopsAtAsked = response?.outputTokens === asked && STOPPED.test(response.finishReason ?? '');
  const jumpsAtEnd = stopsAtAsked && growing > 1 && last > JUMP * mostBefore;
  const isGrowing = withText > 0 ? !jumpsAtEnd : growing > 1;
  const isWithin = source === 'token_ids' || (source === 'usage' && counted <= atMost && isGrowing);
  const isCounted = isWithin && counted >= withText;
  return isCounted
    ? { source, tokens: counted, texts: withText, first, atMost, events, stopsAtAsked }
    : {
        source: source === null ? null : 'chunks',
        tokens: withText,
        texts: withText,
        first: 1,
        atMost,
        events,
        stopsAtAsked,
      };
}

/**
 * The server's own count; null where there is none, or one of nothing. Some leave reasoning out of it and not out of
 * the total.
 */
function countSaid({ texts }: Seen, response: ResponseInfo | null): number | null {
  const count = response?.outputTokens ?? null;
  const byTotal = response?.outputTokensByTotal ?? null;
  if (count === null) return null;
  if (byTotal !== null && byTotal > count) {
    const isWithoutReasoning = count < texts ? byTotal >= texts : byTotal - count === response?.reasoningTokens;
    if (isWithoutReasoning) return byTotal;
  }
  return count === 0 ? null : count;
}

function judge(
  { source, tokens, texts, first, atMost, events, stopsAtAsked }: Seen,
  said: number | null,
  response: ResponseInfo | null,
): { tokens: number; hidden: number } {
  if (said === null) return { tokens, hidden: 0 };
  const reasoning = hiddenReasoning(said, texts, response);
  if (source === 'token_ids') return { tokens, hidden: Math.max(0, Math.min(reasoning, said - tokens)) };
  // A running count has hidden tokens before its first text.
  const hidden = source === 'usage' && first <= reasoning ? 0 : reasoning;
  const sent = Math.max(texts, said - hidden);
  const isUnseen = texts === 0 && tokens === 0 && sent > events;
  // The server repeats what was asked for, rather than to count.
  const isRepeated = stopsAtAsked && source === 'chunks' && sent > events && sent >= JUMP * texts;
  if (said < texts || sent > atMost || isUnseen || isRepeated) return { tokens, hidden: 0 };
  return { tokens: sent, hidden: said - sent };
}

/** How many times as many tokens an event of reasoning has as another where most of the reasoning is not sent. */
const SUMMARY_RATIO = 3;

/**
 * Reasoning tokens that were counted and not sent: all of them where no text was reasoning, and those beyond its events
 * where these have far more tokens each than the other events, because they hold a summary. A server that merges tokens
 * merges those of the answer too.
 */
function hiddenReasoning(said: number, texts: number, response: ResponseInfo | null): number {
  const reasoning = response?.reasoningTokens ?? 0;
  const shown = response?.reasoningTexts ?? null;
  if (shown === null || shown === 0) return shown === null ? 0 : reasoning;
  const others = texts - shown;
  if (others <= 0 || said <= reasoning) return 0;
  return reasoning / shown > (SUMMARY_RATIO * (said - reasoning)) / others ? reasoning - shown : 0;
}

/** `counts`: the tokens of each event. */
function spreadOrExpand(seen: TokenEvents, counts: Counts, tokens: number, dueUs: number): Float64Array {
  let counted = 0;
  let first = 0;
  let empty = 0;
  for (let i = 0; i < seen.events; i++) {
    if (counted === 0 && counts[i] !== 0) {
      first = i;
      empty = 0;
    }
    counted += counts[i] ?? 0;
    if (counts[i] === 0) empty++;
  }
  const fits = tokens >= counted && tokens <= counted + empty;
  return fits
    ? expand(seen, counts, { tokens, missing: tokens - counted, first }, dueUs)
    : spread(seen, counts, tokens, dueUs);
}

type Counts = Uint32Array | Uint8Array;

/** `missing`: tokens beyond the counted ones; `first`: the first event that has any, or the first of all. */
interface Expansion {
  readonly tokens: number;
  readonly missing: number;
  readonly first: number;
}

/** Each event has its counted tokens; the missing ones are the first events without any from `first` on. */
function expand({ times, events }: TokenEvents, counts: Counts, to: Expansion, dueUs: number): Float64Array {
  const expanded = new Float64Array(to.tokens);
  let emptyTokens = to.missing;
  let at = 0;
  for (let i = to.first; i < events; i++) {
    const count = counts[i] === 0 && emptyTokens-- > 0 ? 1 : (counts[i] ?? 0);
    const time = Math.round((times[i] ?? 0) - dueUs);
    for (let k = 0; k < count; k++) expanded[at++] = time;
  }
  return expanded;
}

/**
 * Token k of n belongs to event floor(k * events / n): with cumulative rounding, events differ by at most one token.
 */
function spread({ times, events }: TokenEvents, counts: Counts, tokens: number, dueUs: number): Float64Array {
  const at: number[] = [];
  for (let i = 0; i < events; i++) if ((counts[i] ?? 0) > 0) at.push(i);
  if (at.length === 0) for (let i = 0; i < events; i++) at.push(i);
  const spreadOut = new Float64Array(at.length === 0 ? 0 : tokens);
  for (let k = 0; k < spreadOut.length; k++) {
    const event = at[Math.floor((k * at.length) / tokens)] ?? 0;
    spreadOut[k] = Math.round((times[event] ?? 0) - dueUs);
  }
  return spreadOut;
}
