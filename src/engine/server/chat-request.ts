import { z } from 'zod';
import {
  generationRequest,
  GENERATION_FIELDS,
  readJson,
  piecesOfText,
  type BodyFault,
  type GenerationRequest,
} from './generation-request.ts';

/** vLLM takes what is left of the context; here, where nothing ends by itself, that would be an answer without end. */
const DEFAULT_MAX_TOKENS = 256;

/** What a chat template adds: marks around each message with its role, and the opening of the answer. */
const TOKENS_PER_MESSAGE = 4;
const ANSWER_PIECES = [-1, -2, -3];

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
  const pieces: number[] = [];
  for (const { role, content: said } of messages) {
    const [mark = 0] = piecesOfText(role);
    for (let i = 0; i < TOKENS_PER_MESSAGE; i++) pieces.push(mark);
    for (const text of textsOf(said ?? '')) for (const piece of piecesOfText(text)) pieces.push(piece);
  }
  const prompt = { pieces: [...pieces, ...ANSWER_PIECES], areIds: false };
  return generationRequest(read.body, prompt, max_completion_tokens ?? max_tokens ?? DEFAULT_MAX_TOKENS);
}

function textsOf(said: z.infer<typeof content>): readonly string[] {
  return typeof said === 'string' ? [said] : said.map(({ text }) => text);
}
