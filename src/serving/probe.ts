import { setTimeout } from 'node:timers/promises';
import { ALL_CAPABILITIES, makeCodec, type CodecOptions, type ServerCapabilities } from '../../adapters/index.ts';
import { EXIT, messageOf, UserError } from '../core/errors.ts';
import { ProtocolError, type Codec, type PromptMaker } from '../core/codec.ts';
import type { TokenCountSource } from '../core/record.ts';
import { withoutSecrets } from '../core/secrets.ts';
import type { ServerAccess } from '../replay/transport.ts';
import { httpOnce, type Reply } from './http-once.ts';
import { refusedCredentials } from './reach.ts';
import { withoutUnknown } from './unknown-fields.ts';

/** The smallest request that shows how tokens come: one after another. */
const REQUEST = { id: 'capability-probe', traceRow: 0, dueUs: 0, inputTokens: 8, outputTokens: 2 };

/** Too many requests, or not just now: worth another try, since otherwise capabilities are guessed for the whole run. */
const BUSY: ReadonlySet<number> = new Set([429, 503]);
const PAUSES_MS = [500, 1000, 2000];

/** What the probe sends, and how long an answer may take. */
export interface ProbeOptions {
  readonly adapter: string;
  readonly codec: CodecOptions;
  readonly prompts: PromptMaker;
  readonly patienceMs: number;
  /** Whether to ask for token ids, which bring the prompt back as well. */
  readonly mayEcho: boolean;
}

/** Result of a probe. */
export type Probed =
  | {
      readonly kind: 'answered';
      readonly capabilities: ServerCapabilities;
      readonly countedBy: TokenCountSource | null;
    }
  /** The server was too busy, or did not answer at all: nothing is known. */
  | { readonly kind: 'silent'; readonly why: string }
  /** There is no such endpoint, or it takes no request of this kind. */
  | { readonly kind: 'no endpoint'; readonly why: string };

/** Result of one request of a probe: the end, or a reason to send another. */
type Attempt =
  | Probed
  | { readonly kind: 'busy'; readonly why: string }
  | { readonly kind: 'less'; readonly capabilities: ServerCapabilities };

/**
 * Asks a server for two tokens with every field that the codec can send, and again without those that it refuses, until
 * it answers: hosted endpoints refuse fields that they do not know. The answer shows how tokens can be counted. Throws a
 * UserError with exit code 3 where an answer is not of the adapter's protocol.
 */
export async function probe(access: ServerAccess, options: ProbeOptions): Promise<Probed> {
  let capabilities: ServerCapabilities = { ...ALL_CAPABILITIES, returnTokenIds: options.mayEcho };
  const pauses = [...PAUSES_MS];
  for (;;) {
    const result = await attempt(access, options, capabilities);
    if (result.kind === 'less') capabilities = result.capabilities;
    else if (result.kind !== 'busy') return result;
    else {
      const pauseMs = pauses.shift();
      if (pauseMs === undefined) return { kind: 'silent', why: result.why };
      await setTimeout(Math.min(pauseMs, options.patienceMs));
    }
  }
}

/**
 * By hand rather than through a replay's exchange, which keeps one line of a refusal and nothing of a body that it
 * cannot read: here refusals are searched for fields, and such a body is quoted.
 */
async function attempt(
  access: ServerAccess,
  { adapter, codec: options, prompts, patienceMs }: ProbeOptions,
  capabilities: ServerCapabilities,
): Promise<Attempt> {
  const codec = makeCodec(adapter, { ...options, capabilities }, prompts);
  const [call] = codec.open(REQUEST);
  if (call === undefined) throw new Error(`adapter ${adapter} makes no call`);
  let reply: Reply;
  try {
    reply = await httpOnce(access, call.path, patienceMs, call);
  } catch (thrown) {
    if (thrown instanceof UserError) throw thrown;
    return { kind: 'silent', why: messageOf(thrown) };
  }
  const { status, body } = reply;
  if (status === 401 || status === 403) throw refusedCredentials(access.url, status, call.path);
  let refusal = body.toString();
  if (status >= 200 && status < 300) {
    const { tokens, countedBy, error } = read(codec, reply);
    if (error === null || tokens > 0) {
      const less = lessFor(capabilities, options.endpoint, tokens, countedBy);
      return less === null ? { kind: 'answered', capabilities, countedBy } : { kind: 'less', capabilities: less };
    }
    if (!/"error"|^event: ?error/m.test(refusal)) throw notUnderstood(access, call.path, reply, adapter);
    refusal = error;
  }
  const why = `${status} on ${call.path}: ${withoutSecrets(codec.errorMessage(refusal), access.headers)}`;
  if (status === 404 || status === 405 || status === 501) return { kind: 'no endpoint', why };
  if (BUSY.has(status)) return { kind: 'busy', why };
  if (status >= 500) return { kind: 'silent', why };
  const less = withoutUnknown(capabilities, refusal);
  return less === null ? { kind: 'no endpoint', why } : { kind: 'less', capabilities: less };
}

/** The tokens of a body, and the error in it, if there is one. */
function read(
  codec: Codec,
  { status, body }: Reply,
): { tokens: number; countedBy: TokenCountSource | null; error: string | null } {
  let tokens = 0;
  const decoder = codec.decoder(REQUEST, { tokens: (count) => (tokens += count) });
  let error: string | null;
  try {
    decoder.push(body);
    error = decoder.end()?.message ?? null;
  } catch (thrown) {
    if (!(thrown instanceof ProtocolError)) throw thrown;
    error = thrown.message;
  }
  return { tokens, countedBy: decoder.response(status).countSource, error };
}

/** The fields to leave out for a server that answered and ignored some; null if it heeded all. */
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
