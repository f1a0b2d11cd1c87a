import { setTimeout } from 'node:timers/promises';
import { ALL_CAPABILITIES, makeCodec, type CodecOptions, type ServerCapabilities } from '../../adapters/index.ts';
import { EXIT, messageOf, UserError } from '../core/errors.ts';
import type { PromptMaker } from '../core/codec.ts';
import type { TokenCountSource } from '../core/record.ts';
import { withoutSecrets } from '../core/secrets.ts';
import type { ServerAccess } from '../replay/transport.ts';
import { httpOnce, type Reply } from './http-once.ts';
import { refusedCredentials } from './reach.ts';
import { withoutUnknown } from './unknown-fields.ts';

/** The smallest request that shows how tokens are told: one after another. */
const REQUEST = { id: 'capability-probe', traceRow: 0, dueUs: 0, inputTokens: 8, outputTokens: 2 };

/** Too many requests, or not just now: worth another try, for what is not learnt is guessed for the whole run. */
const BUSY: ReadonlySet<number> = new Set([429, 503]);
const PAUSES_MS = [500, 1000, 2000];

/** What a server answered to a request such as the run will send. */
export type Probed =
  | {
      readonly kind: 'answered';
      readonly capabilities: ServerCapabilities;
      readonly countedBy: TokenCountSource | null;
    }
  /** It was too busy, or did not answer at all: nothing is known. */
  | { readonly kind: 'silent'; readonly why: string }
  /** There is no such endpoint, or it takes no request of this kind at all. */
  | { readonly kind: 'no endpoint'; readonly why: string };

/**
 * Asks a server once for two tokens with all that a codec can ask for, and again without what it refuses, until it
 * answers: hosted endpoints refuse fields that they do not know. What came back says how tokens can be counted.
 * `mayEcho`: ask for token ids, which bring the prompt back as well. Throws a UserError with exit code 3 where an answer
 * is not what the adapter understands.
 */
export async function probe(
  access: ServerAccess,
  adapter: string,
  options: CodecOptions,
  prompts: PromptMaker,
  patienceMs: number,
  mayEcho: boolean,
): Promise<Probed> {
  let capabilities: ServerCapabilities = { ...ALL_CAPABILITIES, returnTokenIds: mayEcho };
  const pauses = [...PAUSES_MS];
  for (;;) {
    const codec = makeCodec(adapter, { ...options, capabilities }, prompts);
    const [call] = codec.open(REQUEST);
    if (call === undefined) throw new Error(`adapter ${adapter} makes no call`);
    let reply: Reply;
    try {
      reply = await httpOnce(access, call.path, patienceMs, call);
    } catch (thrown) {
      return { kind: 'silent', why: messageOf(thrown) };
    }
    const { status, body } = reply;
    if (status === 401 || status === 403) throw refusedCredentials(access.url, status, call.path);
    let said = body.toString();
    if (status >= 200 && status < 300) {
      let tokens = 0;
      const decoder = codec.decoder(REQUEST, { tokens: (count) => (tokens += count) });
      decoder.push(body);
      const fault = decoder.end();
      const { countSource } = decoder.response(status);
      if (fault === null || tokens > 0) {
        const less = lessFor(capabilities, options.endpoint, tokens, countSource);
        if (less === null) return { kind: 'answered', capabilities, countedBy: countSource };
        capabilities = less;
        continue;
      }
      if (!/"error"|^event: ?error/m.test(said)) throw notUnderstood(access, call.path, reply, adapter);
      said = fault.message;
    }
    const why = `${status} on ${call.path}: ${withoutSecrets(codec.errorMessage(said), access.headers)}`;
    if (status === 404 || status === 405 || status === 501) return { kind: 'no endpoint', why };
    const pauseMs = BUSY.has(status) ? pauses.shift() : undefined;
    if (pauseMs !== undefined) {
      await setTimeout(Math.min(pauseMs, patienceMs));
      continue;
    }
    if (status === 429 || status >= 500) return { kind: 'silent', why };
    const less = withoutUnknown(capabilities, said);
    if (less === null) return { kind: 'no endpoint', why };
    capabilities = less;
  }
}

/** What to ask next of a server that answered and let something pass unnoticed; null if it did all that it was asked. */
function lessFor(
  capabilities: ServerCapabilities,
  endpoint: CodecOptions['endpoint'],
  tokens: number,
  countedBy: TokenCountSource | null,
): ServerCapabilities | null {
  if (endpoint === 'generate') return null;
  if (endpoint === 'chat' && capabilities.maxCompletionTokens && tokens > REQUEST.outputTokens)
    return { ...capabilities, maxCompletionTokens: false };
  if (capabilities.returnTokenIds && countedBy !== 'token_ids') return { ...capabilities, returnTokenIds: false };
  if (capabilities.continuousUsage && countedBy !== 'usage' && countedBy !== 'token_ids')
    return { ...capabilities, continuousUsage: false };
  return null;
}

function notUnderstood(
  { url, headers }: ServerAccess,
  path: string,
  { status, contentType, body }: Reply,
  adapter: string,
): UserError {
  const start = withoutSecrets(body.toString(), headers).slice(0, 120).replaceAll(/\s+/g, ' ').trim();
  return new UserError(
    `${url.href} answers ${status} on ${path} with no stream of tokens that adapter ${adapter} understands (content-type ${contentType}): "${start}"; is it the right URL, and the right --adapter and --endpoint?`,
    { exitCode: EXIT.unreachable },
  );
}
