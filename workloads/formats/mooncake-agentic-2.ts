import { z } from 'zod';
import type { Request } from '../../src/core/request.ts';
import { BlockScopes } from './block-scopes.ts';
import { blockFault } from './blocks.ts';
import { farTime, LENGTH_EXPECTED, MAX_ROW_TOKENS, MOST_US } from './faults.ts';
import type { Format, RowContext } from './format.ts';
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
import { WaitingRows, type WaitsFor } from './waiting-rows.ts';

const header = z.looseObject({
  schema: z.literal('dynamo.agentic_mooncake'),
  version: z.literal(2),
  block_size: length,
  hash_id_scope: z.string().nullish(),
});

const ms = z
  .number()
  .nonnegative()
  .max(MOST_US / 1000);
const dependency = z.looseObject({
  request_id: nameText,
  trigger: z.enum(['dispatch', 'completion']),
  delay_ms: ms.nullish(),
});
const fields = z.object({
  request_id: nameText,
  play_id: nameText.nullish(),
  session_id: nameText.nullish(),
  model: nameText.nullish(),
  input_length: length,
  output_length: z.int().nonnegative().max(MAX_ROW_TOKENS),
  hash_ids: blockIds.nullish(),
  not_before_ms: ms,
  recorded_api_time_ms: ms.nullish(),
  policy_class: nameText.nullish(),
  dependencies: z.array(dependency).nullish(),
});
type Row = z.infer<typeof fields>;
const FIELDS: Readonly<Record<keyof Row, FieldExpectation>> = {
  request_id: { expected: TEXT_EXPECTED },
  play_id: { expected: TEXT_EXPECTED },
  session_id: { expected: TEXT_EXPECTED },
  model: { expected: TEXT_EXPECTED },
  input_length: { kind: 'length', also: 'input_tokens', expected: LENGTH_EXPECTED },
  output_length: {
    kind: 'length',
    also: 'output_tokens',
    expected: `a whole number of tokens, 0 to ${MAX_ROW_TOKENS}`,
  },
  hash_ids: { expected: 'a list of whole numbers, one a block of the prompt' },
  not_before_ms: { kind: 'time', expected: 'milliseconds from the start of the trace' },
  recorded_api_time_ms: { expected: 'milliseconds, from 0' },
  policy_class: { expected: TEXT_EXPECTED },
  dependencies: {
    expected: 'a list of {"request_id":...,"trigger":"dispatch" or "completion","delay_ms":...}',
  },
};
const row = byAnyName(fields, FIELDS);

/**
 * Agentic Mooncake of version 2, as Dynamo and AISimulate write it: a header with the block size, then a request a row
 * with the requests that it depends on, each by its dispatch or its completion, and the earliest time. A request that
 * waits for the dispatch of another waits for what that one waits for, and the delay: both then come as they would.
 * Block ids count within a play.
 */
export const mooncakeAgentic2: Format = {
  name: 'mooncake-agentic-2',
  begins: '{"schema":"dynamo.agentic_mooncake","version":2,"block_size":...}',
  matches: (head) => header.safeParse(parseJson(head)).success,
  blockTokens: ([head = ''], preferred) => header.safeParse(parseJson(head)).data?.block_size ?? preferred,
  notes: (_, keys) => [
    'not_before_ms of requests that wait is where they stand in time; --sessions think waits for what they depend on alone',
    ...jsonNotes(keys, [...fieldNames(FIELDS), 'source_play_ordinal']),
  ],
  read: readAgentic2,
};

async function* readAgentic2(text: AsyncIterable<string>, rows: RowContext): AsyncGenerator<Request> {
  const order = new WaitingRows(rows);
  const scopes = new BlockScopes();
  const ofPlay = new Map<string, (id: number) => number>();
  let firstUs: number | null = null;
  for await (const { line, row: found } of jsonRows(text, rows, row, FIELDS, 1)) {
    const notBeforeUs = Math.round(found.not_before_ms * 1000);
    const fault =
      blockFault(found, rows.blockTokens, { orFullOnes: true }) ??
      farTime('not_before_ms', notBeforeUs, (firstUs ??= notBeforeUs));
    if (fault !== null) {
      rows.bad({ line, column: null, message: fault });
      continue;
    }
    const play = found.play_id ?? '';
    const scope = ofPlay.get(play) ?? scopes.scope();
    ofPlay.set(play, scope);
    if (found.output_length === 0) rows.remark?.('an answer of no token is asked for as one of one token');
    const waits = (found.dependencies ?? []).map(({ request_id: id, trigger, delay_ms: delayMs }): WaitsFor => ({
      id,
      thinkUs: Math.round((delayMs ?? 0) * 1000),
      ...(trigger === 'dispatch' ? { fromStart: true } : {}),
    }));
    const e2eMs = found.recorded_api_time_ms;
    yield* order.add({
      id: found.request_id,
      traceRow: line,
      dueUs: waits.length === 0 ? notBeforeUs : null,
      notBeforeUs,
      inputTokens: found.input_length,
      outputTokens: Math.max(1, found.output_length),
      after: waits,
      ...given({
        session: found.session_id,
        model: found.model,
        sloClass: found.policy_class,
        blocks: found.hash_ids && found.hash_ids.length > 0 ? found.hash_ids.map(scope) : null,
        source: typeof e2eMs === 'number' ? { e2eUs: Math.round(e2eMs * 1000) } : null,
      }),
    });
  }
  yield* order.rest();
}
