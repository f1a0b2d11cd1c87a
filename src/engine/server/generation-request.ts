import { z } from 'zod';
import { messageOf } from '../../core/errors.ts';

/** What the engine needs of a request to generate, whichever endpoint it came to. */
export interface GenerationRequest {
  /** Null: whichever is served. */
  readonly model: string | null;
  /** One piece a token, as far as they can be told apart without a tokenizer. */
  readonly promptPieces: readonly number[];
  readonly maxTokens: number;
  readonly stream: boolean;
  /** A last chunk with the usage; on every chunk as well. */
  readonly usage: boolean;
  readonly usageOnEveryChunk: boolean;
  /** Send back the ids of the prompt and of every chunk. */
  readonly tokenIds: boolean;
  /** The prompt's, where they are sent back; null where it was text, and they are made up. */
  readonly promptIds: readonly number[] | null;
  /** Where a proxy asks one server for the prompt and another for the rest. */
  readonly kvTransfer: KvTransferParams | null;
}

/** Why a body is refused, and the field at fault. */
export interface BodyFault {
  readonly message: string;
  readonly param: string | null;
}

/** vLLM's, as far as they are read here: what else there is passes by unseen. */
const kvTransferParams = z.object({
  /** Another server is to decode: this one computes the prompt and holds its memory. */
  do_remote_decode: z.boolean().nullish(),
  /** Another server has computed the prompt, and says here where. */
  do_remote_prefill: z.boolean().nullish(),
  remote_engine_id: z.string().nullish(),
  remote_request_id: z.string().nullish(),
});
type KvTransferParams = z.infer<typeof kvTransferParams>;

/** Every token of the engine is this one: clients count and time tokens, they do not read them. */
export const TOKEN_TEXT = ' token';
export const TOKEN_ID = 4037;

/** The usual rule of thumb for English, as there is no tokenizer here. */
const CHARACTERS_PER_TOKEN = 4;

/** A text as one number for each token: texts that begin alike begin with the same numbers. */
export function piecesOfText(text: string): number[] {
  const pieces: number[] = [];
  for (let at = 0; at < text.length; at += CHARACTERS_PER_TOKEN) {
    let piece = 0;
    // 13 bits a character: ASCII and most alphabets are told apart.
    for (let i = at; i < Math.min(at + CHARACTERS_PER_TOKEN, text.length); i++)
      piece = piece * 8192 + (text.charCodeAt(i) & 8191);
    pieces.push(piece);
  }
  return pieces;
}

/** The text that `piecesOfText` made pieces of, as far as its characters are told apart. */
export function textOfPieces(pieces: readonly number[]): string {
  return pieces.map(textOfPiece).join('');
}

function textOfPiece(piece: number): string {
  if (piece === TOKEN_ID) return TOKEN_TEXT;
  let text = '';
  for (let left = piece; left > 0; left = Math.floor(left / 8192)) text = String.fromCharCode(left % 8192) + text;
  return text;
}

export const ONE_ANSWER = z.literal(1, { error: 'only n=1 is served' }).nullish();
export const NO_LOGPROBS = z.literal(false, { error: 'there are no log probabilities here' }).nullish();

/** Fields that all endpoints share. Unknown ones are ignored; so is `ignore_eos`, for nothing ends before its maximum. */
export const GENERATION_FIELDS = {
  model: z.string().nullish(),
  max_tokens: z.int().nullish(),
  min_tokens: z.int().min(0).nullish(),
  n: ONE_ANSWER,
  // Not to be passed over: who asks for them reads them.
  echo: z.literal(false, { error: 'a prompt is not sent back: only echo=false is served' }).nullish(),
  logprobs: NO_LOGPROBS,
  stream: z.boolean().nullish(),
  stream_options: z
    .object({ include_usage: z.boolean().nullish(), continuous_usage_stats: z.boolean().nullish() })
    .nullish(),
  return_token_ids: z.boolean().nullish(),
  kv_transfer_params: kvTransferParams.nullish(),
};
const fields = z.object(GENERATION_FIELDS);

/** Reads a body by an endpoint's schema. */
export function readJson<T>(text: string, schema: z.ZodType<T>): { readonly body: T } | BodyFault {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (thrown) {
    return { message: `The body is not JSON: ${messageOf(thrown)}`, param: null };
  }
  const parsed = schema.safeParse(json);
  if (parsed.success) return { body: parsed.data };
  const issue = parsed.error.issues[0];
  const param = issue === undefined || issue.path.length === 0 ? null : issue.path.join('.');
  return { message: `${param ?? 'body'}: ${issue?.message ?? 'not understood'}`, param };
}

/** Puts a request together from what the endpoints share, the prompt and the maximum. */
export function generationRequest(
  body: z.infer<typeof fields>,
  prompt: { readonly pieces: readonly number[]; readonly areIds: boolean },
  maxTokens: number,
): GenerationRequest | BodyFault {
  if ((body.min_tokens ?? 0) > maxTokens)
    return { message: `min_tokens=${body.min_tokens} is above max_tokens=${maxTokens}`, param: 'min_tokens' };
  const tokenIds = body.return_token_ids ?? false;
  const usage = body.stream_options?.include_usage ?? false;
  return {
    model: body.model ?? null,
    promptPieces: prompt.pieces,
    maxTokens,
    stream: body.stream ?? false,
    usage,
    usageOnEveryChunk: usage && (body.stream_options?.continuous_usage_stats ?? false),
    tokenIds,
    promptIds: tokenIds && prompt.areIds ? prompt.pieces : null,
    kvTransfer: body.kv_transfer_params ?? null,
  };
}
