import type { Json, JsonObject, Request } from '../../src/core/request.ts';
import { isJsonObject } from './body-params.ts';
import type { RowContext } from './format.ts';
import { given } from './given.ts';
import { nameText } from './json-lines.ts';
import { asLength, estimated, lengthIn, messagesTokens, outputLength, tokensOf } from './texts.ts';
import type { TextTokens } from './text-tokens.ts';

/** Token counts that a server gave for a request. */
export interface Usage {
  readonly input: number;
  readonly output: number;
}

/** `prompt_tokens` and `completion_tokens` of an answer's usage; null where they are not both there. */
export function usageIn(value: unknown): Usage | null {
  const usage = isJsonObject(value) ? value['usage'] : undefined;
  if (!isJsonObject(usage)) return null;
  const input = lengthIn(usage['prompt_tokens'] ?? usage['input_tokens']);
  const output = lengthIn(usage['completion_tokens'] ?? usage['output_tokens']);
  return input === undefined || output === undefined ? null : { input, output };
}

/** Whether an object is the body of a completion or a chat. */
export function isBody(value: unknown): value is JsonObject {
  return isJsonObject(value) && (Array.isArray(value['messages']) || isPrompt(value['prompt']));
}

function isPrompt(value: unknown): boolean {
  return typeof value === 'string' || (Array.isArray(value) && value.length > 0);
}

type BodyRequest = Pick<Request, 'inputTokens' | 'outputTokens' | 'isEstimated' | 'payload' | 'model'>;

/** A request that is sent as its body stands; lengths by the usage of its answer where that is known. */
export function bodyRequest(body: JsonObject, usage: Usage | null, rows: RowContext): BodyRequest {
  const tokens = tokensOf(rows);
  const limits = [body['max_completion_tokens'], body['max_tokens']];
  return {
    inputTokens: usage?.input ?? asLength(promptTokens(body, tokens)),
    outputTokens: usage?.output ?? outputLength(rows, ...limits),
    payload: body,
    ...(usage === null ? estimated(tokens) : {}),
    ...given({ model: nameText.safeParse(body['model']).data }),
  };
}

/** Tokens of a body's prompt: messages, a text, ids, or a list of one of them. */
function promptTokens({ messages, prompt, tools }: JsonObject, tokens: TextTokens): number {
  const inTools = tools === undefined || tools === null ? 0 : tokens.count(JSON.stringify(tools));
  if (Array.isArray(messages)) {
    const list: readonly Json[] = messages;
    return messagesTokens(list, tokens) + inTools;
  }
  if (typeof prompt === 'string') return tokens.count(prompt);
  const parts: readonly Json[] = Array.isArray(prompt) ? prompt : [];
  return parts.reduce<number>((sum, part) => sum + (typeof part === 'string' ? tokens.count(part) : 1), 0);
}
