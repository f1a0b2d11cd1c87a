import { z } from 'zod';
import {
  generationRequest,
  GENERATION_FIELDS,
  readJson,
  piecesOfText,
  type BodyFault,
  type GenerationRequest,
} from './generation-request.ts';

/** vLLM's default for completions. */
const DEFAULT_MAX_TOKENS = 16;

const schema = z.object({ ...GENERATION_FIELDS, prompt: z.unknown().optional() });

/** Reads a body of `POST /v1/completions`. */
export function parseCompletionRequest(text: string): GenerationRequest | BodyFault {
  const read = readJson(text, schema);
  if ('message' in read) return read;
  const prompt = readPrompt(read.body.prompt);
  if (prompt === null)
    return { message: 'prompt must be a text or a list of token ids; one prompt a request', param: 'prompt' };
  return generationRequest(read.body, prompt, read.body.max_tokens ?? DEFAULT_MAX_TOKENS);
}

interface Prompt {
  readonly pieces: readonly number[];
  readonly areIds: boolean;
}

/** A prompt in one of the four forms of the API; null if it is none of them, or several prompts. */
function readPrompt(prompt: unknown): Prompt | null {
  if (typeof prompt === 'string') return { pieces: piecesOfText(prompt), areIds: false };
  if (!Array.isArray(prompt)) return null;
  if (prompt.length === 1 && typeof prompt[0] !== 'number')
    return Array.isArray(prompt[0]) ? readIds(prompt[0]) : readPrompt(prompt[0]);
  return readIds(prompt);
}

function readIds(ids: readonly unknown[]): Prompt | null {
  return areIds(ids) ? { pieces: ids, areIds: true } : null;
}

/** By hand, because a schema takes milliseconds over 100,000 ids, and all streams wait for them. */
export function areIds(ids: readonly unknown[]): ids is readonly number[] {
  for (const id of ids) if (typeof id !== 'number' || !Number.isInteger(id) || id < 0) return false;
  return true;
}
