import { Agent, request } from 'undici';
import { z } from 'zod';
import { EXIT, messageOf, UserError } from '../core/errors.ts';

const PATIENCE_MS = 30_000;
const answer = z.looseObject({ tokens: z.array(z.int()) });

export interface ServerAccess {
  readonly url: URL;
  /** Added to every call. */
  readonly headers: Readonly<Record<string, string>>;
  readonly insecure: boolean;
}

/**
 * `POST /tokenize` of vLLM and SGLang: the ids of a text, without the tokens that the tokenizer adds. What it throws is
 * a UserError that names what the server said instead.
 */
export function serverTokenizer(
  { url, headers, insecure }: ServerAccess,
  model: string,
): { encode: (text: string) => Promise<readonly number[]>; close: () => Promise<void> } {
  const place = new URL(`${url.pathname.replace(/\/$/, '')}/tokenize`, url);
  const dispatcher = new Agent({ connect: { rejectUnauthorized: !insecure } });
  const encode = async (text: string): Promise<readonly number[]> => {
    const { statusCode, body } = await post(place, headers, dispatcher, { model, prompt: text });
    const parsed = statusCode === 200 ? answer.safeParse(parseJson(body)) : null;
    if (parsed?.success === true) return parsed.data.tokens;
    throw new UserError(
      `--tokenizer server: ${place.href} answered ${statusCode}${statusCode === 200 ? ' without a list of tokens' : ''}: ${body.slice(0, 200)}; give the model's tokenizer.json (--tokenizer FILE), or leave it out for prompts of nearly the length asked for`,
    );
  };
  return { encode, close: () => dispatcher.close() };
}

async function post(
  place: URL,
  headers: ServerAccess['headers'],
  dispatcher: Agent,
  body: object,
): Promise<{ statusCode: number; body: string }> {
  try {
    const reply = await request(place, {
      method: 'POST',
      headers: { ...headers, 'content-type': 'application/json' },
      body: JSON.stringify({ ...body, add_special_tokens: false }),
      signal: AbortSignal.timeout(PATIENCE_MS),
      dispatcher,
    });
    return { statusCode: reply.statusCode, body: await reply.body.text() };
  } catch (thrown) {
    throw new UserError(`--tokenizer server: ${place.href} does not answer: ${messageOf(thrown)}`, {
      exitCode: EXIT.unreachable,
      cause: thrown,
    });
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
