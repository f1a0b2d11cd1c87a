import { z } from 'zod';
import type { Request } from '../../src/core/request.ts';
import { blockFault, blockTokensOf } from './blocks.ts';
import { farTime, LENGTH_EXPECTED, MOST_US } from './faults.ts';
import { type Format, type RowContext } from './format.ts';
import { given } from './given.ts';
import {
  blockIds,
  byAnyName,
  fieldNames,
  jsonNotes,
  jsonRows,
  length,
  nameText,
  parseJson,
  TEXT_EXPECTED,
  type FieldExpectation,
} from './json-lines.ts';
import { WaitingRows, type WaitingRow } from './waiting-rows.ts';
import { rowId } from '../row-id.ts';

/** Tokens of a block where the rows leave a choice: what the converter writes. */
const USUAL_BLOCK = 64;

const ms = z
  .number()
  .nonnegative()
  .max(MOST_US / 1000);
const fields = z.object({
  request_id: nameText.nullish(),
  session_id: nameText.nullish(),
  timestamp: ms.nullish(),
  input_length: length,
  output_length: length,
  hash_ids: blockIds.nullish(),
  wait_for: z.array(nameText).nullish(),
  delay: ms.nullish(),
  tool_wait_ms: ms.nullish(),
  model: nameText.nullish(),
});
type Row = z.infer<typeof fields>;
const FIELDS: Readonly<Record<keyof Row, FieldExpectation>> = {
  request_id: { expected: TEXT_EXPECTED },
  session_id: { expected: TEXT_EXPECTED },
  timestamp: { kind: 'time', also: 'created_time', expected: 'milliseconds from the start of the trace' },
  input_length: { kind: 'length', also: 'input_tokens', expected: LENGTH_EXPECTED },
  output_length: { kind: 'length', also: 'output_tokens', expected: LENGTH_EXPECTED },
  hash_ids: { expected: 'a list of whole numbers, one a block of the prompt' },
  wait_for: { expected: 'a list of request ids' },
  delay: { also: 'delay_ms', expected: 'milliseconds, from 0' },
  tool_wait_ms: { expected: 'milliseconds, from 0' },
  model: { expected: TEXT_EXPECTED },
};
const row = byAnyName(fields, FIELDS);

/**
 * Mooncake's rows with what each request waits for, as Dynamo converts traces of agents (`wait_for`: the answers that
 * must have ended, `delay` and `tool_wait_ms` from then on). A row that waits for none starts at its timestamp; of one
 * that waits and has no timestamp, the earliest time at which it can start is known, that of answers without duration.
 */
export const mooncakeAgentic: Format = {
  name: 'mooncake-agentic',
  begins:
    '{"request_id":"...","session_id":"...","input_length":...,"output_length":...,"hash_ids":[...],"wait_for":[...]}',
  matches: (head, rows) =>
    /^\{.*"(?:input_length|input_tokens)"\s*:/.test(head) &&
    [head, ...rows].some((line) => /"(?:wait_for|tool_wait_ms)"\s*:/.test(line)),
  blockTokens: (lines, preferred) =>
    blockTokensOf(
      lines.map((line) => row.safeParse(parseJson(line)).data),
      preferred ?? USUAL_BLOCK,
    ),
  notes: (_, keys) => [
    'times of rows that wait are the earliest, as if answers took no time; --sessions think waits for the answers',
    ...jsonNotes(keys, fieldNames(FIELDS)),
  ],
  read: readAgentic,
};

async function* readAgentic(text: AsyncIterable<string>, rows: RowContext): AsyncGenerator<Request> {
  const order = new WaitingRows(rows);
  let firstMs: number | null = null;
  let seq = 0;
  for await (const { line, row: found } of jsonRows(text, rows, row, FIELDS)) {
    const { timestamp } = found;
    const waitsFor = found.wait_for ?? [];
    if (typeof timestamp === 'number') firstMs ??= timestamp;
    const dueUs = typeof timestamp === 'number' ? Math.round((timestamp - (firstMs ?? 0)) * 1000) : null;
    const fault =
      blockFault(found, rows.blockTokens) ??
      (dueUs === null ? null : farTime('timestamp', dueUs, 0)) ??
      (dueUs === null && waitsFor.length === 0
        ? `missing_time: timestamp is missing, expected ${FIELDS.timestamp.expected}: the row waits for no other (wait_for)`
        : null);
    if (fault !== null) {
      rows.bad({ line, column: null, message: fault });
      continue;
    }
    const thinkUs = Math.round(((found.delay ?? 0) + (found.tool_wait_ms ?? 0)) * 1000);
    const request: WaitingRow = {
      id: found.request_id ?? rowId(seq++),
      traceRow: line,
      dueUs,
      inputTokens: found.input_length,
      outputTokens: found.output_length,
      after: [...new Set(waitsFor)].map((id) => ({ id, thinkUs })),
      ...given({ session: found.session_id, model: found.model, blocks: found.hash_ids }),
    };
    yield* order.add(request);
  }
  yield* order.rest();
}
