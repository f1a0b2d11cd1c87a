import { isObject, textAt, type Json } from './json.ts';
import type { ChoiceContent, ChoiceReader } from './openai-events.ts';

/** Keys whose values say something about output and are none, wherever they are in a delta. */
const NO_OUTPUT =
  /(^|_)(id|type|format|status|signature|provider|model|created|object|fingerprint|finish_reason|stop_reason)$|encrypted|redacted/;
/** The same at the top of a delta; a function's name is output. */
const NO_OUTPUT_AT_TOP: ReadonlySet<string> = new Set(['role', 'name']);
/** Types of parts that stand for reasoning which is not shown; their data is no output. */
const HIDDEN_PART = /encrypted|redacted/;

/** Fields of a delta that hold output in servers known, besides those of reasoning. */
const OUTPUT = /^(content|text|refusal|audio|images?|tool_calls?|function_call|output_text)$/;
/** `reasoning` in vLLM, `reasoning_content` elsewhere, `thinking`, `thoughts`, ... */
const REASONING = /reason|think|thought/;

const SOME_OUTPUT: ChoiceContent = { text: null, output: 'text', isReasoning: false };
const SOME_REASONING: ChoiceContent = { text: null, output: 'text', isReasoning: true };
const PERHAPS: ChoiceContent = { text: '', output: 'perhaps', isReasoning: false };
const NONE: ChoiceContent = { text: null, output: 'none', isReasoning: false };

/** The text of a choice of completions. */
export function textOf(choice: Json): ChoiceContent {
  const text = textAt(choice, 'text') ?? '';
  return { text, output: text === '' ? 'perhaps' : 'text', isReasoning: false };
}

/**
 * What a delta carries: content as text or as parts, reasoning under any name, tool calls, a refusal, audio, or what a
 * later server calls its own. Text in a field that is not known may be such output or something about it: the count at
 * the end tells (`settleTokenTimes`). Some servers have a `message` in its place, as in an answer that is not streamed, or
 * the `text` of completions. A delta that has the role and nothing else is no token, and its time is not TTFT.
 */
function contentOf(choice: Json): ChoiceContent {
  const delta = [choice['delta'], choice['message']].find(isObject);
  if (delta === undefined) return textOf(choice);
  const content = delta['content'];
  if (typeof content === 'string' && content !== '') return { text: content, output: 'text', isReasoning: false };
  let isReasoning = false;
  let unknown: string | null = null;
  for (const key of Object.keys(delta)) {
    if (NO_OUTPUT_AT_TOP.has(key) || !carriesText(key, delta[key])) continue;
    if (REASONING.test(key) || isThought(delta[key])) isReasoning = true;
    else if (OUTPUT.test(key)) return SOME_OUTPUT;
    else unknown = (unknown ?? '') + JSON.stringify(delta[key]);
  }
  if (isReasoning) return SOME_REASONING;
  if (unknown !== null) return { text: null, output: 'unknown', isReasoning: false, unknown };
  return textAt(delta, 'role') === null ? PERHAPS : NONE;
}

export const CHAT: ChoiceReader = { contentOf, splitsReasoning: true };

/** `data` is output where it is audio, and none where it stands for reasoning. */
function carriesText(key: string, value: unknown, isReasoning = REASONING.test(key)): boolean {
  if (NO_OUTPUT.test(key) || (isReasoning && key === 'data')) return false;
  if (typeof value === 'string') return value !== '';
  if (Array.isArray(value)) return value.some((part) => carriesText(key, part, isReasoning));
  if (!isObject(value) || HIDDEN_PART.test(textAt(value, 'type') ?? '')) return false;
  return Object.keys(value).some((inner) => carriesText(inner, value[inner], isReasoning));
}

/** Whether a list of parts holds reasoning alone. */
function isThought(value: unknown): boolean {
  return Array.isArray(value) && value.every((part) => REASONING.test(textAt(part, 'type') ?? ''));
}
