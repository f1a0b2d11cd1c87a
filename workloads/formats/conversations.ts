import type { JsonObject, Request } from '../../src/core/request.ts';
import { LargeSet } from '../large-set.ts';
import { isJsonObject } from './body-params.ts';
import { FieldError, quoted, type Format, type RowContext } from './format.ts';
import { given } from './given.ts';
import { jsonLines, jsonNotes, keysOf, nameText, noObject } from './json-lines.ts';
import { afterTurn, asLength, estimated, messageTokens, tokensOf } from './texts.ts';
import { rowId } from '../row-id.ts';

/** A corpus of conversations: a row is one, and each answer in it a request with all before it as its prompt. */
interface Corpus {
  readonly name: string;
  readonly begins: string;
  /** Keys of a conversation's id, and of its messages. */
  readonly id: string;
  readonly list: string;
  readonly matches: (keys: readonly string[]) => boolean;
}

const has = (keys: readonly string[], ...names: readonly string[]): boolean =>
  names.every((name) => keys.includes(name));

/** ShareGPT, and SGLang's own sets of the same form, whose messages may name nobody and then take turns. */
export const shareGpt = corpus({
  name: 'sharegpt',
  begins: '{"id":...,"conversations":[{"from":"human","value":...},{"from":"gpt","value":...}]}',
  id: 'id',
  list: 'conversations',
  matches: (keys) => has(keys, 'conversations') && !has(keys, 'metadata'),
});

/** WildChat: its times are those at which answers ended, and none at which a request came. */
export const wildChat = corpus({
  name: 'wildchat',
  begins: '{"conversation_hash":...,"model":...,"conversation":[{"role":"user","content":...},...]}',
  id: 'conversation_hash',
  list: 'conversation',
  matches: (keys) => has(keys, 'conversation_hash', 'conversation'),
});

/** LMSYS-Chat-1M. */
export const lmsysChat = corpus({
  name: 'lmsys-chat',
  begins: '{"conversation_id":...,"model":...,"conversation":[{"role":"user","content":...},...]}',
  id: 'conversation_id',
  list: 'conversation',
  matches: (keys) => has(keys, 'conversation_id', 'conversation'),
});

function corpus({ name, begins, id, list, matches }: Corpus): Format {
  const used = [id, list, 'model'];
  return {
    name,
    begins,
    starts: 'none',
    hasTexts: true,
    matches: (head, rows) => [head, ...rows.slice(0, 20)].some((line) => matches(keysOf(line))),
    notes: (_, keys) => [
      'a corpus of texts: it has no arrival times and no think times, and says nothing of load',
      ...jsonNotes(keys, used),
    ],
    async *read(text, rows) {
      const sessions = new LargeSet<string>();
      let seq = 0;
      for await (const lines of jsonLines(text, rows, new Set(used)))
        for (const found of lines) {
          const { line, value } = found;
          if (!isJsonObject(value)) {
            rows.bad(noObject(found, `${id}, ${list}`));
            continue;
          }
          const named = nameText.safeParse(value[id]).data ?? `conversation-${line}`;
          // Parts of a conversation, and conversations that stand twice, may share an id.
          const session = sessions.has(named) ? `${named}#${line}` : named;
          sessions.add(session);
          const model = nameText.safeParse(value['model']).data;
          try {
            const messages = messagesOf(value[list], list);
            for (const turn of turnsOf(messages, rows, line)) {
              const after = afterTurn(turn, rowId(seq - 1));
              yield { id: rowId(seq++), traceRow: line, dueUs: 0, ...turn, session, ...after, ...given({ model }) };
            }
          } catch (thrown) {
            if (!(thrown instanceof FieldError)) throw thrown;
            rows.bad({ line, column: null, message: thrown.message });
          }
        }
    },
  };
}

/** Who speaks, by the names that corpora use. */
const ROLES: Readonly<Record<string, string>> = {
  human: 'user',
  user: 'user',
  gpt: 'assistant',
  chatgpt: 'assistant',
  bing: 'assistant',
  bard: 'assistant',
  assistant: 'assistant',
  model: 'assistant',
  system: 'system',
  // A chat takes results of tools by the ids of their calls, which corpora do not have.
  tool: 'user',
  function: 'user',
  observation: 'user',
};

/** The messages of a conversation as a chat takes them. Throws a FieldError. */
function messagesOf(value: unknown, name: string): JsonObject[] {
  if (!Array.isArray(value)) throw new FieldError(`${name} is ${quoted(value)}, expected a list of messages`);
  const list: readonly unknown[] = value;
  return list.map((message, i) => {
    if (!isJsonObject(message)) throw new FieldError(`${name}[${i}] is ${quoted(message)}, expected a message`);
    const from = message['from'] ?? message['role'] ?? (i % 2 === 0 ? 'user' : 'assistant');
    const role = typeof from === 'string' && Object.hasOwn(ROLES, from) ? ROLES[from] : undefined;
    if (role === undefined)
      throw new FieldError(
        `the sender of ${name}[${i}] is ${quoted(from)}, expected one of ${Object.keys(ROLES).join(', ')}`,
      );
    const content = message['value'] ?? message['content'] ?? '';
    if (typeof content === 'string' || Array.isArray(content)) return { role, content };
    throw new FieldError(`the text of ${name}[${i}] is ${quoted(content)}, expected a text`);
  });
}

type Turn = Pick<Request, 'turn' | 'inputTokens' | 'outputTokens' | 'newTokens' | 'prompt' | 'isEstimated'>;

/**
 * The answers of a conversation as requests: the whole of what stands before an answer is its prompt. An answer before
 * any question has no prompt of its own: it is left out, as pieces of conversations that were cut begin with one.
 */
export function* turnsOf(messages: readonly JsonObject[], rows: RowContext, line: number): Generator<Turn> {
  const tokens = tokensOf(rows);
  if (messages.length === 0) rows.leftOut?.({ line, reason: 'a conversation without messages' });
  const history: JsonObject[] = [];
  let inHistory = 0;
  let known = 0;
  let turn = 0;
  let isAsked = false;
  for (const message of messages) {
    const count = messageTokens(message, tokens);
    if (message['role'] === 'assistant') {
      if (!isAsked) {
        rows.leftOut?.({ line, reason: 'an answer without a question before it' });
        continue;
      }
      if (count === 0) {
        rows.leftOut?.({ line, reason: 'an empty answer' });
        continue;
      }
      yield {
        turn,
        inputTokens: asLength(inHistory),
        outputTokens: asLength(count),
        ...(turn > 0 && inHistory > known ? { newTokens: asLength(inHistory - known) } : {}),
        prompt: { kind: 'messages', messages: [...history] },
        ...estimated(tokens),
      };
      turn++;
      known = inHistory + count;
    } else if (message['role'] !== 'system') isAsked = true;
    history.push(message);
    inHistory += count;
  }
  if (turn === 0 && isAsked) rows.leftOut?.({ line, reason: 'a conversation without an answer' });
}
