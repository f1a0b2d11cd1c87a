import { z } from 'zod';
import type { Prompt, Request } from '../../src/core/request.ts';
import { given } from './given.ts';
import { LargeSet } from '../large-set.ts';
import { quoted, type Format, type RowContext } from './format.ts';
import { farTime, LENGTH_EXPECTED, MOST_US } from './faults.ts';
import {
  blockIds,
  jsonNotes,
  jsonRows,
  length,
  parseJson,
  nameText,
  TEXT_EXPECTED,
  type FieldExpectation,
} from './json-lines.ts';
import { rowId } from '../row-id.ts';

/** Of a text that is a prompt. */
const MOST_PROMPT_CHARACTERS = 2 ** 22;

const header = z.looseObject({
  reprise_trace: z.literal(1),
  block_size: length.nullish(),
  starts: z.literal('none').nullish(),
});
const us = z.int().nonnegative().max(MOST_US);
const longText = z.string().max(MOST_PROMPT_CHARACTERS);
const object = z.record(z.string(), z.json());
const mediaItem = z.strictObject({
  kind: z.enum(['image', 'audio', 'video']),
  count: z.int().positive().optional(),
  width: z.int().positive().optional(),
  height: z.int().positive().optional(),
  tokens: z.int().nonnegative().optional(),
  ref: longText.optional(),
});
const row = z.object({
  id: nameText.nullish(),
  seq: z.int().nonnegative().nullish(),
  t_us: us,
  input_tokens: length,
  output_tokens: length,
  new_tokens: length.nullish(),
  cached_tokens: z.int().nonnegative().nullish(),
  estimated: z.literal(true).nullish(),
  blocks: blockIds.nullish(),
  block_scope: z.literal('trace').nullish(),
  session: nameText.nullish(),
  turn: z.int().nonnegative().nullish(),
  parent: nameText.nullish(),
  after: z.array(z.strictObject({ id: nameText, think_us: us })).nullish(),
  agent: nameText.nullish(),
  class: nameText.nullish(),
  model: nameText.nullish(),
  user: nameText.nullish(),
  prompt: z.union([longText, z.array(z.int().nonnegative()), z.array(object)]).nullish(),
  payload: object.nullish(),
  params: object.nullish(),
  media: z.array(mediaItem).nullish(),
  status: z.enum(['ok', 'failed']).nullish(),
  source_ttft_us: us.nullish(),
  source_e2e_us: us.nullish(),
  extra: object.nullish(),
});
type Row = z.infer<typeof row>;

/** What each field has to be, for messages. */
const FIELDS: Readonly<Record<keyof Row, FieldExpectation>> = {
  id: { expected: TEXT_EXPECTED },
  seq: { expected: 'a whole number from 0' },
  t_us: { kind: 'time', expected: 'whole microseconds from the start of the trace' },
  input_tokens: { kind: 'length', expected: LENGTH_EXPECTED },
  output_tokens: { kind: 'length', expected: LENGTH_EXPECTED },
  new_tokens: { expected: LENGTH_EXPECTED },
  cached_tokens: { expected: 'a whole number from 0' },
  estimated: { expected: 'true, or nothing' },
  blocks: { expected: 'a list of whole numbers' },
  block_scope: { expected: '"trace": ids that count within a session only cannot be replayed' },
  session: { expected: TEXT_EXPECTED },
  turn: { expected: 'a whole number from 0' },
  parent: { expected: TEXT_EXPECTED },
  after: { expected: 'a list of {"id":...,"think_us":...}' },
  agent: { expected: TEXT_EXPECTED },
  class: { expected: TEXT_EXPECTED },
  model: { expected: TEXT_EXPECTED },
  user: { expected: TEXT_EXPECTED },
  prompt: { expected: 'a text, a list of token ids, or a list of messages' },
  payload: { expected: 'an object' },
  params: { expected: 'an object' },
  media: { expected: 'a list of {"kind":"image","audio" or "video",...}' },
  status: { expected: '"ok" or "failed"' },
  source_ttft_us: { expected: 'whole microseconds' },
  source_e2e_us: { expected: 'whole microseconds' },
  extra: { expected: 'an object' },
};

/** Reprise's own: JSON Lines, a header line and one record a request (`.rtrace.jsonl`). */
export const native: Format = {
  name: 'rtrace',
  begins: '{"reprise_trace":1,...}',
  matches: (head) => header.safeParse(parseJson(head)).success,
  blockTokens: ([head = ''], preferred) => header.safeParse(parseJson(head)).data?.block_size ?? preferred,
  starts: (head) => header.safeParse(parseJson(head)).data?.starts ?? null,
  notes: (_, keys) => jsonNotes(keys, Object.keys(FIELDS)),
  read: readNative,
};

async function* readNative(text: AsyncIterable<string>, rows: RowContext): AsyncGenerator<Request> {
  const seen = new LargeSet<string>();
  let firstUs: number | null = null;
  let seq = 0;
  for await (const { line, row: found } of jsonRows(text, rows, row, FIELDS, 1)) {
    const fault = blockFault(found, rows.blockTokens) ?? farTime('t_us', found.t_us, (firstUs ??= found.t_us));
    if (fault !== null) {
      rows.bad({ line, column: null, message: fault });
      continue;
    }
    const request = requestOf(found, line, seq++);
    if (seen.has(request.id)) {
      const message = `duplicate_id: id ${quoted(request.id)} stands in an earlier row too, expected unique ids`;
      rows.bad({ line, column: null, message });
      continue;
    }
    seen.add(request.id);
    yield request;
  }
}

/** Prefix blocks of the wrong size are the commonest silent error, so their number has to fit the prompt. */
function blockFault({ blocks, input_tokens }: Row, blockSize: number | null): string | null {
  if (blocks === null || blocks === undefined || blockSize === null) return null;
  const [full, all] = [Math.floor(input_tokens / blockSize), Math.ceil(input_tokens / blockSize)];
  if (blocks.length === full || blocks.length === all) return null;
  return `block_count_mismatch: blocks has ${blocks.length} ids, expected ${all} for input_tokens ${input_tokens} in blocks of ${blockSize}`;
}

function requestOf(found: Row, line: number, seq: number): Request {
  const { session, turn, parent, after, agent, class: sloClass, model, user } = found;
  const { blocks, prompt, payload, params, media, extra } = found;
  const source = given({
    ttftUs: found.source_ttft_us,
    e2eUs: found.source_e2e_us,
    cachedTokens: found.cached_tokens,
    failed: found.status === 'failed' ? (true as const) : null,
  });
  return {
    id: found.id ?? rowId(found.seq ?? seq),
    traceRow: line,
    dueUs: found.t_us,
    inputTokens: found.input_tokens,
    outputTokens: found.output_tokens,
    ...given({ session, turn, parent, agent, sloClass, model, user, blocks, payload, params, media, extra }),
    ...given({
      newTokens: found.new_tokens,
      isEstimated: found.estimated,
      after: after?.map(({ id, think_us }) => ({ id, thinkUs: think_us })),
      prompt: promptOf(prompt),
      source: Object.keys(source).length > 0 ? source : null,
    }),
  };
}

function promptOf(prompt: Row['prompt']): Prompt | null {
  if (prompt === null || prompt === undefined) return null;
  if (typeof prompt === 'string') return { kind: 'text', text: prompt };
  const ids = prompt.filter((part) => typeof part === 'number');
  if (ids.length > 0) return { kind: 'ids', ids };
  return { kind: 'messages', messages: prompt.filter((part) => typeof part !== 'number') };
}
