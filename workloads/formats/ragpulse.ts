import type { Format } from './format.ts';
import { namedNotes, namedRequests, type RowReader } from './named-rows.ts';

const USES = ['timestamp', 'input_length', 'output_length', 'session_id'];

/**
 * RAGPulse (Wang et al., 2025): seconds as texts, whole prompts. Its `hash_ids` are those of the parts of a prompt, in
 * five lists (system prompt, passages, history, web search, question); how long a part is stands in other files, so that
 * nothing tells how far two prompts are alike.
 */
export const ragPulse: Format = {
  name: 'ragpulse',
  begins:
    '{"timestamp":"0","input_length":...,"output_length":...,"hash_ids":{"sys_prompt":[...],...},"session_id":"..."}',
  matches: (head) => /^\{.*"hash_ids"\s*:\s*\{/.test(head) && /"input_length"\s*:/.test(head),
  notes: (head, keys) => [
    'no_prefix_blocks: hash_ids are of parts whose lengths are not in the file: no prompt begins like another',
    ...namedNotes(head, keys, [...USES, 'hash_ids']),
  ],
  read: (text, rows) => namedRequests(text, rows, reader()),
};

function reader(): RowReader {
  const turns = new Map<string, number>();
  return {
    uses: USES,
    read(fields) {
      const session = fields.text('session_id');
      const arrivalUs = fields.seconds('timestamp');
      const inputTokens = fields.tokens('input_length');
      const outputTokens = fields.tokens('output_length');
      if (session === undefined) return { arrivalUs, inputTokens, outputTokens };
      const turn = turns.get(session) ?? 0;
      turns.set(session, turn + 1);
      return { arrivalUs, inputTokens, outputTokens, session, turn };
    },
  };
}
