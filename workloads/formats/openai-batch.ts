import type { JsonObject, Request } from '../../src/core/request.ts';
import { bodyRequest, isBody, usageIn, type Usage } from './bodies.ts';
import { isJsonObject } from './body-params.ts';
import { cellText, quoted, type Format, type RowContext } from './format.ts';
import { jsonLines, jsonNotes, keysOf, nameText, noObject, TEXT_EXPECTED } from './json-lines.ts';

const USED = ['custom_id', 'method', 'url', 'body', 'id', 'response', 'error'];

/** Bodies may have images within them. */
const MOST_ROW_BYTES = 2 ** 26;

/**
 * OpenAI's batch files: bodies without times, sent as they are. Where the lines of the output file stand in the same text
 * (both files in one folder, or one behind the other), its usage gives the lengths; the order of lines is free, so that
 * all of a batch, 200 MB at most, is held.
 */
export const openAiBatch: Format = {
  name: 'openai-batch',
  begins: '{"custom_id":...,"method":"POST","url":"/v1/chat/completions","body":{...}}',
  starts: 'none',
  hasTexts: true,
  mostRowBytes: MOST_ROW_BYTES,
  matches: (head, rows) =>
    [head, ...rows.slice(0, 20)].some((line) => {
      const keys = keysOf(line);
      return keys.includes('custom_id') && (keys.includes('body') || keys.includes('response'));
    }),
  notes: (_, keys) => jsonNotes(keys, USED),
  read,
};

interface Input {
  readonly line: number;
  readonly body: JsonObject;
}

interface Output {
  readonly line: number;
  readonly usage: Usage | null;
  readonly hasFailed: boolean;
}

async function* read(text: AsyncIterable<string>, rows: RowContext): AsyncGenerator<Request> {
  const inputs = new Map<string, Input>();
  const outputs = new Map<string, Output>();
  for await (const lines of jsonLines(text, rows, new Set(USED)))
    for (const found of lines) {
      const { line, value } = found;
      const bad = (message: string): void => rows.bad({ line, column: null, message });
      if (!isJsonObject(value)) {
        rows.bad(noObject(found, 'custom_id, url, body'));
        continue;
      }
      const id = nameText.safeParse(value['custom_id']).data;
      if (id === undefined) bad(`custom_id is ${quoted(value['custom_id'])}, expected ${TEXT_EXPECTED}`);
      else if ('response' in value || 'error' in value) outputs.set(id, { line, ...outputOf(value) });
      else if (inputs.has(id))
        bad(`duplicate_id: custom_id ${quoted(id)} stands in an earlier row too, expected unique ids`);
      else if (isOther(value['url'])) rows.leftOut?.({ line, reason: `url ${cellText(value['url']).slice(0, 60)}` });
      else if (isBody(value['body'])) inputs.set(id, { line, body: value['body'] });
      else
        bad(`body is ${quoted(value['body'])}, expected the body of a chat or a completion, with messages or prompt`);
    }
  for (const [id, { line, body }] of inputs) {
    const output = outputs.get(id);
    yield {
      id,
      traceRow: line,
      dueUs: 0,
      ...bodyRequest(body, output?.usage ?? null, rows),
      ...(output?.hasFailed === true ? { source: { failed: true } } : {}),
    };
  }
  for (const [id, { line }] of outputs)
    if (!inputs.has(id))
      rows.leftOut?.({
        line,
        reason: 'an answer without its request: put the input file of the batch into one folder with it',
      });
}

/** Other routes than those of chats and completions: embeddings, responses, moderations. */
function isOther(url: unknown): boolean {
  return typeof url === 'string' && !/\/(?:chat\/)?completions$/.test(url);
}

function outputOf({ response, error }: JsonObject): Omit<Output, 'line'> {
  const status = isJsonObject(response) ? response['status_code'] : null;
  return {
    usage: isJsonObject(response) ? usageIn(response['body']) : null,
    hasFailed: status !== 200 || (error !== null && error !== undefined),
  };
}
