import { z } from 'zod';
import type { Request } from '../../src/core/request.ts';
import { blockFault, blockTokensOf } from './blocks.ts';
import type { Format, RowContext } from './format.ts';
import { farTime, LENGTH_EXPECTED, MOST_US } from './faults.ts';
import { blockIds, jsonNotes, jsonRows, length, parseJson, type FieldExpectation } from './json-lines.ts';
import { rowId } from '../row-id.ts';

/** The year 2128, be it since 1970. */
const MOST_MS = MOST_US / 1000;

const lengths = z.object({
  timestamp: z.number().nonnegative().max(MOST_MS),
  input_length: length,
  output_length: length,
  hash_ids: z.never().optional(),
});
const row = lengths.extend({
  hash_ids: blockIds.refine((ids) => ids.length > 0),
});
type Row = z.infer<typeof row>;

const FIELDS: Readonly<Record<keyof Row, FieldExpectation>> = {
  timestamp: { kind: 'time', expected: 'milliseconds from the start of the trace' },
  input_length: { kind: 'length', expected: LENGTH_EXPECTED },
  output_length: { kind: 'length', expected: LENGTH_EXPECTED },
  hash_ids: { expected: 'a list of whole numbers, one a block of the prompt' },
};

const HASH_IDS = /"hash_ids"\s*:/;
/** What formats have that look alike but count in seconds: Bailian, RAGPulse. */
const OTHERS = /"chat_id"\s*:|"hash_ids"\s*:\s*\{/;

/**
 * Mooncake's traces (Qin et al., FAST 2025): JSON Lines, milliseconds, and ids of the prompt's blocks, the last one
 * perhaps in part. The block size (512 in the published files) is not in the file: the rows tell it.
 */
export const mooncake: Format = {
  name: 'mooncake',
  begins: '{"timestamp":0,"input_length":...,"output_length":...,"hash_ids":[...]}',
  // Any row of the format, however bad: an error in the first row is reported like that of any other row.
  matches: (head, rows) => isLike(head) && [head, ...rows].some((line) => HASH_IDS.test(line)),
  blockTokens: (lines, preferred) =>
    blockTokensOf(
      lines.map((line) => row.safeParse(parseJson(line)).data),
      preferred,
    ),
  notes: (_, keys) => jsonNotes(keys, Object.keys(FIELDS)),
  read: readMooncake,
};

/** The same rows without ids: prompts then share no prefix. */
export const mooncakeLengths: Format = {
  name: 'mooncake-lengths',
  begins: '{"timestamp":0,"input_length":...,"output_length":...}',
  matches: (head, rows) => isLike(head) && ![head, ...rows].some((line) => HASH_IDS.test(line)),
  notes: (_, keys) => [
    'no_prefix_blocks: the rows have no hash_ids: no prompt begins like another, and a prefix cache finds nothing',
    ...jsonNotes(keys, Object.keys(FIELDS)),
  ],
  async *read(text, rows) {
    let firstMs: number | null = null;
    let seq = 0;
    const fields = { ...FIELDS, hash_ids: { expected: 'none, as in the first rows' } };
    for await (const { line, row: found } of jsonRows(text, rows, lengths, fields)) {
      firstMs ??= found.timestamp;
      const dueUs = Math.round((found.timestamp - firstMs) * 1000);
      const far = farTime('timestamp', dueUs, 0);
      if (far !== null) {
        rows.bad({ line, column: null, message: far });
        continue;
      }
      yield {
        id: rowId(seq++),
        traceRow: line,
        dueUs,
        inputTokens: found.input_length,
        outputTokens: found.output_length,
      };
    }
  },
};

/** Rows with dates are a log, whose columns its names tell. */
const DATES = /"timestamp"\s*:\s*"\d{4}-\d\d-\d\d/;

function isLike(head: string): boolean {
  return [/^\{.*"input_length"\s*:/, /"output_length"\s*:/].every((name) => name.test(head)) && !isOther(head);
}

function isOther(head: string): boolean {
  return OTHERS.test(head) || DATES.test(head);
}

async function* readMooncake(text: AsyncIterable<string>, rows: RowContext): AsyncGenerator<Request> {
  let firstMs: number | null = null;
  let seq = 0;
  for await (const { line, row: found } of jsonRows(text, rows, row, FIELDS)) {
    const { timestamp, input_length: inputTokens, output_length: outputTokens, hash_ids: blocks } = found;
    firstMs ??= timestamp;
    const dueUs = Math.round((timestamp - firstMs) * 1000);
    const fault = blockFault(found, rows.blockTokens) ?? farTime('timestamp', dueUs, 0);
    if (fault !== null) {
      rows.bad({ line, column: null, message: fault });
      continue;
    }
    yield { id: rowId(seq++), traceRow: line, dueUs, inputTokens, outputTokens, blocks };
  }
}
