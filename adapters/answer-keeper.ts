import type { Json as CoreJson, JsonObject } from '../src/core/request.ts';
import type { Answer } from '../src/core/target.ts';
import { isObject, textAt, type Json } from './json.ts';

/** Longest answer that is kept: characters of its text and tool calls, and four of each token id. */
const MOST_KEPT = 4 * 1024 ** 2;
const CHARACTERS_OF_AN_ID = 4;
/** What a tool call counts for beside its texts. */
const CHARACTERS_OF_A_CALL = 64;

/** Keeps what the events of one response say of the answer, piece by piece, up to a bound. */
export class AnswerKeeper {
  #text = '';
  #ids: number[] = [];
  /** Whether what came as ids is ids. */
  #hasIds = true;
  /** Events hold what is new, where they might hold all so far. */
  #isPiecewise = false;
  readonly #calls = new Map<unknown, JsonObject>();
  #lastCall: unknown = null;
  #kept = 0;
  #isCut = false;

  /** What is new of text and ids. */
  add(text: string, ids: unknown): void {
    this.#addText(text);
    this.#addIds(ids);
  }

  /** The choice of an event of OpenAI's routes: a delta, a whole message in its place, or a text. */
  addChoice(choice: Json): void {
    const delta = [choice['delta'], choice['message']].find(isObject);
    this.add(delta === undefined ? (textAt(choice, 'text') ?? '') : contentIn(delta), choice['token_ids']);
    const calls = delta?.['tool_calls'];
    if (Array.isArray(calls)) for (const call of calls) if (isObject(call)) this.#addCall(call);
  }

  /**
   * The text and ids of an event that has all of both so far, or what is new of them; `tokens`: how many there are so
   * far, where it says so.
   */
  addSoFar(text: string, ids: unknown, tokens: number | null): void {
    const hasNewIds = Array.isArray(ids) && tokens !== null && ids.length < tokens;
    if (hasNewIds || !text.startsWith(this.#text)) this.#isPiecewise = true;
    const newIds = Array.isArray(ids) && !hasNewIds ? ids.slice(this.#ids.length) : ids;
    this.add(this.#isPiecewise ? text : text.slice(this.#text.length), newIds);
  }

  /** `tokens`: of the whole answer; ids are those of all of them, or none. Its texts are well-formed. */
  answer(tokens: number): Answer {
    return {
      text: this.#text.toWellFormed(),
      ids: this.#hasIds && tokens > 0 && this.#ids.length === tokens ? this.#ids : null,
      toolCalls: [...this.#calls.values()].map(wellFormed),
      isCut: this.#isCut,
    };
  }

  #addText(text: string): void {
    this.#text += this.#fitting(text);
  }

  #addIds(ids: unknown): void {
    if (!Array.isArray(ids)) return;
    for (const id of ids) {
      if (typeof id !== 'number' || !Number.isSafeInteger(id) || id < 0) this.#hasIds = false;
      else if (this.#take(CHARACTERS_OF_AN_ID)) this.#ids.push(id);
    }
  }

  /** The pieces of a call have its index; where they have none, its id begins a new one. */
  #addCall({ index, ...piece }: Json): void {
    const key = index ?? piece['id'] ?? this.#lastCall ?? 0;
    this.#lastCall = key;
    const before = this.#calls.get(key);
    if (before === undefined && !this.#take(CHARACTERS_OF_A_CALL)) return;
    this.#calls.set(key, this.#joined(before ?? {}, piece));
  }

  /** Arguments and inputs come in pieces; names, ids and types whole, some servers with every piece. */
  #joined(before: JsonObject, piece: Json): JsonObject {
    const fields = Object.entries(piece).flatMap(([key, value]): [string, CoreJson][] => {
      const old = before[key];
      if (old === undefined && !this.#take(key.length)) return [];
      if (typeof value === 'string' && typeof old === 'string' && IN_PIECES.test(key))
        return [[key, old + this.#fitting(value)]];
      if (isObject(value)) return [[key, this.#joined(isJsonObject(old) ? old : {}, value)]];
      if (old !== undefined && old !== null && old !== '') return [];
      return isScalar(value) ? [[key, typeof value === 'string' ? this.#fitting(value) : value]] : [];
    });
    return { ...before, ...Object.fromEntries(fields) };
  }

  #fitting(text: string): string {
    const room = MOST_KEPT - this.#kept;
    if (text.length <= room) {
      this.#kept += text.length;
      return text;
    }
    this.#isCut = true;
    this.#kept = MOST_KEPT;
    return text.slice(0, room);
  }

  #take(characters: number): boolean {
    if (this.#kept + characters <= MOST_KEPT) this.#kept += characters;
    else this.#isCut = true;
    return !this.#isCut;
  }
}

/** Fields of a tool call whose texts come in pieces. */
const IN_PIECES = /^(arguments|input)$/;

/** The text of a delta, as one string or as parts; reasoning is no part of it. */
function contentIn(delta: Json): string {
  const content = delta['content'];
  if (typeof content === 'string') return content;
  if (!Array.isArray(content)) return textAt(delta, 'refusal') ?? '';
  const parts: readonly unknown[] = content;
  return parts
    .map((part) => (REASONING_PART.test(textAt(part, 'type') ?? '') ? '' : (textAt(part, 'text') ?? '')))
    .join('');
}

const REASONING_PART = /reason|think|thought/;

/** Half of a surrogate pair is no text that a server could read again. */
function wellFormed(call: JsonObject): JsonObject {
  return Object.fromEntries(
    Object.entries(call).map(([key, value]) => {
      if (typeof value === 'string') return [key, value.toWellFormed()];
      return [key, isJsonObject(value) ? wellFormed(value) : value];
    }),
  );
}

function isScalar(value: unknown): value is string | number | boolean | null {
  return value === null || ['string', 'number', 'boolean'].includes(typeof value);
}

function isJsonObject(value: CoreJson | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
