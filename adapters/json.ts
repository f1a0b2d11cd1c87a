import type { Phases } from '../src/core/record.ts';

export type Json = Readonly<Record<string, unknown>>;

/** Narrowing of parsed JSON by hand: in the token path a schema library costs more than the parse. */
export function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Far deeper than any answer, and far from where functions that call themselves run out of stack. */
const MAX_DEPTH = 1000;

/** Parses JSON of a server. Throws a SyntaxError for what is none, and for what is nested deeper than 1,000 levels. */
export function parseJson(text: string): unknown {
  if (text.length > 2 * MAX_DEPTH && depthOf(text) > MAX_DEPTH)
    throw new SyntaxError(`it is nested deeper than ${MAX_DEPTH} levels`);
  return JSON.parse(text);
}

/** The same; null for what is none. */
export function parsedOrNull(text: string): unknown {
  try {
    return parseJson(text);
  } catch {
    return null;
  }
}

const [QUOTE, BACKSLASH] = [34, 92];

function depthOf(text: string): number {
  let [depth, deepest] = [0, 0];
  let isInString = false;
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === QUOTE) isInString = !isInString;
    else if (isInString) at += code === BACKSLASH ? 1 : 0;
    else if (isOneOf(code, '[{')) deepest = Math.max(deepest, ++depth);
    else if (isOneOf(code, ']}')) depth--;
  }
  return deepest;
}

const isOneOf = (code: number, pair: string): boolean => code === pair.charCodeAt(0) || code === pair.charCodeAt(1);

/** No prompt or response has more tokens: a larger count is a fault of the server. */
export const MAX_RESPONSE_TOKENS = 2 ** 24;

/** A count of tokens at `key`; null where there is none. */
export function tokensAt(value: unknown, key: string): number | null {
  const found = numberAt(value, key);
  return found === null || found > MAX_RESPONSE_TOKENS ? null : found;
}

/** The largest count that a record holds. */
const MAX_CLAIM = 2 ** 31 - 1;

/** A count that a server only claims, which may be anything; null where there is none. */
export function claimAt(value: unknown, key: string): number | null {
  const found = isObject(value) ? value[key] : null;
  return typeof found === 'number' && Number.isInteger(found) && found >= 0 ? Math.min(found, MAX_CLAIM) : null;
}

/** A whole number from 0 at `key`; null where there is none. */
function numberAt(value: unknown, key: string): number | null {
  const found = isObject(value) ? value[key] : null;
  return typeof found === 'number' && Number.isSafeInteger(found) && found >= 0 ? found : null;
}

export function textAt(value: unknown, key: string): string | null {
  const found = isObject(value) ? value[key] : null;
  return typeof found === 'string' ? found : null;
}

/** Where a request spent its time, which only the reference engine reports, at the end of a response; else null. */
export function phasesOf(value: unknown): Phases | null {
  if (!isObject(value)) return null;
  return {
    prefill_queue_us: numberAt(value, 'prefill_queue_us'),
    prefill_us: numberAt(value, 'prefill_us'),
    transfer_us: numberAt(value, 'transfer_us'),
    decode_queue_us: numberAt(value, 'decode_queue_us'),
    decode_us: numberAt(value, 'decode_us'),
  };
}
