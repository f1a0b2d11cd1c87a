import { z } from 'zod';
import type { Request } from '../../src/core/request.ts';
import { LENGTH_EXPECTED } from './faults.ts';
import { FieldError, quoted, type Format, type RowContext } from './format.ts';
import { given } from './given.ts';
import { fieldFault, jsonNotes, jsonRows, length, type FieldExpectation } from './json-lines.ts';
import { asLength, estimated, messagesTokens, outputLength, tokensOf } from './texts.ts';

/** All conversations stand in one object. */
const MOST_ROW_BYTES = 256 * 2 ** 20;

const row = z.object({ conversations: z.array(z.unknown()) });
const FIELDS: Readonly<Record<keyof z.infer<typeof row>, FieldExpectation>> = {
  conversations: { kind: 'length', expected: 'a list of conversations, each a list of turns' },
};
const turn = z.object({
  messages: z.array(z.record(z.string(), z.json())).min(1),
  prompt_tokens: length.nullish(),
  completion_tokens: length.nullish(),
});
type Turn = z.infer<typeof turn>;
const TURN: Readonly<Record<keyof Turn, FieldExpectation>> = {
  messages: { expected: 'a list of messages' },
  prompt_tokens: { kind: 'length', expected: LENGTH_EXPECTED },
  completion_tokens: { kind: 'length', expected: LENGTH_EXPECTED },
};

/**
 * SGLang's agentic traces: conversations as lists of turns, each with the messages that are new in its prompt (no
 * answers) and the tokens of the whole prompt. An answer is as long as the next prompt leaves room for. No times.
 */
export const sglangAgentic: Format = {
  name: 'sglang-agentic',
  begins: '{"metadata":{...},"conversations":[[{"messages":[...],"prompt_tokens":...},...],...]}',
  starts: 'none',
  hasTexts: true,
  mostRowBytes: MOST_ROW_BYTES,
  matches: (head) => /"conversations"\s*:\s*\[\s*\[/.test(head),
  notes: (_, keys) => jsonNotes(keys, [...Object.keys(FIELDS), 'metadata']),
  async *read(text, rows) {
    for await (const { line, row: found } of jsonRows(text, rows, row, FIELDS))
      for (const [i, conversation] of found.conversations.entries())
        try {
          yield* requestsOf(turnsOf(conversation, `conversations[${i}]`), `conversation-${line}-${i}`, line, rows);
        } catch (thrown) {
          if (!(thrown instanceof FieldError)) throw thrown;
          rows.bad({ line, column: null, message: thrown.message });
        }
  },
};

/** Throws a FieldError. */
function turnsOf(conversation: unknown, at: string): Turn[] {
  if (!Array.isArray(conversation)) throw new FieldError(`${at} is ${quoted(conversation)}, expected a list of turns`);
  const items: readonly unknown[] = conversation;
  return items.map((item, i) => {
    const found = turn.safeParse(item);
    if (found.success) return found.data;
    throw new FieldError(fieldFault(found.error, item, TURN, `${at}[${i}].`));
  });
}

function requestsOf(turns: readonly Turn[], session: string, line: number, rows: RowContext): Request[] {
  const tokens = tokensOf(rows);
  const fresh = turns.map(({ messages }) => asLength(messagesTokens(messages, tokens)));
  let before = 0;
  return turns.map(({ messages, prompt_tokens: prompt, completion_tokens: answer }, i) => {
    const newTokens = fresh[i] ?? 1;
    const inputTokens = prompt ?? asLength(before + newTokens);
    const next = turns[i + 1]?.prompt_tokens;
    const room = typeof next === 'number' ? next - inputTokens - (fresh[i + 1] ?? 0) : 0;
    const outputTokens = answer ?? (room > 0 ? asLength(room) : outputLength(rows));
    before = inputTokens + outputTokens;
    return {
      id: `${session}:${i}`,
      traceRow: line,
      dueUs: 0,
      inputTokens,
      outputTokens,
      session,
      turn: i,
      prompt: { kind: 'messages', messages },
      ...given({ newTokens: i === 0 ? null : newTokens }),
      ...estimated(tokens),
    };
  });
}
