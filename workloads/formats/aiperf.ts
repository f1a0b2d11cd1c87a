import { z } from 'zod';
import type { JsonObject, MediaItem, Prompt, Request } from '../../src/core/request.ts';
import { LargeMap } from '../large-map.ts';
import { bodyRequest } from './bodies.ts';
import { LENGTH_EXPECTED, MOST_US } from './faults.ts';
import { FieldError, type Format, type RowContext } from './format.ts';
import { given } from './given.ts';
import {
  fieldFault,
  jsonNotes,
  jsonRows,
  keysOf,
  length,
  nameText,
  TEXT_EXPECTED,
  type FieldExpectation,
} from './json-lines.ts';
import { sessionGroups } from './session-groups.ts';
import { SessionTimes } from './session-times.ts';
import { asLength, estimated, messagesTokens, outputLength, tokensOf } from './texts.ts';
import { rowId } from '../row-id.ts';

const ms = z
  .number()
  .nonnegative()
  .max(MOST_US / 1000);
const object = z.record(z.string(), z.json());
const texts = z.array(z.union([z.string(), z.object({ contents: z.array(z.string()) })]));
const turnFields = z.object({
  text: z.string().nullish(),
  texts: texts.nullish(),
  text_input: z.string().nullish(),
  input_length: length.nullish(),
  messages: z.array(object).min(1).nullish(),
  message_mode: z.enum(['history', 'delta']).nullish(),
  tools: z.array(z.json()).nullish(),
  payload: object.nullish(),
  image: z.string().nullish(),
  images: texts.nullish(),
  image_uuids: z.array(z.string()).nullish(),
  audio: z.string().nullish(),
  audios: texts.nullish(),
  video: z.string().nullish(),
  videos: texts.nullish(),
  role: nameText.nullish(),
  timestamp: ms.nullish(),
  delay: ms.nullish(),
  output_length: z.int().positive().nullish(),
  extra: object.nullish(),
});
type Turn = z.infer<typeof turnFields>;
const TEXT = { expected: 'a text' };
const TEXTS = { expected: 'a list of texts, or of objects with contents' };
const OBJECT = { expected: 'an object' };
const TURN: Readonly<Record<keyof Turn, FieldExpectation>> = {
  text: TEXT,
  texts: TEXTS,
  text_input: TEXT,
  input_length: { kind: 'length', expected: LENGTH_EXPECTED },
  messages: { expected: 'a list of messages' },
  message_mode: { expected: '"history" or "delta"' },
  tools: { expected: 'a list of tools' },
  payload: OBJECT,
  image: TEXT,
  images: TEXTS,
  image_uuids: { expected: 'a list of texts' },
  audio: TEXT,
  audios: TEXTS,
  video: TEXT,
  videos: TEXTS,
  role: { expected: TEXT_EXPECTED },
  timestamp: { kind: 'time', expected: 'milliseconds from the start of the trace' },
  delay: { expected: 'milliseconds from the end of the answer before, from 0' },
  output_length: { expected: 'a whole number of tokens from 1' },
  extra: OBJECT,
};

const row = turnFields.extend({
  session_id: z.union([nameText, z.int()]).nullish(),
  turns: z.array(z.unknown()).min(1).nullish(),
});
const FIELDS: Readonly<Record<keyof z.infer<typeof row>, FieldExpectation>> = {
  ...TURN,
  session_id: { expected: `${TEXT_EXPECTED}, or a whole number` },
  turns: { expected: 'a list of turns' },
};

const CONTENTS = ['text', 'texts', 'text_input', 'messages', 'payload', 'image', 'images', 'audios', 'videos'];
const OF_AIPERF = ['timestamp', 'delay', 'output_length', 'session_id', 'message_mode', 'texts', 'text_input'];
const TIMES = /"timestamp"\s*:/;
/** Rows with dates are a log of another program. */
const DATES = /"timestamp"\s*:\s*"\d{4}-\d\d-\d\d/;

/**
 * AIPerf's sets of prompts that have texts, messages or bodies: `single_turn`, `multi_turn` (a session a row) and those of
 * `mooncake_trace`; times in ms, a `delay` from the end of the answer before. The turns of `multi_turn`, texts in a
 * session of Mooncake's kind, and messages of `message_mode` delta, are what is new in the prompt; rows of `single_turn`
 * are whole prompts, sent one after another where they share a session.
 */
export const aiperf: Format = {
  name: 'aiperf',
  begins: '{"session_id":"...","turns":[{"text":"...","timestamp":0},{"text":"...","delay":...}]}',
  hasTexts: true,
  matches: (head, rows) => isLike(head) && [head, ...rows].some((line) => TIMES.test(line)),
  notes: (_, keys) => jsonNotes(keys, Object.keys(FIELDS)),
  read: (text, rows) => readAiperf(text, rows, true),
};

/** The same without timestamps; holds the file where rows have sessions. */
export const aiperfUntimed: Format = {
  name: 'aiperf-untimed',
  begins: '{"text":"...","output_length":...}',
  starts: 'none',
  hasTexts: true,
  matches: (head, rows) => isLike(head) && ![head, ...rows].some((line) => TIMES.test(line)),
  notes: (_, keys) => jsonNotes(keys, Object.keys(FIELDS)),
  read: (text, rows) => sessionGroups(readAiperf(text, rows, false)),
};

