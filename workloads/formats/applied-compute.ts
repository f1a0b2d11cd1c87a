import { z } from 'zod';
import type { Request } from '../../src/core/request.ts';
import { LargeSet } from '../large-set.ts';
import { BlockScopes } from './block-scopes.ts';
import { LENGTH_EXPECTED, MAX_ROW_TOKENS, MOST_US } from './faults.ts';
import { quoted, type Format, type RowContext } from './format.ts';
import { jsonNotes, jsonRows, length, nameText, TEXT_EXPECTED, type FieldExpectation } from './json-lines.ts';

/** What engines use, so that turns share to the block. */
const USUAL_BLOCK = 16;

const seconds = z
  .number()
  .nonnegative()
  .max(MOST_US / 1e6);
const row = z.object({
  session_id: nameText.nullish(),
  num_turns: z.int().nonnegative().nullish(),
  input_prompt_length: length,
  assistant_response_length: z.array(length),
  tool_call_output_length: z.array(z.int().nonnegative().max(MAX_ROW_TOKENS)),
  tool_call_latency: z.array(seconds),
  final_assistant_response_length: length,
});
type Row = z.infer<typeof row>;
const FIELDS: Readonly<Record<keyof Row, FieldExpectation>> = {
  session_id: { expected: TEXT_EXPECTED },
  num_turns: { expected: 'a whole number from 0' },
  input_prompt_length: { kind: 'length', expected: LENGTH_EXPECTED },
  assistant_response_length: { kind: 'length', expected: 'a list of lengths from 1' },
  tool_call_output_length: { kind: 'length', expected: 'a list of lengths from 0' },
  tool_call_latency: { expected: 'a list of seconds' },
  final_assistant_response_length: { kind: 'length', expected: LENGTH_EXPECTED },
};

/**
 * Applied Compute's agents: a session a row, whose turns call tools. Each prompt is the one before with its answer and
 * what the tools gave; the last turn calls none. Sessions have no starts.
 */
export const appliedCompute: Format = {
  name: 'applied-compute',
  begins:
    '{"num_turns":2,"input_prompt_length":...,"assistant_response_length":[...],"tool_call_output_length":[...],...}',
  starts: 'none',
  matches: (head) => /^\{.*"input_prompt_length"\s*:/.test(head) && /"assistant_response_length"\s*:/.test(head),
  blockTokens: (_, preferred) => preferred ?? USUAL_BLOCK,
  notes: (_, keys) => jsonNotes(keys, Object.keys(FIELDS)),
  async *read(text, rows) {
    const scopes = new BlockScopes();
    const seen = new LargeSet<string>();
    for await (const { line, row: found } of jsonRows(text, rows, row, FIELDS)) {
      const session = found.session_id ?? `session-${line}`;
      const message = seen.has(session)
        ? `duplicate_id: session_id ${quoted(session)} stands in an earlier row too, expected unique ids`
        : faultOf(found);
      seen.add(session);
      if (message === null) yield* turnsOf(found, session, line, { scopes, rows });
      else rows.bad({ line, column: null, message });
    }
  },
};

function faultOf({ num_turns: turns, ...found }: Row): string | null {
  const { assistant_response_length: answers, tool_call_output_length: outputs, tool_call_latency: waits } = found;
  const wanted = turns ?? answers.length;
  for (const [name, list] of Object.entries({
    assistant_response_length: answers,
    tool_call_output_length: outputs,
    tool_call_latency: waits,
  }))
    if (list.length !== wanted) return `${name} has ${list.length} entries, expected ${wanted}, one a turn`;
  const most = [found.input_prompt_length, ...answers, ...outputs].reduce((sum, each) => sum + each, 0);
  return most <= MAX_ROW_TOKENS ? null : `the last prompt has ${most} tokens, expected ${MAX_ROW_TOKENS} at most`;
}

function* turnsOf(
  found: Row,
  session: string,
  line: number,
  { scopes, rows }: { scopes: BlockScopes; rows: RowContext },
): Generator<Request> {
  const size = rows.blockTokens ?? USUAL_BLOCK;
  const answers = [...found.assistant_response_length, found.final_assistant_response_length];
  let inputTokens = found.input_prompt_length;
  let blocks = scopes.fresh(Math.floor(inputTokens / size));
  let dueUs = 0;
  for (const [turn, outputTokens] of answers.entries()) {
    const before =
      turn === 0 ? null : { id: `${session}:${turn - 1}`, fresh: found.tool_call_output_length[turn - 1] ?? 0 };
    const thinkUs = Math.round((found.tool_call_latency[turn - 1] ?? 0) * 1e6);
    if (before !== null) {
      const shared = Math.floor(inputTokens / size);
      inputTokens += (answers[turn - 1] ?? 0) + before.fresh;
      blocks = scopes.grown(blocks, shared, Math.floor(inputTokens / size));
      dueUs += thinkUs;
    }
    yield {
      id: `${session}:${turn}`,
      traceRow: line,
      dueUs,
      inputTokens,
      outputTokens,
      session,
      turn,
      after: before === null ? [] : [{ id: before.id, thinkUs }],
      ...(before === null || before.fresh === 0 ? {} : { newTokens: before.fresh }),
      ...(blocks.length === 0 ? {} : { blocks }),
    };
  }
}
