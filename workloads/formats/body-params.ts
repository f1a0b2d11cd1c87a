import type { Json, JsonObject } from '../../src/core/request.ts';

/**
 * Fields of a request that shape its answer and that a replay may send again. Lengths, streaming and the number of
 * answers are not among them: a run decides those.
 */
const SHAPING = new Set([
  'temperature',
  'top_p',
  'top_k',
  'min_p',
  'frequency_penalty',
  'presence_penalty',
  'repetition_penalty',
  'seed',
  'stop',
  'logit_bias',
  'response_format',
  'reasoning_effort',
  'tools',
  'tool_choice',
  'parallel_tool_calls',
]);

/** The fields that a replay sends again, without those that are null; undefined where there are none. */
export function shapingParams(fields: unknown): JsonObject | undefined {
  if (!isJsonObject(fields)) return undefined;
  const found = Object.entries(fields).filter(([name, value]) => SHAPING.has(name) && value !== null);
  return found.length === 0 ? undefined : Object.fromEntries(found);
}

/** Narrows a parsed JSON value. */
export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** An object, or one that a text holds as JSON, as exports of tables have it; undefined for anything else. */
export function objectIn(value: unknown): JsonObject | undefined {
  const found = parsedIn(value);
  return isJsonObject(found) ? found : undefined;
}

/** Messages of a chat, or those that a text holds as JSON: objects with a role; undefined for anything else. */
export function messagesIn(value: unknown): readonly JsonObject[] | undefined {
  const found = parsedIn(value);
  if (!Array.isArray(found) || found.length === 0) return undefined;
  const messages: readonly Json[] = found;
  const objects = messages.filter((message) => isJsonObject(message)).filter(({ role }) => typeof role === 'string');
  return objects.length === messages.length ? objects : undefined;
}

function parsedIn(value: unknown): unknown {
  if (typeof value !== 'string' || !/^\s*[{[]/.test(value)) return value;
  try {
    return JSON.parse(value);
  } catch {
    return undefined;
  }
}
