import type { Json, JsonObject } from '../../src/core/request.ts';
import { isJsonObject, messagesIn } from './body-params.ts';

/**
 * The messages of a span as a chat takes them: `gen_ai.input.messages`, whose messages have parts, structured or as a
 * JSON text, with `gen_ai.system_instructions` before them. Undefined where they are not there, or not whole.
 */
export function chatMessagesOf(input: unknown, instructions: unknown): readonly JsonObject[] | undefined {
  const messages = messagesIn(input);
  if (messages === undefined) return undefined;
  const converted = messages.flatMap((message) => chatMessages(message) ?? [null]);
  const whole = converted.filter((message) => message !== null);
  if (whole.length < converted.length) return undefined;
  const system = textOf(partsIn(instructions));
  return system === null || system === '' ? whole : [{ role: 'system', content: system }, ...whole];
}

/** The messages that one of them becomes, a result of a tool being a message of its own; null for parts of other kinds. */
function chatMessages(message: JsonObject): JsonObject[] | null {
  const { role, parts, content } = message;
  if (role === undefined) return null;
  if (!Array.isArray(parts)) return typeof content === 'string' ? [{ role, content }] : null;
  const list = partsIn(parts);
  const results = list.filter(({ type }) => type === 'tool_call_response');
  const calls = list.filter(({ type }) => type === 'tool_call');
  const text = textOf(list.filter((part) => !results.includes(part) && !calls.includes(part)));
  if (text === null) return null;
  const toolCalls = calls.map(({ id, name, arguments: given }) => ({
    id: id ?? '',
    type: 'function',
    function: { name: name ?? '', arguments: asText(given) },
  }));
  const own = text !== '' || calls.length > 0 || results.length === 0;
  return [
    ...(own ? [{ role, content: text, ...(calls.length > 0 ? { tool_calls: toolCalls } : {}) }] : []),
    ...results.map((part) => ({
      role: 'tool',
      tool_call_id: part['id'] ?? '',
      content: asText(part['response'] ?? part['result']),
    })),
  ];
}

function asText(value: Json | undefined): string {
  return typeof value === 'string' ? value : JSON.stringify(value ?? null);
}

function partsIn(value: unknown): JsonObject[] {
  let found: unknown = value;
  try {
    found = typeof value === 'string' ? JSON.parse(value) : value;
  } catch {
    return typeof value === 'string' ? [{ type: 'text', content: value }] : [];
  }
  return Array.isArray(found) ? found.filter((part) => isJsonObject(part)) : [];
}

/** The texts of parts; reasoning is no part of what a chat takes; null where a part is neither. */
function textOf(parts: readonly JsonObject[]): string | null {
  const texts: string[] = [];
  for (const { type, content } of parts) {
    if (type === 'reasoning' || type === 'thinking') continue;
    if (type !== 'text' || typeof content !== 'string') return null;
    texts.push(content);
  }
  return texts.join('\n');
}
