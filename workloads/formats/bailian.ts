import { z } from 'zod';
import type { Request } from '../../src/core/request.ts';
import { LargeMap } from '../large-map.ts';
import { blockFault, blockTokensOf } from './blocks.ts';
import { ChainedBlocks } from './chained-blocks.ts';
import { farTime, LENGTH_EXPECTED, MOST_US } from './faults.ts';
import { quoted, type Format, type RowContext } from './format.ts';
import { given } from './given.ts';
import {
  blockIds,
  jsonNotes,
  jsonRows,
  length,
  nameText,
  parseJson,
  TEXT_EXPECTED,
  type FieldExpectation,
} from './json-lines.ts';

/** Tokens of a block in the published files, as their names say. */
const USUAL_BLOCK = 16;

const chatId = z.union([z.int(), nameText]);
const row = z.object({
  chat_id: chatId,
  parent_chat_id: chatId.nullish(),
  timestamp: z
    .number()
    .nonnegative()
    .max(MOST_US / 1e6),
  input_length: length,
  output_length: length,
  type: nameText.nullish(),
  turn: z.int().positive().nullish(),
  hash_ids: blockIds.nullish(),
});
type Row = z.infer<typeof row>;
const FIELDS: Readonly<Record<keyof Row, FieldExpectation>> = {
  chat_id: { expected: 'a whole number or a text' },
  parent_chat_id: { expected: 'a whole number or a text, -1 for none' },
  timestamp: { kind: 'time', expected: 'seconds from the start of the trace' },
  input_length: { kind: 'length', expected: LENGTH_EXPECTED },
  output_length: { kind: 'length', expected: LENGTH_EXPECTED },
  type: { expected: TEXT_EXPECTED },
  turn: { expected: 'a whole number from 1' },
  hash_ids: { expected: 'a list of whole numbers, one a block of the prompt' },
};

/** Among the keys of a file: a row that names a parent below it. */
const LATE_PARENT = 'parent_after_child';

/**
 * The usage traces of Qwen-Bailian (ATC 2025): seconds, whole prompts, ids of blocks that were hashed one by one, and the
 * request that each one follows. A session is all that follows one root; a parent outside of the file makes a root of
 * its children.
 */
export const bailian: Format = {
  name: 'bailian',
  begins: '{"chat_id":1,"parent_chat_id":-1,"timestamp":0.0,"input_length":...,"output_length":...,"hash_ids":[...]}',
  matches: (head) => /^\{.*"chat_id"\s*:/.test(head) && /"input_length"\s*:/.test(head),
  blockTokens: (lines, preferred) =>
    blockTokensOf(
      lines.map((line) => row.safeParse(parseJson(line)).data),
      preferred ?? USUAL_BLOCK,
    ),
  notes: (_, keys) => [
    ...(keys.has(LATE_PARENT)
      ? [`${LATE_PARENT}: some rows follow one that stands below them, and begin sessions of their own`]
      : []),
    ...jsonNotes(keys, [...Object.keys(FIELDS), LATE_PARENT]),
  ],
  read: readBailian,
};

async function* readBailian(text: AsyncIterable<string>, rows: RowContext): AsyncGenerator<Request> {
  const sessions = new LargeMap<string, string>();
  const awaited = new LargeMap<string, true>();
  const blocks = new ChainedBlocks();
  let firstUs: number | null = null;
  for await (const { line, row: found } of jsonRows(text, rows, row, FIELDS)) {
    const id = String(found.chat_id);
    const parent = parentOf(found);
    const us = Math.round(found.timestamp * 1e6);
    const isKnown = sessions.get(id) !== undefined;
    const fault = isKnown
      ? `duplicate_id: chat_id ${quoted(id)} stands in an earlier row too, expected unique ids`
      : (blockFault(found, rows.blockTokens) ?? farTime('timestamp', us, firstUs ?? us));
    if (fault !== null) {
      rows.bad({ line, column: null, message: fault });
      continue;
    }
    firstUs ??= us;
    const session = (parent === undefined ? undefined : sessions.get(parent)) ?? id;
    sessions.set(id, session);
    if (awaited.get(id) === true) rows.keys?.add(LATE_PARENT);
    if (parent !== undefined && sessions.get(parent) === undefined) awaited.set(parent, true);
    const { hash_ids: ids, type, turn } = found;
    yield {
      id,
      traceRow: line,
      dueUs: us - firstUs,
      inputTokens: found.input_length,
      outputTokens: found.output_length,
      session,
      ...given({
        turn: typeof turn === 'number' ? turn - 1 : null,
        parent,
        sloClass: type,
        blocks: ids && ids.length > 0 ? blocks.chain(ids) : null,
      }),
    };
  }
}

function parentOf({ parent_chat_id: parent }: Row): string | undefined {
  return parent === null || parent === undefined || String(parent) === '-1' ? undefined : String(parent);
}
