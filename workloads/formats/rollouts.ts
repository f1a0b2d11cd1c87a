import { z } from 'zod';
import { LargeSet } from '../large-set.ts';
import { BlockScopes } from './block-scopes.ts';
import { LENGTH_EXPECTED, MAX_ROW_TOKENS } from './faults.ts';
import { quoted, type Format } from './format.ts';
import { jsonNotes, jsonRows, length, type FieldExpectation } from './json-lines.ts';
import { toolSessionFault, toolTurns, USUAL_BLOCK, type ToolSession } from './tool-turns.ts';

const number = z.int().nonnegative();
const row = z.object({
  group: number.nullish(),
  stream: number.nullish(),
  prompt_len: length,
  out_lens: z.array(length).min(1),
  obs_lens: z.array(number.max(MAX_ROW_TOKENS)),
});
type Row = z.infer<typeof row>;
const FIELDS: Readonly<Record<keyof Row, FieldExpectation>> = {
  group: { expected: 'a whole number from 0' },
  stream: { expected: 'a whole number from 0' },
  prompt_len: { kind: 'length', expected: LENGTH_EXPECTED },
  out_lens: { kind: 'length', expected: 'a list of lengths from 1' },
  obs_lens: { kind: 'length', expected: 'a list of lengths from 0' },
};

/**
 * Rollouts of reinforcement learning (tpu-inference): a stream of a group a row, its answers and what its environment
 * said behind each, which its next prompt has too. No times: a turn follows at once.
 */
export const rollouts: Format = {
  name: 'rollouts',
  begins: '{"group":0,"stream":0,"prompt_len":...,"out_lens":[...],"obs_lens":[...]}',
  starts: 'none',
  matches: (head) => /^\{.*"prompt_len"\s*:/.test(head) && /"out_lens"\s*:/.test(head),
  blockTokens: (_, preferred) => preferred ?? USUAL_BLOCK,
  notes: (_, keys) => [
    'streams of a group are sessions of their own: whether they begin with the same prompt is not in the file',
    ...jsonNotes(keys, Object.keys(FIELDS)),
  ],
  async *read(text, rows) {
    const scopes = new BlockScopes();
    const seen = new LargeSet<string>();
    for await (const { line, row: found } of jsonRows(text, rows, row, FIELDS)) {
      const session = sessionOf(found, line);
      const name = session.session;
      const message = seen.has(name)
        ? `duplicate_id: ${quoted(name)} stands in an earlier row too, expected each stream of a group once`
        : (lengthsFault(found) ?? toolSessionFault(session));
      seen.add(name);
      if (message === null) yield* toolTurns(session, scopes, rows);
      else rows.bad({ line, column: null, message });
    }
  },
};

function sessionOf({ group, stream, prompt_len, out_lens, obs_lens }: Row, line: number): ToolSession {
  const name = [typeof group === 'number' ? `group-${group}` : '', `stream-${stream ?? line}`];
  return {
    session: name.filter((part) => part !== '').join('-'),
    line,
    promptTokens: prompt_len,
    answers: out_lens,
    results: obs_lens,
  };
}

/** What the environment said behind the last answer may be missing. */
function lengthsFault({ out_lens: answers, obs_lens: said }: Row): string | null {
  const missing = answers.length - said.length;
  return missing === 0 || missing === 1
    ? null
    : `obs_lens has ${said.length} entries, expected ${answers.length}, one an answer`;
}
