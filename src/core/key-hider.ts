import { HIDDEN, SHORTEST_KEY } from './secrets.ts';
import { decodedMapped, decodedOnce, mapped, type MappedText } from './mapped-text.ts';

/** Where a text was cut in its middle. */
export const CUT = ' ... ';
/** So many characters of a key, in any coding, are taken for a key that was cut: beside a cut, and at the end of a text. */
const LEAST_BESIDE_CUT = 4;
const LEAST_AT_END = 6;

/** What is escaped in JSON in a URL in JSON is decoded three times. */
const MOST_DECODINGS = 4;
/** Characters that an escape of one may take. */
const LONGEST_ESCAPE = 12;

export interface KeyHider {
  /** A text without keys. */
  hide(text: string): string;
  /**
   * Besides, a short text without what may be a part of a key: at its end, where a longer one was cut before, and beside
   * each `CUT`.
   */
  hideParts(text: string): string;
}

/**
 * Finds keys of 8 characters and more in their usual codings: as they are, in another case, in hexadecimal, as decimal
 * bytes, in base64 and base64url wherever they begin in it (of UTF-16 too), escaped as in JSON, HTML or a URL, and each of
 * these with anything but letters and digits in between, such as a line end. To be made once for the keys; a text without
 * any then costs two passes.
 */
export function keyHider(keys: readonly string[]): KeyHider {
  const needles = distinct([...new Set(keys)].filter((key) => key.length >= SHORTEST_KEY).flatMap(needlesOf));
  const shortest = Math.min(...needles.map(({ text }) => text.length));
  return {
    hide: (text) => (text.length < shortest ? text : withoutWhole(text, needles)),
    hideParts: (text) => (needles.length === 0 ? text : withoutParts(text, needles)),
  };
}

/** A key in one coding, as it is found among the characters of a text that are kept. */
interface Needle {
  readonly text: string;
  readonly kept: Kept;
  /** In base64 its first and last bits share a character with what stands around it. */
  readonly sharesEnds: boolean;
}

/** Letters and digits are told apart from a key's signs wherever there are enough of them. */
type Kept = 'letters and digits' | 'all but spaces and quotes';

