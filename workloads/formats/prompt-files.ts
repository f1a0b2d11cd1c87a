import type { JsonObject, Prompt, Request } from '../../src/core/request.ts';
import { bodyRequest, isBody, usageIn } from './bodies.ts';
import { isJsonObject, messagesIn, objectIn, shapingParams } from './body-params.ts';
import { namesOf } from './column-names.ts';
import { turnsOf } from './conversations.ts';
import { csvAsJson } from './csv-as-json.ts';
import { cellsOf } from './csv-rows.ts';
import { cellText, FieldError, quoted, type Format, type RowContext } from './format.ts';
import { given } from './given.ts';
import { jsonLines, jsonNotes, keysOf, nameText, noObject, type JsonLine } from './json-lines.ts';
import { absoluteTimeToUs } from './fields.ts';
import { farTime } from './faults.ts';
import { tableForm } from './table-form.ts';
import type { TextTokens } from './text-tokens.ts';
import { afterTurn, asLength, estimated, lengthIn, messagesTokens, outputLength, tokensOf } from './texts.ts';
import { rowId } from '../row-id.ts';

const INPUTS = ['prompt_tokens_count', 'prompt_tokens', 'input_tokens'];
const OUTPUTS = ['output_tokens', 'output_tokens_count', 'output_len', 'max_tokens', 'max_completion_tokens'];
const LENGTHS = [...INPUTS, ...OUTPUTS];

/** Whether the first rows have keys, and none that says when a request came. */
const isWithoutTimes =
  (wanted: (keys: readonly string[]) => boolean) =>
  (head: string, rows: readonly string[]): boolean =>
    [head, ...rows.slice(0, 20)].some((line) => {
      const keys = keysOf(line);
      return wanted(keys) && namesOf('time', keys).length === 0;
    });

/** The custom sets of vLLM's benchmark and GuideLLM's, CSV too: a prompt a row, and perhaps its lengths; no times. */
export const prompts: Format = {
  name: 'prompts',
  begins: '{"prompt":...,"output_tokens":...}',
  starts: 'none',
  hasTexts: true,
  matches: (head, rows) => isWithoutTimes(hasPrompt)(head, rows) || isCsvOfPrompts(head),
  notes: (_, keys) => unusedNotes(keys, ['prompt', ...LENGTHS]),
  read: (text, rows) =>
    objectRows(csvAsJson(text, rows, LENGTHS), rows, ['prompt', ...LENGTHS], function* ({ object }) {
      yield promptRequest(object, rows);
    }),
};

function promptRequest(object: JsonObject, rows: RowContext): Omit<Request, 'id' | 'traceRow'> {
  const tokens = tokensOf(rows);
  const found = promptIn(object['prompt']);
  const counted = INPUTS.map((name) => lengthIn(object[name])).find((length) => length !== undefined);
  return {
    dueUs: 0,
    inputTokens: counted ?? asLength(tokensIn(found, tokens)),
    outputTokens: outputLength(rows, ...OUTPUTS.map((name) => object[name])),
    prompt: found,
    ...(counted === undefined && found.kind !== 'ids' ? estimated(tokens) : {}),
    ...given({ model: nameText.safeParse(object['model']).data, params: shapingParams(object) }),
  };
}

/** Keys of the rows that are not sent: all but those of lengths and of fields that shape an answer. */
function unusedNotes(keys: ReadonlySet<string>, used: readonly string[]): string[] {
  const left = [...keys].filter((key) => shapingParams({ [key]: 0 }) === undefined);
  return jsonNotes(new Set(left), [...used, 'model']);
}

function hasPrompt(keys: readonly string[]): boolean {
  return keys.includes('prompt');
}

function isCsvOfPrompts(head: string): boolean {
  const form = tableForm(head);
  const columns = form.kind === 'csv' ? cellsOf(head, form.delimiter) : [];
  return hasPrompt(columns) && namesOf('time', columns).length === 0;
}

function tokensIn(prompt: Prompt, tokens: TextTokens): number {
  if (prompt.kind === 'text') return tokens.count(prompt.text);
  return prompt.kind === 'ids' ? prompt.ids.length : messagesTokens(prompt.messages, tokens);
}

/** A text, token ids or messages. Throws a FieldError. */
function promptIn(value: unknown): Prompt {
  if (typeof value === 'string' && value.trim() !== '') return { kind: 'text', text: value };
  const messages = messagesIn(value);
  if (messages !== undefined) return { kind: 'messages', messages };
  const list: readonly unknown[] = Array.isArray(value) ? value : [];
  const ids = list.filter((id) => typeof id === 'number').filter((id) => Number.isSafeInteger(id) && id >= 0);
  if (ids.length > 0 && ids.length === list.length) return { kind: 'ids', ids };
  throw new FieldError(`prompt is ${quoted(value)}, expected a text, a list of token ids, or a list of messages`);
}

const MESSAGES = ['messages', 'prompt', 'tools', ...OUTPUTS];

/**
 * Messages of chats: SGLang's `openai` set and AIPerf's raw payloads, a body a row, whose fields that shape the answer are
 * sent too, be some bodies those of completions. Where the last message is an answer, the row is a conversation and each of its answers a request.
 */
