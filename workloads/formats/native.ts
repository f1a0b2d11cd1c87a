import { z } from 'zod';
import type { Request } from '../../src/core/request.ts';
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

const header = z.looseObject({ reprise_trace: z.literal(1), block_size: length.nullish() });
const row = z.object({
  id: nameText.nullish(),
  seq: z.int().nonnegative().nullish(),
  t_us: z.int().nonnegative().max(MOST_US),
  input_tokens: length,
  output_tokens: length,
  blocks: blockIds.nullish(),
  block_scope: z.literal('trace').nullish(),
  session: nameText.nullish(),
  turn: z.int().nonnegative().nullish(),
  class: nameText.nullish(),
  model: nameText.nullish(),
});
type Row = z.infer<typeof row>;

/** What each field has to be, for messages. */
const FIELDS: Readonly<Record<keyof Row, FieldExpectation>> = {
  id: { expected: TEXT_EXPECTED },
  seq: { expected: 'a whole number from 0' },
  t_us: { kind: 'time', expected: 'whole microseconds from the start of the trace' },
  input_tokens: { kind: 'length', expected: LENGTH_EXPECTED },
  output_tokens: { kind: 'length', expected: LENGTH_EXPECTED },
  blocks: { expected: 'a list of whole numbers' },
  block_scope: { expected: '"trace": ids that count within a session only cannot be replayed' },
  session: { expected: TEXT_EXPECTED },
  turn: { expected: 'a whole number from 0' },
  class: { expected: TEXT_EXPECTED },
  model: { expected: TEXT_EXPECTED },
};

/** Reprise's own: JSON Lines, a header line and one record a request (`.rtrace.jsonl`). */
export const native: Format = {
  name: 'rtrace',
  begins: '{"reprise_trace":1,...}',
  matches: (head) => header.safeParse(parseJson(head)).success,
  blockTokens: ([head = ''], preferred) => header.safeParse(parseJson(head)).data?.block_size ?? preferred,
  notes: (_, keys) => jsonNotes(keys, [...Object.keys(FIELDS), 'extra']),
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
