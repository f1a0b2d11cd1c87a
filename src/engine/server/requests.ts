import { z } from 'zod';
import { BOOTSTRAP_FIELDS, bootstrapOf, type Bootstrap } from './bootstrap.ts';
import { parseJson, type InvalidRequest } from './http-server.ts';
import { tokenize } from './tokenizer.ts';

/** A request to generate tokens, whichever endpoint it came to. */
export interface GenerationRequest {
  /** Null: the model that is served. */
  readonly model: string | null;
  /** One id a token; made up from the characters where the prompt is text. */
  readonly promptTokenIds: readonly number[];
  /** The client sent ids, so that `return_token_ids` sends them back. */
  readonly promptWasIds: boolean;
  readonly maxTokens: number;
  readonly stream: boolean;
  /** Usage on a chunk of its own after the last token. */
  readonly includeUsage: boolean;
  /** Usage so far on every chunk. */
  readonly continuousUsage: boolean;
  /** The ids of the prompt, and of the tokens of every chunk. */
  readonly returnTokenIds: boolean;
  /** Given by a proxy that sends the prompt to one server and the decode to another. */
  readonly kvTransfer: KvTransferParams | null;
  /** Given by a proxy that sends it to both servers at once. */
  readonly bootstrap: Bootstrap;
}

const TRUE_AS_IN_PYTHON = z.unknown().optional().transform(Boolean);

/** vLLM's fields that are read here, of whatever type: a connector has its own, and vLLM passes on what it gets. */
const kvTransferParams = z.object({
  /** Another server decodes: this one computes the prompt and holds its KV blocks. */
  do_remote_decode: TRUE_AS_IN_PYTHON,
  /** Another server has computed the prompt: the next two fields say where it is held. */
  do_remote_prefill: TRUE_AS_IN_PYTHON,
  remote_engine_id: z.unknown().optional(),
  remote_request_id: z.unknown().optional(),
});
type KvTransferParams = z.infer<typeof kvTransferParams>;

export const ONE_CHOICE = z.literal(1, { error: 'only n=1 is served' }).nullish();
const NO_LOGPROBS = z.literal(false, { error: 'there are no log probabilities here' }).nullish();

/**
 * Fields of both OpenAI endpoints. Unknown fields are ignored, `ignore_eos` too: every request generates `max_tokens`.
 * Fields whose effect a client would miss in the response are refused.
 */
const OPENAI_FIELDS = {
  model: z.string().nullish(),
  max_tokens: z.int().nullish(),
  min_tokens: z.int().min(0).nullish(),
  n: ONE_CHOICE,
  echo: z.literal(false, { error: 'a prompt is not sent back: only echo=false is served' }).nullish(),
  logprobs: NO_LOGPROBS,
  stream: z.boolean().nullish(),
  stream_options: z
    .object({ include_usage: z.boolean().nullish(), continuous_usage_stats: z.boolean().nullish() })
    .nullish(),
  return_token_ids: z.boolean().nullish(),
  kv_transfer_params: kvTransferParams.nullish(),
  ...BOOTSTRAP_FIELDS,
};
const openAiFields = z.object(OPENAI_FIELDS);

interface Prompt {
  readonly tokenIds: readonly number[];
  readonly wasIds: boolean;
}

/**
 * The request of a body's shared fields, its prompt, and the output tokens that its endpoint reads or defaults to;
 * `text`: the body unparsed.
 */
export function generationRequest(
  body: z.infer<typeof openAiFields>,
  prompt: Prompt,
  maxTokens: number,
  text: string,
): GenerationRequest | InvalidRequest {
  if ((body.min_tokens ?? 0) > maxTokens)
    return { message: `min_tokens=${body.min_tokens} is above max_tokens=${maxTokens}`, param: 'min_tokens' };
  const includeUsage = body.stream_options?.include_usage ?? false;
  return {
    model: body.model ?? null,
    promptTokenIds: prompt.tokenIds,
    promptWasIds: prompt.wasIds,
    maxTokens,
    stream: body.stream ?? false,
    includeUsage,
    continuousUsage: includeUsage && (body.stream_options?.continuous_usage_stats ?? false),
    returnTokenIds: body.return_token_ids ?? false,
    kvTransfer: body.kv_transfer_params ?? null,
    bootstrap: bootstrapOf(body, text),
  };
}

/** vLLM's default for completions. */
const COMPLETION_MAX_TOKENS = 16;

const completionBody = z.object({ ...OPENAI_FIELDS, prompt: z.unknown().optional() });

/** Parses a body of `POST /v1/completions`. */
export function parseCompletionRequest(text: string): GenerationRequest | InvalidRequest {
  const parsed = parseJson(text, completionBody);
  if ('message' in parsed) return parsed;
  const prompt = completionPrompt(parsed.body.prompt);
  if (prompt === null)
    return { message: 'prompt must be a text or a list of token ids; one prompt a request', param: 'prompt' };
  return generationRequest(parsed.body, prompt, parsed.body.max_tokens ?? COMPLETION_MAX_TOKENS, text);
}

