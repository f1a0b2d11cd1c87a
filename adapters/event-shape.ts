import { MAX_RESPONSE_TOKENS, parsedOrNull } from './json.ts';

const TEXT_KEYS = ['"text":"', '"content":"'];
const IDS = '"token_ids":[';
const COUNT = '"completion_tokens":';
const TOTAL = '"total_tokens":';
const BACKSLASH = 92;
const COMMA = 44;
const CLOSING_BRACKET = 93;
const DIGIT_0 = 48;

/** A part of an event's JSON in which events of one shape may differ, besides the text: `[from, to)` in characters. */
interface Hole {
  readonly kind: 'ids' | 'count' | 'number';
  readonly from: number;
  readonly to: number;
}

/**
 * What the token events of one stream have in common: their JSON with its text, token ids and counts left out. An event
 * of the same shape need not be parsed, which costs several times as much; `read` returns false for any other event.
 *
 *     {"id":"cmpl-1","choices":[{"text":"<text>","finish_reason":null,"token_ids":[<ids>]}],"usage":{..<count>}}
 */
export class EventShape {
  /** Of the event read last: whether its text is empty, how many token ids it has, its count of tokens so far. */
  isEmpty = false;
  ids: number | null = null;
  count: number | null = null;
  /** Where its token ids begin and end. */
  #idsFrom = 0;
  #idsTo = 0;
  readonly #head: string;
  readonly #holes: readonly Hole['kind'][];
  /** The JSON between the text, the holes and the end. */
  readonly #parts: readonly string[];

  private constructor(head: string, holes: readonly Hole['kind'][], parts: readonly string[]) {
    this.#head = head;
    this.#holes = holes;
    this.#parts = parts;
  }

  /** The shape of an event with a text; null where the text could be read wrongly. */
  static of(data: string): EventShape | null {
    const key = TEXT_KEYS.find((each) => data.includes(each));
    if (key === undefined || data.includes('\\')) return null;
    const from = data.indexOf(key) + key.length;
    const to = data.indexOf('"', from);
    const holes = [list(data), number(data, COUNT, 'count'), number(data, TOTAL, 'number')]
      .filter((hole) => hole !== null)
      .sort((a, b) => a.from - b.from);
    if (data.indexOf(key, from) >= 0 || to <= from) return null;
    if (holes.some((hole) => hole.from < to || hole.to < hole.from)) return null;
    let at = to;
    const parts: string[] = [];
    for (const hole of holes) {
      parts.push(data.slice(at, hole.from));
      at = hole.to;
    }
    return new EventShape(
      data.slice(0, from),
      holes.map(({ kind }) => kind),
      [...parts, data.slice(at)],
    );
  }

  /** The text of an event that was just read. */
  text(data: string): string {
    const text = data.slice(this.#head.length, data.indexOf('"', this.#head.length));
    if (!text.includes('\\')) return text;
    const unescaped = parsedOrNull(`"${text}"`);
    return typeof unescaped === 'string' ? unescaped : text;
  }

  /** The list of token ids of an event that was just read; null where it has none. */
  idList(data: string): unknown {
    return this.ids === null ? null : parsedOrNull(`[${data.slice(this.#idsFrom, this.#idsTo)}]`);
  }

  /** The JSON of an event of this shape with an empty text, no ids and counts of 0. */
  empty(): string {
    return (
      this.#head +
      this.#parts
        .map((part, i) => part + (this.#holes[i] === 'ids' ? '' : '0'))
        .join('')
        .slice(0, -1)
    );
  }

  /** Reads an event into `isEmpty`, `ids` and `count`; false if it is not of this shape. */
  read(data: string): boolean {
    if (!data.startsWith(this.#head)) return false;
    let at = data.indexOf('"', this.#head.length);
    if (at < 0 || data.charCodeAt(at - 1) === BACKSLASH) return false;
    this.isEmpty = at === this.#head.length;
    for (let i = 0; ; i++) {
      const part = this.#parts[i] ?? '';
      if (!data.startsWith(part, at)) return false;
      at += part.length;
      if (i === this.#holes.length) return at === data.length;
      at = this.#holes[i] === 'ids' ? this.#readIds(data, at) : this.#readNumber(data, at, this.#holes[i] === 'count');
      if (this.count !== null && this.count > MAX_RESPONSE_TOKENS) return false;
    }
  }

  #readIds(data: string, from: number): number {
    let at = from;
    let commas = 0;
    for (; at < data.length && data.charCodeAt(at) !== CLOSING_BRACKET; at++)
      if (data.charCodeAt(at) === COMMA) commas++;
    this.ids = at === from ? 0 : commas + 1;
    this.#idsFrom = from;
    this.#idsTo = at;
    return at;
  }

  #readNumber(data: string, from: number, isCount: boolean): number {
    let at = from;
    let value = 0;
    for (; ; at++) {
      const digit = data.charCodeAt(at) - DIGIT_0;
      if (!(digit >= 0 && digit <= 9)) break;
      value = value * 10 + digit;
    }
    if (isCount) this.count = value;
    return at;
  }
}

function list(data: string): Hole | null {
  const from = data.indexOf(IDS) + IDS.length;
  return from < IDS.length ? null : { kind: 'ids', from, to: data.indexOf(']', from) };
}

function number(data: string, key: string, kind: Hole['kind']): Hole | null {
  const from = data.indexOf(key) + key.length;
  if (from < key.length) return null;
  const digits = /^\d+/.exec(data.slice(from, from + 16))?.[0].length ?? -1;
  return { kind, from, to: from + digits };
}
