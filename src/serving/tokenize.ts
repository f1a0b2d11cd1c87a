import { z } from 'zod';
import { EXIT, messageOf, UserError } from '../core/errors.ts';
import { textsFrom } from '../core/outside-text.ts';
import type { ServerAccess } from '../replay/transport.ts';
import { httpOnce, type Reply } from './http-once.ts';

const PATIENCE_MS = 30_000;
const answer = z.looseObject({ tokens: z.array(z.int()) });

/**
 * `POST /tokenize` of vLLM and SGLang: the ids of a text, without the tokens that the tokenizer adds. Throws a UserError
 * that quotes any other answer.
 */
export async function tokenizeOnServer(access: ServerAccess, model: string, text: string): Promise<readonly number[]> {
  const reply = await answered(access, { model, prompt: text, add_special_tokens: false });
  const tokens = tokensIn(reply);
  if (tokens !== null) return tokens;
  const { status, text: said } = reply;
  throw new UserError(
    `--tokenizer server: /tokenize of ${access.url.href} answered ${status}${status === 200 ? ' without a list of tokens' : ''}: ${textsFrom(access).quoted(said)}; give the model's tokenizer.json (--tokenizer FILE), or leave it out for prompts of nearly the length asked for`,
  );
}

/** Why `POST /tokenize` gives no ids; null: it does. Throws what the network throws. */
export async function tokenizeFault(access: ServerAccess, model: string): Promise<string | null> {
  const reply = await post(access, { model, prompt: 'a', add_special_tokens: false });
  if (tokensIn(reply) !== null) return null;
  return `HTTP ${reply.status}${reply.status === 200 ? ' without a list of tokens' : ''}`;
}

function tokensIn({ status, json }: Reply): readonly number[] | null {
  return status === 200 ? (answer.safeParse(json).data?.tokens ?? null) : null;
}

function post(access: ServerAccess, body: object): Promise<Reply> {
  const headers = { 'content-type': 'application/json' };
  return httpOnce(access, '/tokenize', PATIENCE_MS, { headers, body: Buffer.from(JSON.stringify(body)) });
}

async function answered(access: ServerAccess, body: object): Promise<Reply> {
  try {
    return await post(access, body);
  } catch (thrown) {
    if (thrown instanceof UserError) throw thrown;
    throw new UserError(`--tokenizer server: /tokenize of ${access.url.href} does not answer: ${messageOf(thrown)}`, {
      exitCode: EXIT.unreachable,
      cause: thrown,
    });
  }
}