/** A prompt in one of the four forms of the API; null if it has none of them, or there are several prompts. */
function completionPrompt(prompt: unknown): Prompt | null {
  if (typeof prompt === 'string') return { tokenIds: tokenize(prompt), wasIds: false };
  if (!Array.isArray(prompt)) return null;
  if (prompt.length === 1 && typeof prompt[0] !== 'number')
    return Array.isArray(prompt[0]) ? promptOfIds(prompt[0]) : completionPrompt(prompt[0]);
  return promptOfIds(prompt);
}

function promptOfIds(ids: readonly unknown[]): Prompt | null {
  return areTokenIds(ids) ? { tokenIds: ids, wasIds: true } : null;
}

/** By hand: a schema takes milliseconds for 100,000 ids, during which no stream is served. */
function areTokenIds(ids: readonly unknown[]): ids is readonly number[] {
  for (const id of ids) if (typeof id !== 'number' || !Number.isInteger(id) || id < 0) return false;
  return true;
}

/** vLLM defaults to the rest of the context; without a stop token that would be thousands of tokens every time. */
const CHAT_MAX_TOKENS = 256;

/** Tokens of a chat template: marks around each message with its role, and the start of the assistant's message. */
const TEMPLATE_TOKENS_PER_MESSAGE = 4;
const GENERATION_PROMPT_IDS: readonly number[] = [-1, -2, -3];

const chatContent = z.union([z.string(), z.array(z.object({ type: z.literal('text'), text: z.string() }))], {
  error: 'expected a text, or a list of parts of type text',
});

const chatBody = z.object({
  ...OPENAI_FIELDS,
  max_completion_tokens: z.int().nullish(),
  messages: z
    .array(z.object({ role: z.string(), content: chatContent.nullish() }))
    .min(1, { error: 'at least one message is needed' }),
});
type ChatBody = z.infer<typeof chatBody>;

/** Parses a body of `POST /v1/chat/completions`; `max_completion_tokens` overrides the older `max_tokens`. */
export function parseChatRequest(text: string): GenerationRequest | InvalidRequest {
  const parsed = parseJson(text, chatBody);
  if ('message' in parsed) return parsed;
  const { messages, max_completion_tokens, max_tokens } = parsed.body;
  const prompt = { tokenIds: chatTokenIds(messages), wasIds: false };
  return generationRequest(parsed.body, prompt, max_completion_tokens ?? max_tokens ?? CHAT_MAX_TOKENS, text);
}

/** An earlier answer begins as each answer does, so that a conversation that goes on begins with its ids. */
function chatTokenIds(messages: ChatBody['messages']): readonly number[] {
  const ids: number[] = [];
  for (const { role, content } of messages) {
    const [roleId = 0] = tokenize(role);
    const begin =
      role === 'assistant' ? GENERATION_PROMPT_IDS : Array<number>(TEMPLATE_TOKENS_PER_MESSAGE).fill(roleId);
    for (const id of begin) ids.push(id);
    const parts = typeof content === 'string' ? [content] : (content ?? []).map(({ text }) => text);
    for (const part of parts) for (const id of tokenize(part)) ids.push(id);
    for (let i = begin.length; i < TEMPLATE_TOKENS_PER_MESSAGE; i++) ids.push(roleId);
  }
  return [...ids, ...GENERATION_PROMPT_IDS];
}

/** SGLang's default for `/generate`. */
const GENERATE_MAX_TOKENS = 128;

const generateBody = z.object({
  text: z.string({ error: 'one prompt a request, as a text' }).nullish(),
  input_ids: z.unknown().optional(),
  sampling_params: z
    .object({ max_new_tokens: z.int().nullish(), min_new_tokens: z.int().min(0).nullish(), n: ONE_CHOICE })
    .nullish(),
  return_logprob: NO_LOGPROBS,
  stream: z.boolean().nullish(),
  ...BOOTSTRAP_FIELDS,
});
type GenerateBody = z.infer<typeof generateBody>;

/** Parses a body of SGLang's `POST /generate`. */
export function parseGenerateRequest(text: string): GenerationRequest | InvalidRequest {
  const parsed = parseJson(text, generateBody);
  if ('message' in parsed) return parsed;
  const { sampling_params: sampling, stream, bootstrap_room, bootstrap_port } = parsed.body;
  const prompt = generatePrompt(parsed.body);
  if (prompt === null)
    return { message: 'either text or input_ids (a list of token ids) must be given', param: 'input_ids' };
  return generationRequest(
    { stream, min_tokens: sampling?.min_new_tokens, bootstrap_room, bootstrap_port },
    prompt,
    sampling?.max_new_tokens ?? GENERATE_MAX_TOKENS,
    text,
  );
}

/** The prompt as text or as token ids; null if neither or both are given. */
function generatePrompt({ text, input_ids: ids }: GenerateBody): Prompt | null {
  if (typeof text !== 'string') return Array.isArray(ids) ? promptOfIds(ids) : null;
  return ids === undefined || ids === null ? { tokenIds: tokenize(text), wasIds: false } : null;
}
