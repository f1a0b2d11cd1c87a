import { LargeMap } from '../large-map.ts';
import { BlockScopes } from './block-scopes.ts';
import { MAX_ROW_TOKENS } from './faults.ts';
import { FieldError, type Format } from './format.ts';
import { namedNotes, namedRequests, type RowReader } from './named-rows.ts';

/** What engines use, so that turns share to the block. */
const USUAL_BLOCK = 16;
const TIME = 'time_stamp(seconds)';
/** Copies of the file have it without its unit. */
const TIME_ALONE = 'time_stamp';
const COLUMNS = ['user_id', TIME, 'query_length', 'response_length', 'round_index'];

/**
 * The interactive conversations of Bidaw (FAST 2026): cells between spaces, whole seconds, and of each round the query
 * alone, which is what is new of the prompt behind all earlier queries and responses. A user's next session begins where
 * `round_index` does not go on.
 */
export const bidaw: Format = {
  name: 'bidaw',
  begins: COLUMNS.join(' '),
  matches(head) {
    const cells = head.trim().split(/[\s,]+/);
    return COLUMNS.every((name) => cells.includes(name) || (name === TIME && cells.includes(TIME_ALONE)));
  },
  blockTokens: (_, preferred) => preferred ?? USUAL_BLOCK,
  notes: (head, keys) => namedNotes(commas(head), keys, [...COLUMNS, TIME_ALONE]),
  read: (text, rows) => namedRequests(asCsv(text), rows, reader(rows.blockTokens ?? USUAL_BLOCK)),
};

interface Conversation {
  readonly session: string;
  readonly number: number;
  readonly round: number;
  readonly turn: number;
  readonly inputTokens: number;
  /** Of the prompt and its answer. */
  readonly tokens: number;
  readonly blocks: readonly number[];
}

function reader(size: number): RowReader {
  const scopes = new BlockScopes();
  const lasts = new LargeMap<string, Conversation>();
  return {
    uses: [...COLUMNS, TIME_ALONE],
    read(fields) {
      const user = fields.text('user_id');
      if (user === undefined) throw new FieldError('user_id is missing, expected that of the user');
      const arrivalUs = fields.seconds(fields.first(TIME, TIME_ALONE));
      const newTokens = fields.tokens('query_length');
      const outputTokens = fields.tokens('response_length');
      const round = fields.count('round_index') ?? 0;
      const earlier = lasts.get(user);
      const last = earlier !== undefined && round > earlier.round ? earlier : undefined;
      const number = (earlier?.number ?? 0) + (last === undefined ? 1 : 0);
      const inputTokens = (last?.tokens ?? 0) + newTokens;
      if (inputTokens > MAX_ROW_TOKENS)
        throw new FieldError(
          `query_length is ${newTokens}, which makes a prompt of ${inputTokens} tokens with the rounds before it, expected ${MAX_ROW_TOKENS} at most`,
        );
      const blocks = scopes.grown(
        last?.blocks ?? [],
        Math.floor((last?.inputTokens ?? 0) / size),
        Math.floor(inputTokens / size),
      );
      const session = last?.session ?? (number === 1 ? user : `${user}#${number}`);
      const turn = (last?.turn ?? -1) + 1;
      lasts.set(user, { session, number, round, turn, inputTokens, tokens: inputTokens + outputTokens, blocks });
      return {
        arrivalUs,
        inputTokens,
        outputTokens,
        newTokens,
        session,
        turn,
        user,
        blocks: blocks.length === 0 ? undefined : blocks,
      };
    },
  };
}

function commas(line: string): string {
  return line
    .trim()
    .split(/[\s,]+/)
    .join(',');
}

/** The same lines with commas between their cells. */
async function* asCsv(text: AsyncIterable<string>): AsyncGenerator<string> {
  let rest = '';
  for await (const chunk of text) {
    const end = chunk.lastIndexOf('\n');
    if (end === -1) rest += chunk;
    else {
      yield `${(rest + chunk.slice(0, end))
        .replace(/^\uFEFF/, '')
        .split('\n')
        .map(commas)
        .join('\n')}\n`;
      rest = chunk.slice(end + 1);
    }
  }
  if (rest !== '') yield commas(rest);
}