function isLike(head: string): boolean {
  const keys = keysOf(head);
  if (DATES.test(head)) return false;
  if (keys.includes('text') && keys.every((key) => key === 'type' || Object.hasOwn(FIELDS, key))) return true;
  if (keys.includes('turns')) return /"turns"\s*:\s*\[\s*\{/.test(head);
  return keys.some((key) => CONTENTS.includes(key)) && keys.some((key) => OF_AIPERF.includes(key));
}

interface LastTurn {
  readonly id: string;
  readonly dueUs: number;
  readonly turn: number;
  readonly tokens: number;
}

async function* readAiperf(text: AsyncIterable<string>, rows: RowContext, isTimed: boolean): AsyncGenerator<Request> {
  const lasts = new LargeMap<string, LastTurn>();
  const times = new SessionTimes(isTimed, rows);
  let seq = 0;
  for await (const { line, row: found } of jsonRows(text, rows, row, FIELDS)) {
    const { turns } = found;
    const named = found.session_id ?? null;
    const session = named === null ? (turns ? `session-${line}` : undefined) : String(named);
    for (const [i, item] of (turns ?? [found]).entries())
      try {
        const turn = turns ? turnOf(item, i) : found;
        const last = session === undefined ? undefined : lasts.get(session);
        const isNew = turns ? true : turn.message_mode === 'delta' || isOfMooncake(turn);
        const content = contentOf(turn, rows);
        const dueUs = times.due(turn, last);
        if (typeof dueUs === 'string') throw new FieldError(dueUs);
        const { inputTokens: own, ...more } = content;
        const hasHistory = isNew && last !== undefined;
        const request: Request = {
          id: rowId(seq++),
          traceRow: line,
          dueUs,
          inputTokens: asLength(hasHistory ? last.tokens + own : own),
          ...more,
          ...given({
            session,
            turn: session === undefined ? null : (last?.turn ?? -1) + 1,
            newTokens: hasHistory ? own : null,
            after: times.after(turn, last),
          }),
        };
        if (session !== undefined)
          lasts.set(session, {
            id: request.id,
            dueUs,
            turn: request.turn ?? 0,
            tokens: request.inputTokens + request.outputTokens,
          });
        yield request;
      } catch (thrown) {
        if (!(thrown instanceof FieldError)) throw thrown;
        rows.bad({ line, column: null, message: thrown.message });
      }
  }
}

/** Whether a turn has what is new in its session, as Mooncake's sessions do. */
function isOfMooncake({ text_input: text, input_length: tokens }: Turn): boolean {
  return typeof text === 'string' || typeof tokens === 'number';
}

function turnOf(item: unknown, i: number): Turn {
  const found = turnFields.safeParse(item);
  if (found.success) return found.data;
  throw new FieldError(fieldFault(found.error, item, TURN, `turns[${i}].`));
}

type Content = Pick<
  Request,
  'inputTokens' | 'outputTokens' | 'prompt' | 'payload' | 'params' | 'media' | 'isEstimated' | 'model'
>;

/** What a turn sends. Throws a FieldError for one that sends nothing. */
function contentOf(turn: Turn, rows: RowContext): Content {
  if (turn.payload) return bodyRequest(turn.payload, null, rows);
  if (typeof turn.input_length === 'number')
    return { inputTokens: turn.input_length, outputTokens: outputLength(rows, turn.output_length) };
  const tokens = tokensOf(rows);
  const prompt = promptOf(turn);
  const media = mediaOf(turn);
  if (prompt === null && media.length === 0)
    throw new FieldError(`the turn sends nothing, expected ${CONTENTS.slice(0, 5).join(', ')}, or an image`);
  const tools = turn.tools ? { tools: turn.tools } : null;
  const inTools = tools === null ? 0 : tokens.count(JSON.stringify(tools.tools));
  const inPrompt =
    prompt?.kind === 'text'
      ? tokens.count(prompt.text)
      : prompt?.kind === 'messages'
        ? messagesTokens(prompt.messages, tokens)
        : 0;
  const params: JsonObject = { ...turn.extra, ...tools };
  return {
    inputTokens: asLength(inPrompt + inTools),
    outputTokens: outputLength(rows, turn.output_length),
    ...given({
      prompt,
      media: media.length === 0 ? null : media,
      params: Object.keys(params).length === 0 ? null : params,
    }),
    ...estimated(tokens),
  };
}

function promptOf({ text, texts: several, text_input: input, messages, role }: Turn): Prompt | null {
  if (messages) return { kind: 'messages', messages };
  const all = [...(text ? [text] : []), ...(input ? [input] : []), ...contents(several)];
  if (all.length === 0) return null;
  const content = all.join('\n');
  return role ? { kind: 'messages', messages: [{ role, content }] } : { kind: 'text', text: content };
}

function mediaOf({ image, images, image_uuids: ids, audio, audios, video, videos }: Turn): MediaItem[] {
  const items = (kind: MediaItem['kind'], one: string | null | undefined, several: Turn['texts']): MediaItem[] =>
    [...(one ? [one] : []), ...contents(several)].map((ref) => (ref === '' ? { kind } : { kind, ref }));
  const named = images ? [] : (ids ?? []).map((ref): MediaItem => ({ kind: 'image', ref }));
  return [
    ...items('image', image, images),
    ...named,
    ...items('audio', audio, audios),
    ...items('video', video, videos),
  ];
}

function contents(several: Turn['texts']): string[] {
  return (several ?? []).flatMap((item) => (typeof item === 'string' ? [item] : item.contents));
}
