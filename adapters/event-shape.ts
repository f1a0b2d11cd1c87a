import { MAX_RESPONSE_TOKENS, parsedOrNull } from './json.ts';

const TEXT_KEYS = ['"text":"', '"content":"'];
const IDS = '"token_ids":[';
const ID_START = '{"id":"';
const CREATED = '"created":';
const NUMBERS = [
  ['count', '"completion_tokens":'],
  ['prompt', '"prompt_tokens":'],
  ['number', '"total_tokens":'],
] as const;
const [LF, CR, QUOTE, COMMA, BACKSLASH, CLOSING_BRACKET, DIGIT_0] = [10, 13, 34, 44, 92, 93, 48];
/** More digits are no count. */
const MAX_DIGITS = 15;

/** Shapes that are kept for other streams: servers send one, and some a second for reasoning. */
const MAX_SHARED = 4;

type NumberKind = 'count' | 'prompt' | 'number' | 'date';

/**
 * A part of an event's JSON in which events of one shape may differ. `text` and `name` (an id) are strings without their
 * quotes, `ids` a list without its brackets, the others whole numbers.
 */
interface Hole {
  readonly kind: 'text' | 'name' | 'ids' | NumberKind;
  readonly from: number;
  readonly to: number;
}

/**
 * What token events have in common: their JSON with its text, id, date, token ids and counts left out. An event of the
 * same shape need not be parsed, nor made a string, which costs several times as much; `read` returns -1 for any other
 * event. Streams share their shapes, so that those of a thousand streams are one in the processor's cache.
 *
 *     {"id":"<name>","created":<date>,"choices":[{"text":"<text>","finish_reason":null,"token_ids":[<ids>]}]}
 */
export class EventShape {
  /** Of the event read last: whether its text is empty, how many token ids it has, its counts; null: it has none. */
  isEmpty = false;
  ids: number | null = null;
  count: number | null = null;
  prompt: number | null = null;
  readonly #kinds: readonly Hole['kind'][];
  /** The JSON around the holes, one part behind the other, and where each ends. */
  readonly #fixed: Buffer;
  readonly #words: DataView;
  readonly #ends: readonly number[];
  #textFrom = 0;
  #textTo = 0;
  #idsFrom = 0;
  #idsTo = 0;

  private constructor(data: string, holes: readonly Hole[]) {
    this.#kinds = holes.map(({ kind }) => kind);
    const starts = [0, ...holes.map(({ to }) => to)];
    const parts = starts.map((start, i) => data.slice(start, holes[i]?.from));
    let end = 0;
    this.#ends = parts.map((part) => (end += Buffer.byteLength(part)));
    this.#fixed = Buffer.from(parts.join(''));
    this.#words = new DataView(this.#fixed.buffer, this.#fixed.byteOffset, this.#fixed.length);
  }

  /** The shape of an event with a text; null where the text could be read wrongly. */
  static of(data: string): EventShape | null {
    const key = TEXT_KEYS.find((each) => data.includes(each));
    if (key === undefined || data.includes('\\')) return null;
    const from = data.indexOf(key) + key.length;
    const to = data.indexOf('"', from);
    if (data.indexOf(key, from) >= 0 || to <= from) return null;
    const holes = [
      nameOf(data),
      createdOf(data, from),
      { kind: 'text', from, to } as const,
      listOf(data),
      ...NUMBERS.map(([kind, of]) => numberOf(data, of, kind)),
    ]
      .filter((hole) => hole !== null)
      .sort((a, b) => a.from - b.from);
    let at = 0;
    for (const hole of holes) {
      const isBefore = hole.kind === 'name' || hole.kind === 'date';
      if (hole.from < at || hole.to < hole.from || (hole.from < from && !isBefore)) return null;
      at = hole.to;
    }
    return new EventShape(data, holes);
  }

