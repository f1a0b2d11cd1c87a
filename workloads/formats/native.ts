import { z } from 'zod';
import type { Request } from '../../src/core/request.ts';
import type { Format, RowContext } from './format.ts';

const BATCH = 1024;
/** Longest prompt or answer that a record can hold. */
const MOST_TOKENS = 2 ** 31 - 1;

const length = z.int().min(1).max(MOST_TOKENS);
const header = z.looseObject({ reprise_trace: z.literal(1), block_size: z.int().positive().nullish() });
const row = z.object({
  id: z.string().min(1).nullish(),
  seq: z.int().nonnegative().nullish(),
  t_us: z.int().nonnegative(),
  input_tokens: length,
  output_tokens: length,
  blocks: z.array(z.int().nonnegative()).nullish(),
  block_scope: z.literal('trace').nullish(),
  session: z.string().nullish(),
  turn: z.int().nonnegative().nullish(),
  class: z.string().nullish(),
  model: z.string().nullish(),
});
type Row = z.infer<typeof row>;

/** What each field has to be, for messages. */
const EXPECTED: Readonly<Record<keyof Row, string>> = {
  id: 'a text',
  seq: 'a whole number from 0',
  t_us: 'whole microseconds from the start of the trace',
  input_tokens: 'a whole number of tokens from 1 (a request without any cannot be replayed)',
  output_tokens: 'a whole number of tokens from 1 (a request without any cannot be replayed)',
  blocks: 'a list of whole numbers',
  block_scope: '"trace": ids that count within a session only cannot be replayed',
  session: 'a text',
  turn: 'a whole number from 0',
  class: 'a text',
  model: 'a text',
};

/** Reprise's own: JSON Lines, a header line and one record a request (`.rtrace.jsonl`). */
export const native: Format = {
  name: 'rtrace',
  begins: '{"reprise_trace":1,...}',
  matches: (head) => header.safeParse(parseJson(head)).success,
  blockTokens,
  read: readNative,
};

function blockTokens(head: string): number | null {
  return header.safeParse(parseJson(head)).data?.block_size ?? null;
}

async function* readNative(text: AsyncIterable<string>, rows: RowContext): AsyncGenerator<readonly Request[]> {
  const seen = new Set<string>();
  let blockSize: number | null = null;
  let batch: Request[] = [];
  let line = 0;
  let seq = 0;
  for await (const content of lines(text)) {
    line++;
    if (line === 1) blockSize = blockTokens(content);
    if (line === 1 || content.trim() === '') continue;
    const value = parseJson(content);
    const found = row.safeParse(value);
    const fault = found.success ? faultOf(found.data, blockSize) : describe(found.error, value, content);
    if (!found.success || fault !== null) {
      rows.bad({ line, column: null, message: fault ?? '' });
      continue;
    }
    const request = requestOf(found.data, line, seq++);
    if (seen.has(request.id)) {
      const message = `duplicate_id: id "${request.id}" stands in an earlier row too, expected unique ids`;
      rows.bad({ line, column: null, message });
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

/** Prefix blocks of the wrong size are the commonest silent error, so their number has to fit the prompt. */
function faultOf({ blocks, input_tokens }: Row, blockSize: number | null): string | null {
  if (blocks === null || blocks === undefined || blockSize === null) return null;
  const [full, all] = [Math.floor(input_tokens / blockSize), Math.ceil(input_tokens / blockSize)];
  if (blocks.length === full || blocks.length === all) return null;
  return `block_count_mismatch: blocks has ${blocks.length} ids, expected ${all} for input_tokens ${input_tokens} in blocks of ${blockSize} (the header's block_size)`;
}

function requestOf(found: Row, line: number, seq: number): Request {
  const { id, t_us, input_tokens, output_tokens, session, turn, blocks, model, class: sloClass } = found;
  return {
    id: id ?? `r${found.seq ?? seq}`,
    traceRow: line,
    dueUs: t_us,
    inputTokens: input_tokens,
    outputTokens: output_tokens,
    ...(session === null || session === undefined ? {} : { session }),
    ...(turn === null || turn === undefined ? {} : { turn }),
    ...(sloClass === null || sloClass === undefined ? {} : { sloClass }),
    ...(model === null || model === undefined ? {} : { model }),
    ...(blocks === null || blocks === undefined ? {} : { blocks }),
  };
}

/** The first thing that is wrong with a row: what was found and what was expected. */
function describe(error: z.ZodError, value: unknown, content: string): string {
  if (value === undefined) return `the line is not JSON: ${content.slice(0, 80)}`;
  const field = row.keyof().safeParse(error.issues[0]?.path[0]);
  if (!field.success || typeof value !== 'object' || value === null)
    return `the line is ${content.slice(0, 80)}, expected an object with t_us, input_tokens, output_tokens`;
  const found = Object.entries(value).find(([name]) => name === field.data)?.[1];
  const shown = found === undefined ? 'missing' : JSON.stringify(found).slice(0, 80);
  return `${field.data} is ${shown}, expected ${EXPECTED[field.data]}`;
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
