import { z } from 'zod';
import { messageOf } from '../../core/errors.ts';

/** What the engine needs of a body of `POST /v1/completions`. */
export interface CompletionRequest {
  /** Null: whichever is served. */
  readonly model: string | null;
  readonly promptTokens: number;
  readonly maxTokens: number;
  readonly stream: boolean;
  /** A last chunk with the usage; on every chunk as well. */
  readonly usage: boolean;
  readonly usageOnEveryChunk: boolean;
  readonly tokenIds: boolean;
}

/** Why a body is refused, and the field at fault. */
export interface BodyFault {
  readonly message: string;
  readonly param: string | null;
}

/** vLLM's default for completions. */
const DEFAULT_MAX_TOKENS = 16;
/** Where the prompt is text: the usual rule of thumb for English, as there is no tokenizer here. */
const CHARACTERS_PER_TOKEN = 4;

/** Unknown fields are ignored; so is `ignore_eos`, for nothing here ends before `max_tokens`. */
const schema = z.object({
  model: z.string().nullish(),
  prompt: z.unknown().optional(),
  max_tokens: z.int().nullish(),
  min_tokens: z.int().min(0).nullish(),
  n: z.literal(1, { error: 'only n=1 is served' }).nullish(),
  stream: z.boolean().nullish(),
  stream_options: z
    .object({ include_usage: z.boolean().nullish(), continuous_usage_stats: z.boolean().nullish() })
    .nullish(),
  return_token_ids: z.boolean().nullish(),
});

export function parseCompletionRequest(text: string): CompletionRequest | BodyFault {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (thrown) {
    return { message: `The body is not JSON: ${messageOf(thrown)}`, param: null };
  }
  const parsed = schema.safeParse(json);
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    const param = issue === undefined || issue.path.length === 0 ? null : issue.path.join('.');
    return { message: `${param ?? 'body'}: ${issue?.message ?? 'not understood'}`, param };
  }
  const body = parsed.data;
  const tokens = promptTokens(body.prompt);
  if (tokens === null)
    return { message: 'prompt must be a text or a list of token ids; one prompt a request', param: 'prompt' };
  const maxTokens = body.max_tokens ?? DEFAULT_MAX_TOKENS;
  if ((body.min_tokens ?? 0) > maxTokens)
    return { message: `min_tokens=${body.min_tokens} is above max_tokens=${maxTokens}`, param: 'min_tokens' };
  const usage = body.stream_options?.include_usage ?? false;
  return {
    model: body.model ?? null,
    promptTokens: tokens,
    maxTokens,
    stream: body.stream ?? false,
    usage,
    usageOnEveryChunk: usage && (body.stream_options?.continuous_usage_stats ?? false),
    tokenIds: body.return_token_ids ?? false,
  };
}

/** Length of a prompt in one of the four forms of the API; null if it is none of them, or several prompts. */
function promptTokens(prompt: unknown): number | null {
  if (typeof prompt === 'string') return Math.ceil(prompt.length / CHARACTERS_PER_TOKEN);
  if (!Array.isArray(prompt)) return null;
  if (prompt.length === 1 && typeof prompt[0] !== 'number')
    return Array.isArray(prompt[0]) ? idCount(prompt[0]) : promptTokens(prompt[0]);
  return idCount(prompt);
}

/** By hand, because a schema takes milliseconds over 100,000 ids, and all streams wait for them. */
function idCount(ids: readonly unknown[]): number | null {
  for (const id of ids) if (typeof id !== 'number' || !Number.isInteger(id) || id < 0) return null;
  return ids.length;
}
