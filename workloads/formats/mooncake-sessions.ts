import { z } from 'zod';
import { UserError } from '../../src/core/errors.ts';
import type { Request } from '../../src/core/request.ts';
import { LargeMap } from '../large-map.ts';
import { BlockScopes } from './block-scopes.ts';
import { blockFault, blockTokensOf } from './blocks.ts';
import { LENGTH_EXPECTED, MAX_ROW_TOKENS, MOST_US } from './faults.ts';
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
import { sessionGroups } from './session-groups.ts';
import { SessionTimes } from './session-times.ts';
import { rowId } from '../row-id.ts';

/** Tokens of the blocks of sessions whose rows have no ids: what engines use, so that turns share to the block. */
const FINE_BLOCK = 16;
/** Ids that are made here are above those of files. */
const FIRST_MADE_ID = 2 ** 51;

const ms = z
  .number()
  .nonnegative()
  .max(MOST_US / 1000);
const fields = z.object({
  session_id: z.union([nameText, z.int()]).nullish(),
  timestamp: ms.nullish(),
  delay: ms.nullish(),
  input_length: length.nullish(),
  output_length: length,
  hash_ids: blockIds.nullish(),
});
type Row = z.infer<typeof fields>;
const FIELDS: Readonly<Record<keyof Row, FieldExpectation>> = {
  session_id: { expected: `${TEXT_EXPECTED}, or a whole number` },
  timestamp: { kind: 'time', also: 'created_time', expected: 'milliseconds from the start of the trace' },
  delay: { also: 'delay_ms', expected: 'milliseconds from the end of the answer before, from 0' },
  input_length: { kind: 'length', also: 'input_tokens', expected: LENGTH_EXPECTED },
  output_length: { kind: 'length', also: 'output_tokens', expected: LENGTH_EXPECTED },
  hash_ids: { expected: 'a list of whole numbers, one a block of the prompt' },
};
const row = byAnyName(fields, FIELDS);

