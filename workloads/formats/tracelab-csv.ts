import type { After } from '../../src/core/request.ts';
import { firstLine, joined } from '../containers/first-line.ts';
import { LargeMap } from '../large-map.ts';
import { BlockScopes } from './block-scopes.ts';
import { MAX_ROW_TOKENS } from './faults.ts';
import { FieldError, type Format } from './format.ts';
import { hasNames, namedNotes, namedRequests, type RowReader } from './named-rows.ts';
import { sessionGroups } from './session-groups.ts';

/** Tokens of the blocks that are made. */
const USUAL_BLOCK = 64;
const TIME = 'arrival_time';
const LENGTHS = ['input_len', 'output_len', 'round_idx', 'tool_wait_after_ms', 'prefix_len'];
/** Its exporter and its replayer call sessions so. */
const SESSIONS = ['id', 'session_id'] as const;
const COLUMNS = [...SESSIONS, TIME, ...LENGTHS];

/**
 * The CSV that TraceLab's own tools export for simulators and its replayer: `input_len` is what a round appended to its
 * prefix, and `arrival_time` when its session starts, in ms; both that time and the order of sessions are synthetic, and
 * the times may be missing. Later rounds come when the answer before has ended and its tools are through.
 */
export const traceLabCsv: Format = {
  name: 'tracelab-csv',
  begins: ['id', 'input_len', 'output_len', TIME, ...LENGTHS.slice(2)].join(','),
  starts: (head) => (hasNames(head, [TIME]) ? null : 'none'),
  matches: (head) => hasNames(head, LENGTHS) && SESSIONS.some((name) => hasNames(head, [name])),
  blockTokens: (_, preferred) => preferred ?? USUAL_BLOCK,
  notes: (head, keys) => [...(hasNames(head, [TIME]) ? [DRAWN] : []), ...namedNotes(head, keys, COLUMNS)],
  async *read(text, rows) {
    const { first, rest } = await firstLine(text);
    const isTimed = hasNames(first, [TIME]);
    const requests = namedRequests(joined(first, rest), rows, reader(rows.blockTokens ?? USUAL_BLOCK, isTimed));
    yield* isTimed ? requests : sessionGroups(requests);
  },
};

const DRAWN = 'arrival times are not those of the real sessions: the tool that exported the file drew them';

interface LastRound {
  readonly turn: number;
  /** When the next round comes at the earliest. */
  readonly nextUs: number;
  readonly after: readonly After[];
  readonly blocks: readonly number[];
}

function reader(size: number, isTimed: boolean): RowReader {
  const scopes = new BlockScopes();
  const lasts = new LargeMap<string, LastRound>();
  return {
    uses: COLUMNS,
    read(fields) {
      const session = fields.text(fields.first(...SESSIONS));
      if (session === undefined) throw new FieldError('id is missing, expected that of the session');
      const cachedTokens = fields.count('prefix_len') ?? 0;
      const newTokens = fields.tokens('input_len');
      const inputTokens = cachedTokens + newTokens;
      if (inputTokens > MAX_ROW_TOKENS)
        throw new FieldError(`input_len and prefix_len are ${inputTokens} tokens, expected ${MAX_ROW_TOKENS} at most`);
      const outputTokens = fields.tokens('output_len');
      const waitUs = fields.value('tool_wait_after_ms') === undefined ? 0 : fields.milliseconds('tool_wait_after_ms');
      const startUs = isTimed ? fields.milliseconds(TIME) : 0;
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
