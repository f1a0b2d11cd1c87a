import { z } from 'zod';
import { LargeSet } from '../large-set.ts';
import { BlockScopes } from './block-scopes.ts';
import { LENGTH_EXPECTED, MAX_ROW_TOKENS, MOST_US } from './faults.ts';
import { quoted, type Format } from './format.ts';
import { jsonNotes, jsonRows, length, nameText, TEXT_EXPECTED, type FieldExpectation } from './json-lines.ts';
import { toolSessionFault, toolTurns, USUAL_BLOCK, type ToolSession } from './tool-turns.ts';

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
      const name = found.session_id ?? `session-${line}`;
      const session = sessionOf(found, name, line);
      const message = seen.has(name)
        ? `duplicate_id: session_id ${quoted(name)} stands in an earlier row too, expected unique ids`
        : (listsFault(found) ?? toolSessionFault(session));
      seen.add(name);
      if (message === null) yield* toolTurns(session, scopes, rows);
      else rows.bad({ line, column: null, message });
    }
  },
};

function sessionOf(found: Row, session: string, line: number): ToolSession {
  return {
    session,
    line,
    promptTokens: found.input_prompt_length,
    answers: [...found.assistant_response_length, found.final_assistant_response_length],
    results: found.tool_call_output_length,
    toolS: found.tool_call_latency,
  };
}

function listsFault({ num_turns: turns, ...found }: Row): string | null {
  const { assistant_response_length: answers, tool_call_output_length: outputs, tool_call_latency: waits } = found;
  const wanted = turns ?? answers.length;
  for (const [name, list] of Object.entries({
    assistant_response_length: answers,
    tool_call_output_length: outputs,
    tool_call_latency: waits,
  }))
    if (list.length !== wanted) return `${name} has ${list.length} entries, expected ${wanted}, one a turn`;
  return null;
}
