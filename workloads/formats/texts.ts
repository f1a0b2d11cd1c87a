import type { Json, JsonObject, Request } from '../../src/core/request.ts';
import { isJsonObject } from './body-params.ts';
import { MAX_ROW_TOKENS } from './faults.ts';
import type { RowContext } from './format.ts';
import { BY_CHARACTERS, type TextTokens } from './text-tokens.ts';

/** Asked for where neither a trace nor a limit in it says how long an answer is. */
const UNKNOWN_OUTPUT_TOKENS = 256;

export function tokensOf(rows: RowContext): TextTokens {
  return rows.textTokens ?? BY_CHARACTERS;
}

/** The mark of lengths that are estimates. */
export function estimated(tokens: TextTokens): { isEstimated?: true } {
  return tokens.by === null ? { isEstimated: true } : {};
}

/** Conversations do not say how long their users thought: a turn follows at once on the answer of the one before it. */
export function afterTurn({ turn = 0 }: Pick<Request, 'turn'>, before: string | null): Pick<Request, 'after'> {
  return turn === 0 || before === null ? {} : { after: [{ id: before, thinkUs: 0 }] };
}

/** A length that a request may have. */
export function asLength(tokens: number): number {
  return Math.min(Math.max(1, tokens), MAX_ROW_TOKENS);
}

/** A length that a row gives; undefined for anything but a whole number from 1. */
export function lengthIn(value: unknown): number | undefined {
  return typeof value === 'number' && Number.isInteger(value) && value >= 1 && value <= MAX_ROW_TOKENS
    ? value
    : undefined;
}

/** The first length there is, or one for rows that say none. */
export function outputLength(rows: RowContext, ...given: readonly unknown[]): number {
  const found = given.map((value) => lengthIn(value)).find((value) => value !== undefined);
  if (found !== undefined) return found;
  rows.remark?.(`how long the answer is does not stand there, ${UNKNOWN_OUTPUT_TOKENS} tokens are taken`);
  return UNKNOWN_OUTPUT_TOKENS;
}

/** Tokens of the texts of a message's content: a text, or parts of which some have one. */
export function contentTokens(content: unknown, tokens: TextTokens): number {
  if (typeof content === 'string') return tokens.count(content);
  if (!Array.isArray(content)) return 0;
  const parts: readonly unknown[] = content;
  return parts.reduce<number>((sum, part) => {
    const text = isJsonObject(part) ? part['text'] : part;
    return sum + (typeof text === 'string' ? tokens.count(text) : 0);
  }, 0);
}

/** Tokens of a list of messages, without what a chat template adds; tool calls count as the JSON that they are. */
export function messagesTokens(messages: readonly Json[], tokens: TextTokens): number {
  return messages.reduce<number>(
    (sum, message) => sum + (isJsonObject(message) ? messageTokens(message, tokens) : 0),
    0,
  );
}

export function messageTokens(message: JsonObject, tokens: TextTokens): number {
  const calls = message['tool_calls'];
  const inCalls = calls === undefined || calls === null ? 0 : tokens.count(JSON.stringify(calls));
  return contentTokens(message['content'], tokens) + inCalls;
}