const LENGTHS = /"(?:input_length|input_tokens|hash_ids)"\s*:/;
const TIMES = /"(?:timestamp|created_time)"\s*:/;
const OF_SESSIONS = /"(?:session_id|delay|delay_ms|created_time)"\s*:/;
/** Keys of formats that look alike. */
const OTHERS =
  /"(?:chat_id|wait_for|tool_wait_ms|not_before_ms|text_input|messages|payload|turns|texts?)"\s*:|"hash_ids"\s*:\s*\{|"timestamp"\s*:\s*"\d{4}-\d\d-\d\d/;

/**
 * Mooncake's rows in sessions, as AIPerf and Dynamo read them: the first turn has a timestamp, later ones one too, or the
 * delay from the end of the answer before. The lengths of the latter are what is new in the prompt, unless it is said
 * otherwise (`RowContext.inputIs`); so are their block ids then, which are no whole prompt's, and made anew.
 */
export const mooncakeSessions: Format = {
  name: 'mooncake-sessions',
  begins: '{"session_id":"...","timestamp":0,"input_length":...,"output_length":...}, later turns with "delay"',
  matches: (head, rows) => isLike(head, rows) && [head, ...rows].some((line) => TIMES.test(line)),
  blockTokens,
  notes,
  read: (text, rows) => readSessions(text, rows, true),
};

/** The same without timestamps; holds the file where it has sessions. */
export const mooncakeUntimed: Format = {
  name: 'mooncake-untimed',
  begins: '{"session_id":"...","input_length":...,"output_length":...}',
  starts: 'none',
  matches: (head, rows) =>
    isLike(head, rows, /"(?:input_length|session_id|delay|delay_ms)"\s*:/) &&
    ![head, ...rows].some((line) => TIMES.test(line)),
  blockTokens,
  notes,
  read: (text, rows) => sessionGroups(readSessions(text, rows, false)),
};

function isLike(head: string, rows: readonly string[], shows = OF_SESSIONS): boolean {
  return (
    head.startsWith('{') &&
    LENGTHS.test(head) &&
    /"(?:output_length|output_tokens)"\s*:/.test(head) &&
    [head, ...rows].some((line) => shows.test(line)) &&
    ![head, ...rows].some((line) => OTHERS.test(line))
  );
}

function blockTokens(lines: readonly string[], preferred: number | null): number | null {
  const found = lines.map((line) => row.safeParse(parseJson(line)).data);
  return blockTokensOf(found, preferred) ?? FINE_BLOCK;
}

function notes(_: string, keys: ReadonlySet<string>): string[] {
  return [
    ...(keys.has(NEW)
      ? [
          'input lengths of turns without a timestamp are read as what is new in the prompt (--input-is whole: as the whole of it)',
        ]
      : []),
    ...jsonNotes(keys, [...fieldNames(FIELDS), NEW]),
  ];
}

/** Among the keys of a file: some row has only what is new in its prompt. */
const NEW = 'input_length of new tokens';

/** What is known of a session's last turn. */
interface LastTurn {
  readonly id: string;
  readonly dueUs: number;
  readonly turn: number;
  readonly inputTokens: number;
  readonly outputTokens: number;
  readonly blocks: readonly number[];
}

async function* readSessions(text: AsyncIterable<string>, rows: RowContext, isTimed: boolean): AsyncGenerator<Request> {
  if (rows.inputIs === 'uncached')
    throw new UserError(`--input-is uncached: ${rows.path} has lengths of whole prompts, or of what is new in them`);
  const lasts = new LargeMap<string, LastTurn>();
  const scopes = new BlockScopes(FIRST_MADE_ID);
  const times = new SessionTimes(isTimed, rows);
  let seq = 0;
  for await (const { line, row: found } of jsonRows(text, rows, row, FIELDS)) {
    const session = found.session_id === null || found.session_id === undefined ? undefined : `${found.session_id}`;
    const last = session === undefined ? undefined : lasts.get(session);
    const dueUs = times.due(found, last);
    const turn = turnOf(found, last, rows, scopes);
    const fault = typeof dueUs === 'string' ? dueUs : typeof turn === 'string' ? turn : null;
    if (fault !== null || typeof dueUs === 'string' || typeof turn === 'string') {
      rows.bad({ line, column: null, message: fault ?? '' });
      continue;
    }
    const { inputTokens, newTokens } = turn;
    const blocks = turn.blocks?.length === 0 ? null : turn.blocks;
    if (newTokens !== undefined) rows.keys?.add(NEW);
    const request: Request = {
      id: rowId(seq++),
      traceRow: line,
      dueUs,
      inputTokens,
      outputTokens: found.output_length,
      ...given({ session, newTokens, blocks, after: times.after(found, last) }),
      ...(session === undefined ? {} : { turn: (last?.turn ?? -1) + 1 }),
    };
    if (session !== undefined)
      lasts.set(session, { ...request, turn: request.turn ?? 0, blocks: request.blocks ?? [] });
    yield request;
  }
}

/** The prompt of a row: whole, or its session's so far and what is new. A text: what is wrong with it. */
function turnOf(
  { input_length: tokens, hash_ids: ids, timestamp, session_id: session }: Row,
  last: LastTurn | undefined,
  { blockTokens: size, inputIs }: RowContext,
  scopes: BlockScopes,
): Pick<Request, 'inputTokens' | 'newTokens' | 'blocks'> | string {
  const own = tokens ?? (size === null ? null : (ids?.length ?? 0) * size);
  if (own === null || own === 0) return `missing_length: input_length is missing, expected ${LENGTH_EXPECTED}`;
  const mismatch = blockFault({ input_length: own, hash_ids: ids }, size);
  if (mismatch !== null) return mismatch;
  const isNew = last !== undefined && (inputIs === undefined ? typeof timestamp !== 'number' : inputIs === 'new');
  if (!isNew) {
    if (ids && ids.length > 0) return { inputTokens: own, blocks: ids };
    const isFirst = session !== null && session !== undefined && last === undefined;
    // A later turn may share them; nothing tells what a whole prompt of one shares.
    if (!isFirst || size === null) return { inputTokens: own };
    return { inputTokens: own, blocks: scopes.fresh(Math.floor(own / size)) };
  }
  const inputTokens = last.inputTokens + last.outputTokens + own;
  if (inputTokens > MAX_ROW_TOKENS)
    return `input_length is ${own}, which makes a prompt of ${inputTokens} tokens with the session before it, expected ${MAX_ROW_TOKENS} at most`;
  if (size === null) return { inputTokens, newTokens: own };
  const blocks = scopes.grown(last.blocks, Math.floor(last.inputTokens / size), Math.floor(inputTokens / size));
  return { inputTokens, newTokens: own, blocks };
}
