import { z } from 'zod';
import type { Request } from '../../src/core/request.ts';
import type { Format, RowContext } from './format.ts';

const BATCH = 1024;
const length = z.int().min(1);
const header = z.looseObject({ reprise_trace: z.literal(1) });
const row = z.looseObject({
  id: z.string().min(1).optional(),
  seq: z.int().nonnegative().optional(),
  t_us: z.int().nonnegative(),
  input_tokens: length,
  output_tokens: length,
  blocks: z.array(z.int().nonnegative()).optional(),
  session: z.string().nullish(),
  turn: z.int().nonnegative().optional(),
  class: z.string().nullish(),
  model: z.string().nullish(),
});

/** Reprise's own: JSON Lines, a header line and one record a request (`.rtrace.jsonl`). */
export const native: Format = {
  name: 'rtrace',
  begins: '{"reprise_trace":1,...}',
  matches: (head) => header.safeParse(parseJson(head)).success,
  read: readNative,
};

async function* readNative(text: AsyncIterable<string>, rows: RowContext): AsyncGenerator<readonly Request[]> {
  const seen = new Set<string>();
  let batch: Request[] = [];
  let line = 0;
  let seq = 0;
  for await (const content of lines(text)) {
    line++;
    if (line === 1 || content.trim() === '') continue;
    const request = readRow(content, line, seq, rows);
    if (request === null) continue;
    seq++;
    if (seen.has(request.id)) {
      rows.bad({
        line,
        column: null,
        message: `duplicate_id: id "${request.id}" stands in an earlier row too, expected unique ids`,
      });
      continue;
    }
    seen.add(request.id);
    batch.push(request);
    if (batch.length < BATCH) continue;
    yield batch;
    batch = [];
  }
  if (batch.length > 0) yield batch;
}

function readRow(content: string, line: number, seq: number, rows: RowContext): Request | null {
  const found = row.safeParse(parseJson(content));
  if (!found.success) {
    rows.bad({ line, column: null, message: describe(found.error, content) });
    return null;
  }
  const { id, t_us, input_tokens, output_tokens, session, turn, blocks, model } = found.data;
  const sloClass = found.data.class;
  return {
    id: id ?? `r${found.data.seq ?? seq}`,
    traceRow: line,
    dueUs: t_us,
    inputTokens: input_tokens,
    outputTokens: output_tokens,
    ...(session === null || session === undefined ? {} : { session }),
    ...(turn === undefined ? {} : { turn }),
    ...(sloClass === null || sloClass === undefined ? {} : { sloClass }),
    ...(model === null || model === undefined ? {} : { model }),
    ...(blocks === undefined ? {} : { blocks }),
  };
}

function describe(error: z.ZodError, content: string): string {
  const issue = error.issues[0];
  if (parseJson(content) === undefined) return `the line is not JSON: ${content.slice(0, 80)}`;
  const field = issue?.path.join('.') ?? '';
  return field === ''
    ? `the line is "${content.slice(0, 80)}", expected an object with t_us, input_tokens, output_tokens`
    : `${field}: ${issue?.message ?? ''}`;
}

/** The value, or undefined when it is not JSON. */
function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

async function* lines(text: AsyncIterable<string>): AsyncGenerator<string> {
  let rest = '';
  for await (const chunk of text) {
    const parts = (rest + chunk).split('\n');
    rest = parts.pop() ?? '';
    for (const part of parts) yield part.replace(/^\uFEFF/, '').replace(/\r$/, '');
  }
  if (rest !== '') yield rest.replace(/^\uFEFF/, '').replace(/\r$/, '');
}