  /** The text of the event that was read last, out of its bytes. */
  text(bytes: Buffer): string {
    return bytes.toString('utf8', this.#textFrom, this.#textTo);
  }

  /** The same as its JSON means it. */
  unescapedText(bytes: Buffer): string {
    const text = this.text(bytes);
    if (!text.includes('\\')) return text;
    const unescaped = parsedOrNull(`"${text}"`);
    return typeof unescaped === 'string' ? unescaped : text;
  }

  /** The list of token ids of the event that was read last, out of its bytes; null where it has none. */
  idList(bytes: Buffer): unknown {
    return this.ids === null ? null : parsedOrNull(`[${bytes.toString('latin1', this.#idsFrom, this.#idsTo)}]`);
  }

  /** The JSON of an event of this shape with an empty text and id, no token ids, and counts of 0. */
  empty(): string {
    let json = '';
    let at = 0;
    this.#ends.forEach((end, i) => {
      const kind = this.#kinds[i] ?? 'text';
      const isNumber = kind !== 'text' && kind !== 'name' && kind !== 'ids';
      json += this.#fixed.toString('utf8', at, end) + (isNumber ? '0' : '');
      at = end;
    });
    return json;
  }

  /**
   * Reads the event at `from` into `isEmpty` and the counts. Returns the position behind it; -1 if what lies before `to`
   * does not begin with an event of this shape.
   */
  read(bytes: Buffer, from: number, to: number): number {
    const words = wordsOf(bytes);
    const fixed = this.#words;
    let at = from;
    let k = 0;
    for (let i = 0; ; i++) {
      const end = this.#ends[i] ?? 0;
      if (to - at < end - k) return -1;
      // Eight bytes at a time, as numbers: JSON has no byte 0 or 255, so that none is NaN or -0 but by a DEL, which fails.
      for (; k + 8 <= end; k += 8, at += 8) if (words.getFloat64(at, true) !== fixed.getFloat64(k, true)) return -1;
      for (; k < end; k++, at++) if (words.getInt8(at) !== fixed.getInt8(k)) return -1;
      const kind = this.#kinds[i];
      if (kind === undefined) return at;
      const start = at;
      if (kind === 'text' || kind === 'name') at = endOfString(bytes, at, to);
      else if (kind === 'ids') at = this.#readIds(bytes, at, to);
      else at = this.#readNumber(bytes, at, to, kind);
      if (at < 0) return -1;
      if (kind !== 'text') continue;
      this.isEmpty = at === start;
      this.#textFrom = start;
      this.#textTo = at;
    }
  }

  #readIds(bytes: Buffer, from: number, to: number): number {
    let at = from;
    let commas = 0;
    for (; at < to; at++) {
      const code = bytes[at];
      if (code === CLOSING_BRACKET) break;
      if (code === COMMA) commas++;
      else if (code === LF || code === CR) return -1;
    }
    this.ids = at === from ? 0 : commas + 1;
    this.#idsFrom = from;
    this.#idsTo = at;
    return at;
  }

  #readNumber(bytes: Buffer, from: number, to: number, kind: NumberKind): number {
    let at = from;
    let value = 0;
    for (; at < to; at++) {
      const digit = (bytes[at] ?? 0) - DIGIT_0;
      if (!(digit >= 0 && digit <= 9)) break;
      value = value * 10 + digit;
    }
    if (at === from || at - from > MAX_DIGITS) return -1;
    if (kind === 'count') {
      if (value > MAX_RESPONSE_TOKENS) return -1;
      this.count = value;
    } else if (kind === 'prompt') this.prompt = value;
    return at;
  }
}

/** The shapes of streams that came before, with what the caller knows of each. */
export class SharedShapes<T> {
  readonly #known: { readonly shape: EventShape; readonly of: T }[] = [];

  find(isRight: (shape: EventShape) => boolean): { readonly shape: EventShape; readonly of: T } | undefined {
    return this.#known.find(({ shape }) => isRight(shape));
  }

  add(shape: EventShape, of: T): void {
    this.#known.unshift({ shape, of });
    this.#known.length = Math.min(this.#known.length, MAX_SHARED);
  }
}

/** The position of the quote that ends a string; -1 where that, or what the string holds, needs a parser. */
function endOfString(bytes: Buffer, from: number, to: number): number {
  for (let at = from; at < to; at++) {
    const code = bytes[at];
    if (code === QUOTE) return bytes[at - 1] === BACKSLASH ? -1 : at;
    if (code === LF || code === CR) return -1;
  }
  return -1;
}

/** The bytes that were read last, as words: they nearly always lie in the one buffer that all sockets share. */
let lastWords: DataView = new DataView(new ArrayBuffer(0));
let lastBuffer: ArrayBufferLike = lastWords.buffer;
let lastOffset = 0;

function wordsOf(bytes: Buffer): DataView {
  if (bytes.buffer !== lastBuffer || bytes.byteOffset !== lastOffset) {
    lastBuffer = bytes.buffer;
    lastOffset = bytes.byteOffset;
    lastWords = new DataView(bytes.buffer, bytes.byteOffset);
  }
  return lastWords;
}

/** The id at the very front of an event, where nothing else can be. */
function nameOf(data: string): Hole | null {
  if (!data.startsWith(ID_START)) return null;
  return { kind: 'name', from: ID_START.length, to: data.indexOf('"', ID_START.length) };
}

/** The date, where it stands before any other object or list. */
function createdOf(data: string, before: number): Hole | null {
  const hole = numberOf(data, CREATED, 'date');
  return hole === null || hole.from > before || /[[{]/.test(data.slice(1, hole.from)) ? null : hole;
}

function listOf(data: string): Hole | null {
  const from = data.indexOf(IDS) + IDS.length;
  return from < IDS.length ? null : { kind: 'ids', from, to: data.indexOf(']', from) };
}

function numberOf(data: string, key: string, kind: NumberKind): Hole | null {
  const from = data.indexOf(key) + key.length;
  if (from < key.length) return null;
  const digits = /^\d+/.exec(data.slice(from, from + 16))?.[0].length ?? -1;
  return { kind, from, to: from + digits };
}