const LEFT_OUT: Readonly<Record<Kept, RegExp>> = {
  'letters and digits': /[^a-zA-Z0-9]+/g,
  'all but spaces and quotes': /[\s\p{Cc}\p{Cf}"'\\]+/gu,
};

const IS_KEPT: Readonly<Record<Kept, (text: string, at: number) => boolean>> = {
  'letters and digits': (text, at) => isLetterOrDigit(text.charCodeAt(at)),
  'all but spaces and quotes': (text, at) => !/[\s\p{Cc}\p{Cf}"'\\]/u.test(text[at] ?? ''),
};

function isLetterOrDigit(code: number): boolean {
  return (code >= 48 && code <= 57) || (code >= 97 && code <= 122) || (code >= 65 && code <= 90);
}

function needlesOf(key: string): Needle[] {
  const needle = (text: string, kept: Kept, sharesEnds = false): Needle => ({
    text: keptOf(text, kept),
    kept,
    sharesEnds,
  });
  const plain = needle(key, 'letters and digits');
  const codings = [Buffer.from(key), Buffer.from(key, 'latin1'), Buffer.from(key, 'utf16le')].flatMap((bytes) => [
    needle(bytes.toString('hex'), 'letters and digits'),
    needle([...bytes].join(' '), 'letters and digits'),
    needle(inSource(bytes, 2), 'letters and digits'),
    ...[0, 1, 2].map((offset) => needle(base64Within(bytes, offset), 'letters and digits', true)),
  ]);
  const units = Array.from({ length: key.length }, (_, i) => key.charCodeAt(i));
  // What looks like an escape in a key is resolved with those that it was written in.
  const resolved = decodedOnce(key);
  const all = [
    // Of a key of signs little is left.
    plain.text.length >= SHORTEST_KEY ? plain : needle(key, 'all but spaces and quotes'),
    ...(resolved === key ? [] : [needle(resolved, 'all but spaces and quotes')]),
    needle(inSource(units, 4), 'letters and digits'),
    ...codings,
  ];
  return all.filter(({ text }) => text.length >= LEAST_AT_END);
}

/** As programs write bytes, `0x73, 0x6b`, and 16-bit units, `0x0073`. */
function inSource(numbers: Iterable<number>, digits: number): string {
  return Array.from(numbers, (number) => `0x${number.toString(16).padStart(digits, '0')}`).join();
}

function distinct(needles: readonly Needle[]): Needle[] {
  return [...new Map(needles.map((needle) => [`${needle.kept} ${needle.text}`, needle])).values()];
}

/** The characters of the base64 of bytes that depend neither on the `offset` bytes before them nor on those behind. */
function base64Within(bytes: Buffer, offset: number): string {
  const all = Buffer.concat([Buffer.alloc(offset), bytes]);
  return all.toString('base64').slice(Math.ceil((offset * 8) / 6), Math.floor((all.length * 8) / 6));
}

function keptOf(text: string, kept: Kept): string {
  return lowered(text.replaceAll(LEFT_OUT[kept], ''));
}

/** Of ASCII alone: no text gets longer by it. */
const lowered = (text: string): string => text.replaceAll(/[A-Z]+/g, (upper) => upper.toLowerCase());

function withoutWhole(text: string, needles: readonly Needle[]): string {
  let shown = text;
  let decoded = text;
  for (let level = 0; level <= MOST_DECODINGS; level++) {
    // Again where a key is spread over more than the one that was found.
    for (let left = found(decoded, needles); left.length > 0; left = found(decoded, needles)) {
      const hidden = replaced(shown, spansIn(shown, level, left));
      // Where its place cannot be told nothing of the text is shown.
      if (hidden === shown) return HIDDEN;
      shown = hidden;
      decoded = decodedTimes(shown, level);
    }
    const next = decodedOnce(decoded);
    if (next === decoded) break;
    decoded = next;
  }
  return shown;
}

function found(text: string, needles: readonly Needle[]): Needle[] {
  const streams = new Map<Kept, string>();
  return needles.filter(({ text: needle, kept }) => {
    const stream = streams.get(kept) ?? keptOf(text, kept);
    streams.set(kept, stream);
    return stream.includes(needle);
  });
}

function decodedTimes(text: string, times: number): string {
  return times === 0 ? text : decodedTimes(decodedOnce(text), times - 1);
}

type Span = readonly [from: number, to: number];

/** Long texts are searched for the places of keys by windows, each with the end of the one before. */
const WINDOW = 2 ** 16;
const OVERLAP = 2 ** 14;

/** Where the keys stand in a text, in what it is when it is decoded so often. */
function spansIn(text: string, level: number, needles: readonly Needle[]): Span[] {
  const spans: Span[] = [];
  for (let start = 0; start < text.length; start += WINDOW - OVERLAP) {
    const window = text.slice(start, start + WINDOW);
    const inWindow = found(decodedTimes(window, level), needles);
    for (const [from, to] of spansInWindow(window, level, inWindow)) spans.push([start + from, start + to]);
  }
  // A key that is spread wider than windows overlap.
  return spans.length > 0 ? spans : spansInWindow(text, level, needles);
}

function spansInWindow(text: string, level: number, needles: readonly Needle[]): Span[] {
  if (needles.length === 0) return [];
  const decoded = mappedTimes(text, level);
  return needles.flatMap(({ text: needle, kept, sharesEnds }) => {
    const stream = keptMapped(decoded, kept);
    const spans: Span[] = [];
    for (let at = stream.text.indexOf(needle); at >= 0; at = stream.text.indexOf(needle, at + 1)) {
      const span = spanOf(stream, at, at + needle.length);
      spans.push(sharesEnds ? widened(text, span) : span);
    }
    return spans;
  });
}

function mappedTimes(text: string, times: number): MappedText {
  let all = mapped(text);
  for (let i = 0; i < times; i++) all = decodedMapped(all);
  return all;
}

function keptMapped({ text, from, to }: MappedText, kept: Kept): MappedText {
  const isKept = IS_KEPT[kept];
  const [starts, ends] = [new Uint32Array(text.length), new Uint32Array(text.length)];
  let stream = '';
  for (let i = 0; i < text.length; i++) {
    if (!isKept(text, i)) continue;
    starts[stream.length] = from[i] ?? 0;
    ends[stream.length] = to[i] ?? 0;
    stream += text[i];
  }
  return { text: lowered(stream), from: starts, to: ends };
}

function spanOf({ from, to }: MappedText, first: number, end: number): Span {
  return [from[first] ?? 0, to[end - 1] ?? 0];
}

/** With what base64 stands beside it: a group of four at most. */
function widened(text: string, [first, last]: Span): Span {
  let [from, to] = [first, last];
  while (from > first - 4 && /[\w+/=-]/.test(text[from - 1] ?? '')) from--;
  while (to < last + 4 && /[\w+/=-]/.test(text[to] ?? '')) to++;
  return [from, to];
}

/** Spans that overlap are hidden as one. */
function replaced(text: string, spans: readonly Span[]): string {
  let shown = '';
  let at = 0;
  for (const [from, to] of spans.toSorted(([a], [b]) => a - b)) {
    if (from >= at) shown += text.slice(at, from) + HIDDEN;
    at = Math.max(at, to);
  }
  return shown + text.slice(at);
}

/** Without the beginning of a key before a cut and at the end, and without the end of one behind a cut. */
function withoutParts(text: string, needles: readonly Needle[]): string {
  const pieces = text.split(CUT);
  return pieces
    .map((piece, i) => {
      const isLast = i === pieces.length - 1;
      const headless = i === 0 ? piece : withoutPart(piece, needles, 'head', LEAST_BESIDE_CUT);
      return withoutPart(headless, needles, 'tail', isLast ? LEAST_AT_END : LEAST_BESIDE_CUT);
    })
    .join(CUT);
}

/** What a cut leaves of an escape. */
const CUT_ESCAPE = {
  head: /^[\da-fux;{}]{1,5}(?=[\\%&])/i,
  tail: /(?:\\+(?:u\{?[\da-f]{0,3}|x[\da-f]?|[0-7]{0,2})|%(?:[\da-f]|u[\da-f]{0,3})?|&#?x?\d{0,3}|0x[\da-f]?)$/i,
} as const;

function withoutPart(text: string, needles: readonly Needle[], side: keyof typeof CUT_ESCAPE, least: number): string {
  const reach = LONGEST_ESCAPE * Math.max(...needles.map(({ text: needle }) => needle.length));
  const near = side === 'head' ? text.slice(0, reach) : text.slice(-reach);
  const [rest = ''] = CUT_ESCAPE[side].exec(near) ?? [];
  const whole = side === 'head' ? near.slice(rest.length) : near.slice(0, near.length - rest.length);
  const most = Math.max(
    partOf(near, needles, side, least),
    rest === '' ? 0 : partOf(whole, needles, side, least, rest.length),
  );
  if (most === 0) return text;
  return side === 'head' ? HIDDEN + text.slice(most) : text.slice(0, text.length - most) + HIDDEN;
}

/** How many characters of a text, from its side on and with `rest` beside it, are a part of a key. */
function partOf(
  text: string,
  needles: readonly Needle[],
  side: keyof typeof CUT_ESCAPE,
  least: number,
  rest = 0,
): number {
  let most = 0;
  let decoded = mapped(text);
  for (let level = 0; level <= MOST_DECODINGS; level++) {
    for (const kept of new Set(needles.map((needle) => needle.kept))) {
      const stream = keptMapped(decoded, kept);
      const parts = needles
        .filter((needle) => needle.kept === kept)
        .map((needle) => partIn(stream.text, needle.text, side === 'head', least));
      const part = Math.max(0, ...parts);
      if (part === 0) continue;
      const end = stream.text.length;
      const [from, to] = side === 'head' ? spanOf(stream, 0, part) : spanOf(stream, end - part, end);
      most = Math.max(most, rest + (side === 'head' ? to : text.length - from));
    }
    const next = decodedMapped(decoded);
    if (next.text === decoded.text) break;
    decoded = next;
  }
  return most;
}

/** How many characters at the head of a text end a needle, or at its tail begin one; 0: fewer than `least`. */
function partIn(text: string, needle: string, isHead: boolean, least: number): number {
  for (let length = Math.min(needle.length - 1, text.length); length >= least; length--)
    if (isHead ? needle.endsWith(text.slice(0, length)) : text.endsWith(needle.slice(0, length))) return length;
  return 0;
}
