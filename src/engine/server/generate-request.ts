import { z } from 'zod';
import { areIds } from './completion-request.ts';
import {
  generationRequest,
  NO_LOGPROBS,
  ONE_ANSWER,
  piecesOfText,
  readJson,
  type BodyFault,
  type GenerationRequest,
} from './generation-request.ts';

/** SGLang's default. */
const DEFAULT_MAX_TOKENS = 128;

const schema = z.object({
  text: z.string({ error: 'one prompt a request, as a text' }).nullish(),
  input_ids: z.unknown().optional(),
  sampling_params: z
    .object({ max_new_tokens: z.int().nullish(), min_new_tokens: z.int().min(0).nullish(), n: ONE_ANSWER })
    .nullish(),
  return_logprob: NO_LOGPROBS,
  stream: z.boolean().nullish(),
});

/** Reads a body of SGLang's `POST /generate`. */
export function parseGenerateRequest(text: string): GenerationRequest | BodyFault {
  const read = readJson(text, schema);
  if ('message' in read) return read;
  const { text: said, input_ids: ids, sampling_params: sampling, stream } = read.body;
  const prompt = typeof said === 'string' ? piecesOfText(said) : Array.isArray(ids) && areIds(ids) ? ids : null;
  if (prompt === null || (typeof said === 'string' && ids !== undefined && ids !== null))
    return { message: 'either text or input_ids (a list of token ids) must be given', param: 'input_ids' };
  return generationRequest(
    { stream, min_tokens: sampling?.min_new_tokens },
    { pieces: prompt, areIds: typeof said !== 'string' },
    sampling?.max_new_tokens ?? DEFAULT_MAX_TOKENS,
  );
}