export const chatMessages: Format = {
  name: 'messages',
  begins: '{"messages":[{"role":"user","content":...}],"max_tokens":...}',
  starts: 'none',
  hasTexts: true,
  matches: isWithoutTimes((keys) => keys.includes('messages')),
  notes: (_, keys) => unusedNotes(keys, MESSAGES),
  read: (text, rows) =>
    objectRows(text, rows, MESSAGES, function* ({ object, line }) {
      const messages = messagesIn(object['messages']);
      if (messages === undefined && object['messages'] === undefined && object['prompt'] !== undefined) {
        yield promptRequest(object, rows);
        return;
      }
      if (messages === undefined)
        throw new FieldError(`messages is ${quoted(object['messages'])}, expected a list of messages with roles`);
      const tokens = tokensOf(rows);
      const params = shapingParams(object);
      const more = given({ model: nameText.safeParse(object['model']).data, params });
      if (messages.at(-1)?.['role'] === 'assistant') {
        for (const turn of turnsOf(messages, rows, line))
          yield { dueUs: 0, ...turn, session: `conversation-${line}`, ...more };
        return;
      }
      const inTools = params?.['tools'] === undefined ? 0 : tokens.count(JSON.stringify(params['tools']));
      yield {
        dueUs: 0,
        inputTokens: asLength(messagesTokens(messages, tokens) + inTools),
        outputTokens: outputLength(rows, ...OUTPUTS.map((name) => object[name])),
        prompt: { kind: 'messages', messages },
        ...estimated(tokens),
        ...more,
      };
    }),
};

/** All sessions may be one object. */
const MOST_INPUTS_BYTES = 2 ** 28;

/** AIPerf's `inputs.json`: sessions of bodies, in order and without times. */
export const aiperfInputs: Format = {
  name: 'aiperf-inputs',
  begins: '{"data":[{"session_id":...,"payloads":[{...}]}]}',
  starts: 'none',
  hasTexts: true,
  mostRowBytes: MOST_INPUTS_BYTES,
  matches: (head) => /"payloads"\s*:/.test(head) && /"session_id"\s*:/.test(head),
  notes: (_, keys) => jsonNotes(keys, ['data', 'session_id', 'payloads']),
  read: (text, rows) =>
    objectRows(text, rows, ['data', 'session_id', 'payloads'], function* ({ object, line }) {
      const sessions = Array.isArray(object['data']) ? object['data'] : [object];
      for (const [i, session] of sessions.entries()) {
        const payloads = isJsonObject(session) ? session['payloads'] : undefined;
        if (!isJsonObject(session) || !Array.isArray(payloads))
          throw new FieldError(`payloads is ${quoted(payloads)}, expected a list of bodies`);
        const name = nameText.safeParse(session['session_id']).data ?? `session-${line}-${i}`;
        for (const [turn, body] of payloads.entries()) {
          if (!isBody(body))
            throw new FieldError(`payloads[${turn}] is ${quoted(body)}, expected a body with messages or prompt`);
          yield { dueUs: 0, session: name, turn, ...bodyRequest(body, null, rows) };
        }
      }
    }),
};

/** SageMaker's data capture: a request's body and its answer as texts, and when it was captured, to the second. */
export const sageMaker: Format = {
  name: 'sagemaker',
  begins: '{"captureData":{"endpointInput":{"data":...},...},"eventMetadata":{"inferenceTime":...}}',
  hasTexts: true,
  matches: (head) => keysOf(head).includes('captureData'),
  notes: (_, keys) => jsonNotes(keys, ['captureData', 'eventMetadata', 'eventVersion']),
  read(text, rows) {
    let firstUs: number | null = null;
    return objectRows(text, rows, ['captureData', 'eventMetadata'], function* ({ object }) {
      const side = (name: string): unknown => {
        const found = objectIn(object['captureData'])?.[name];
        return objectIn(isJsonObject(found) ? found['data'] : undefined);
      };
      const metadata = objectIn(object['eventMetadata']);
      const timeUs = absoluteTimeToUs('inferenceTime', cellText(metadata?.['inferenceTime']));
      const body = side('endpointInput');
      if (!isBody(body))
        throw new FieldError(`endpointInput.data is ${quoted(body)}, expected a body with messages or prompt, as JSON`);
      const far = farTime('inferenceTime', timeUs, (firstUs ??= timeUs));
      if (far !== null) throw new FieldError(far);
      yield { dueUs: timeUs - firstUs, ...bodyRequest(body, usageIn(side('endpointOutput')), rows) };
    });
  },
};

interface ObjectRow {
  readonly line: number;
  readonly object: JsonObject;
}

/** Requests of rows that are objects; `read` throws a FieldError for a row that is none. */
async function* objectRows(
  text: AsyncIterable<string>,
  rows: RowContext,
  used: readonly string[],
  read: (row: ObjectRow) => Iterable<Omit<Request, 'id' | 'traceRow'>>,
): AsyncGenerator<Request> {
  let seq = 0;
  for await (const lines of jsonLines(text, rows, new Set(used)))
    for (const found of lines) {
      const row = rowOf(found);
      if (row === null) {
        rows.bad(noObject(found, used.slice(0, 3).join(', ')));
        continue;
      }
      try {
        for (const request of read(row)) {
          const after = afterTurn(request, rowId(seq - 1));
          yield { id: rowId(seq++), traceRow: row.line, ...request, ...after };
        }
      } catch (thrown) {
        if (!(thrown instanceof FieldError)) throw thrown;
        rows.bad({ line: row.line, column: null, message: thrown.message });
      }
    }
}

function rowOf({ line, value }: JsonLine): ObjectRow | null {
  return isJsonObject(value) ? { line, object: value } : null;
}
