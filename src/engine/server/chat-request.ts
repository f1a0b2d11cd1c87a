import { z } from 'zod';
import {
  generationRequest,
  GENERATION_FIELDS,
  readJson,
  tokensOfText,
  type BodyFault,
  type GenerationRequest,
} from './generation-request.ts';

/** vLLM takes what is left of the context; here, where nothing ends by itself, that would be an answer without end. */
const DEFAULT_MAX_TOKENS = 256;

/** What a chat template adds: marks around each message with its role, and the opening of the answer. */
const TOKENS_PER_MESSAGE = 4;
const TOKENS_PER_ANSWER = 3;

const content = z.union([z.string(), z.array(z.object({ type: z.literal('text'), text: z.string() }))], {
  error: 'expected a text, or a list of parts of type text',
});

const schema = z.object({
  ...GENERATION_FIELDS,
  max_completion_tokens: z.int().nullish(),
  messages: z
    .array(z.object({ role: z.string(), content: content.nullish() }))
    .min(1, { error: 'at least one message is needed' }),
});

/** Reads a body of `POST /v1/chat/completions`; `max_completion_tokens` wins over the older `max_tokens`. */
export function parseChatRequest(text: string): GenerationRequest | BodyFault {
  const read = readJson(text, schema);
  if ('message' in read) return read;
  const { messages, max_completion_tokens, max_tokens } = read.body;
  let tokens = TOKENS_PER_ANSWER;
  for (const message of messages) tokens += TOKENS_PER_MESSAGE + contentTokens(message.content ?? '');
  return generationRequest(read.body, { tokens, ids: null }, max_completion_tokens ?? max_tokens ?? DEFAULT_MAX_TOKENS);
}

function contentTokens(value: z.infer<typeof content>): number {
  if (typeof value === 'string') return tokensOfText(value);
  return value.reduce((sum, part) => sum + tokensOfText(part.text), 0);
}
