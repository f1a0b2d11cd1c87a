import type { InputIs } from '../../src/core/plan.ts';
import type { Json, Request } from '../../src/core/request.ts';
import { faultName, LENGTH_EXPECTED } from './faults.ts';
import { quoted, type RowContext } from './format.ts';
import { chatMessagesOf } from './otel-messages.ts';
import type { Span } from './otel-spans.ts';
import { asLength, contentTokens, estimated, lengthIn, messagesTokens, outputLength, tokensOf } from './texts.ts';

/** Names of attributes by the convention first, then those that it had, then those of OpenLLMetry and OpenInference. */
const INPUT_TOKENS = [
  'gen_ai.usage.input_tokens',
  'gen_ai.usage.prompt_tokens',
  'llm.usage.prompt_tokens',
  'llm.token_count.prompt',
];
const OUTPUT_TOKENS = [
  'gen_ai.usage.output_tokens',
  'gen_ai.usage.completion_tokens',
  'llm.usage.completion_tokens',
  'llm.token_count.completion',
];
const CACHE_READ = [
  'gen_ai.usage.cache_read.input_tokens',
  'gen_ai.usage.cache_read_input_tokens',
  'llm.token_count.prompt_details.cache_read',
];
const CACHE_WRITE = [
  'gen_ai.usage.cache_creation.input_tokens',
  'gen_ai.usage.cache_write.input_tokens',
  'gen_ai.usage.cache_creation_input_tokens',
  'llm.token_count.prompt_details.cache_write',
];

/** Whether a span says how many tokens went in or out. */
export function hasCounts(attributes: ReadonlyMap<string, Json>): boolean {
  return first(attributes, [...INPUT_TOKENS, ...OUTPUT_TOKENS]) !== undefined;
}

/** Of the names that an attribute has had, the first that is there. */
export function first(attributes: ReadonlyMap<string, Json>, names: readonly string[]): Json | undefined {
  const name = names.find((each) => attributes.has(each));
  return name === undefined ? undefined : attributes.get(name);
}

export type Lengths = Pick<Request, 'inputTokens' | 'outputTokens' | 'isEstimated'>;

/** Tokens of a span's prompt and answer, whatever stands there. */
interface Counts {
  readonly input: Json | undefined;
  readonly output: Json | undefined;
}

export function countsOf({ attributes }: Span, inputIs: InputIs | undefined): Counts {
  const [input, output] = [INPUT_TOKENS, OUTPUT_TOKENS].map((names) => numberIn(first(attributes, names)));
  return {
    input: typeof input === 'number' ? input + uncounted(attributes, inputIs) : input,
    output,
  };
}

/** Some instrumentations write counts as texts. */
function numberIn(value: Json | undefined): Json | undefined {
  return typeof value === 'string' && /^\d+$/.test(value) ? Number(value) : value;
}

/** A text: what is wrong with them. */
export function lengthsOf(span: Span, { input, output }: Counts, rows: RowContext): Lengths | string {
  const { attributes, hasFailed } = span;
  const texts = hasFailed ? null : textLengths(attributes, rows);
  if (texts !== null && (input === undefined || output === undefined)) {
    const inputTokens = input === undefined ? texts.input() : lengthIn(input);
    const outputTokens = output === undefined ? texts.output() : lengthIn(output);
    if (inputTokens !== undefined && outputTokens !== undefined)
      return { inputTokens, outputTokens, ...estimated(tokensOf(rows)) };
  }
  const [inputTokens, outputTokens] = [lengthIn(input), lengthIn(output)];
  if (inputTokens === undefined) return fault(INPUT_TOKENS, input);
  if (outputTokens === undefined) return fault(OUTPUT_TOKENS, output);
  if (rows.inputIs !== 'uncached' && inputTokens < (cached(attributes) ?? 0))
    rows.remark?.(
      'more cached tokens than input tokens: these count what was not cached; --input-is uncached adds the others',
    );
  return { inputTokens, outputTokens };
}

/** Of a span whose instrumentation kept what was said and counted nothing; null where it kept nothing either. */
function textLengths(
  attributes: ReadonlyMap<string, Json>,
  rows: RowContext,
): { readonly input: () => number; readonly output: () => number } | null {
  const messages = chatMessagesOf(
    attributes.get('gen_ai.input.messages'),
    attributes.get('gen_ai.system_instructions'),
  );
  if (messages === undefined) return null;
  const tokens = tokensOf(rows);
  return {
    input: () =>
      asLength(messagesTokens(messages, tokens) + contentTokens(attributes.get('gen_ai.tool.definitions'), tokens)),
    output() {
      const said = chatMessagesOf(attributes.get('gen_ai.output.messages'), undefined);
      const text = said === undefined ? attributes.get('gen_ai.output.text') : undefined;
      if (said !== undefined) return asLength(messagesTokens(said, tokens));
      return typeof text === 'string'
        ? asLength(tokens.count(text))
        : outputLength(rows, attributes.get('gen_ai.request.max_tokens'));
    },
  };
}

function fault(names: readonly string[], value: Json | undefined): string {
  const found = value === undefined ? 'missing' : quoted(value);
  return `${faultName('length', value)}${names[0]} is ${found}, expected ${LENGTH_EXPECTED}`;
}

/** Tokens of the prompt that were read from a cache, or written to it, where the input tokens count neither. */
function uncounted(attributes: ReadonlyMap<string, Json>, inputIs: InputIs | undefined): number {
  if (inputIs !== 'uncached') return 0;
  return (cached(attributes) ?? 0) + (lengthIn(first(attributes, CACHE_WRITE)) ?? 0);
}

export function cached(attributes: ReadonlyMap<string, Json>): number | undefined {
  const found = first(attributes, CACHE_READ);
  return found === 0 ? 0 : lengthIn(found);
}
