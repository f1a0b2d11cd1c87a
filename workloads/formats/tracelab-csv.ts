import type { After } from '../../src/core/request.ts';
import { LargeMap } from '../large-map.ts';
import { BlockScopes } from './block-scopes.ts';
import { MAX_ROW_TOKENS } from './faults.ts';
import { FieldError, type Format } from './format.ts';
import { hasNames, namedNotes, namedRequests, type RowReader } from './named-rows.ts';

/** Tokens of the blocks that are made. */
const USUAL_BLOCK = 64;
const COLUMNS = ['id', 'input_len', 'output_len', 'arrival_time', 'round_idx', 'tool_wait_after_ms', 'prefix_len'];

/**
 * The CSV that TraceLab's own tools export for simulators: `input_len` is what a round appended to its prefix, and
 * `arrival_time` when its session starts, in ms; both that time and the order of sessions are synthetic. Later rounds
 * come when the answer before has ended and its tools are through.
 */
export const traceLabCsv: Format = {
  name: 'tracelab-csv',
  begins: COLUMNS.join(','),
  matches: (head) => hasNames(head, COLUMNS),
  blockTokens: (_, preferred) => preferred ?? USUAL_BLOCK,
  notes: (head, keys) => [
    'arrival times are not those of the real sessions: the tool that exported the file drew them',
    ...namedNotes(head, keys, COLUMNS),
  ],
  read: (text, rows) => namedRequests(text, rows, reader(rows.blockTokens ?? USUAL_BLOCK)),
};

interface LastRound {
  readonly turn: number;
  /** When the next round comes at the earliest. */
  readonly nextUs: number;
  readonly after: readonly After[];
  readonly blocks: readonly number[];
}

function reader(size: number): RowReader {
  const scopes = new BlockScopes();
  const lasts = new LargeMap<string, LastRound>();
  return {
    uses: COLUMNS,
    read(fields) {
      const session = fields.text('id');
      if (session === undefined) throw new FieldError('id is missing, expected that of the session');
      const cachedTokens = fields.count('prefix_len') ?? 0;
      const newTokens = fields.tokens('input_len');
      const inputTokens = cachedTokens + newTokens;
      if (inputTokens > MAX_ROW_TOKENS)
        throw new FieldError(`input_len and prefix_len are ${inputTokens} tokens, expected ${MAX_ROW_TOKENS} at most`);
      const outputTokens = fields.tokens('output_len');
      const waitUs = fields.value('tool_wait_after_ms') === undefined ? 0 : fields.milliseconds('tool_wait_after_ms');
      const startUs = fields.milliseconds('arrival_time');
      const last = lasts.get(session);
      const arrivalUs = Math.max(startUs, last?.nextUs ?? startUs);
      const turn = (last?.turn ?? -1) + 1;
      const id = `${session}:${turn}`;
      const blocks = scopes.grown(last?.blocks ?? [], Math.floor(cachedTokens / size), Math.floor(inputTokens / size));
      lasts.set(session, { turn, nextUs: arrivalUs + waitUs, after: [{ id, thinkUs: waitUs }], blocks });
      return {
        id,
        arrivalUs,
        inputTokens,
        outputTokens,
        session,
        turn,
        newTokens,
        after: last?.after,
        blocks: blocks.length === 0 ? undefined : blocks,
        source: { cachedTokens },
      };
    },
  };
}
