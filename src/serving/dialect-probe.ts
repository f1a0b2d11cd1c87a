import { setTimeout } from 'node:timers/promises';
import {
  ADAPTERS,
  ALL_CAPABILITIES,
  makeCodec,
  type CodecOptions,
  type ServerCapabilities,
} from '../../adapters/index.ts';
import { EXIT, messageOf, UserError } from '../core/errors.ts';
import { FINISHED_GRACE_MS, ProtocolError, type Codec, type PromptMaker, type StreamError } from '../core/codec.ts';
import type { TokenCountSource } from '../core/record.ts';
import type { HasText } from '../core/target.ts';
import { textsFrom } from '../core/outside-text.ts';
import { isRedirect, redirectedTo } from '../replay/exchange.ts';
import { pathBelow, urlAt, type ServerAccess } from '../replay/transport.ts';
import { httpOnce, type Reply } from './http-once.ts';
import { refusedCredentials } from './reach.ts';
import { untilJson, type Patience } from './read-body.ts';
import { withoutUnknown } from './unknown-fields.ts';

/** A small request that shows how tokens come: one after another, and enough to tell a running count from others. */
const REQUEST = { id: 'capability-probe', traceRow: 0, dueUs: 0, inputTokens: 8, outputTokens: 5 };

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

/** How the tokens of an answer are counted. */
export interface Counting {
  /** Null where none came. */
  readonly by: TokenCountSource | null;
  /** Why the ids or the usage in the chunks do not count them; null where they do, or there are none. */
  readonly countFault: string | null;
  /** Whether a usage at the end has a total that can be. */
  readonly hasTotal: boolean;
}

/** Result of a probe. */
export type Probed =
  | { readonly kind: 'answered'; readonly capabilities: ServerCapabilities; readonly counting: Counting }
  /** The server was too busy, or did not answer at all: nothing is known. */
  | { readonly kind: 'silent'; readonly why: string }
  /** There is no such endpoint, or it takes no request of this kind. */
  | { readonly kind: 'no endpoint'; readonly why: string };

/** Result of one request of a probe: the end, or a reason to send another. */
type Attempt =
  | Probed
  | { readonly kind: 'busy'; readonly why: string }
  | { readonly kind: 'less'; readonly capabilities: ServerCapabilities; readonly countFault: string | null };

/**
 * Asks a server for a few tokens with every field that the codec can send, and again without those that it refuses, until
 * it answers: hosted endpoints refuse fields that they do not know. The answer shows how tokens can be counted. Throws a
 * UserError with exit code 3 where an answer is not of the adapter's protocol.
 */
export async function probeDialect(access: ServerAccess, options: ProbeOptions): Promise<Probed> {
  const most = ADAPTERS[options.adapter]?.capabilities ?? ALL_CAPABILITIES;
  let capabilities: ServerCapabilities = { ...most, returnTokenIds: most.returnTokenIds && options.mayEcho };
  const pauses = [...PAUSES_MS];
  let countFault: string | null = null;
  for (;;) {
    const result = await attempt(access, options, capabilities);
    if (result.kind === 'less') {
      capabilities = result.capabilities;
      countFault = result.countFault ?? countFault;
    } else if (result.kind === 'answered' && result.counting.by === 'chunks')
      return { ...result, counting: { ...result.counting, countFault: result.counting.countFault ?? countFault } };
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
  const reading = readingOf(codec);
  let reply: Reply;
  try {
    const patienceOf = (status: number): Patience => (isOk(status) ? reading.take : untilJson());
    reply = await httpOnce(access, call.path, patienceMs, call, patienceOf);
  } catch (thrown) {
    if (thrown instanceof UserError) throw thrown;
    // Tokens have come, and neither [DONE] nor the end of the body: the way of such servers is known all the same.
    if (reading.tokens > 0) return answeredWith(capabilities, options.endpoint, reading);
    return { kind: 'silent', why: messageOf(thrown) };
  }
  const { status, text, location } = reply;
  const path = pathBelow(access, call.path);
  if (status === 401 || status === 403) throw refusedCredentials(access.url, status, path);
  if (isRedirect(status, location)) throw redirected(access, path, location);
  let refusal = text;
  let said = status;
  if (isOk(status)) {
    const error = reading.end();
    const isRemark = error?.remark !== undefined;
    if (error === null || reading.tokens > 0 || (reading.isDone && !isRemark))
      return answeredWith(capabilities, options.endpoint, reading);
    if (!reading.isRefused && !isRemark && !refusal.includes('"error"'))
      throw notUnderstood(access, path, reply, adapter);
    refusal = error.remark ?? error.message;
    said = error.status ?? status;
  }
  const why = `${status} on ${path}: ${textsFrom(access).quoted(codec.errorMessage(refusal))}`;
  if (status === 404 || status === 405 || status === 501) return { kind: 'no endpoint', why };
  if (BUSY.has(said)) return { kind: 'busy', why };
  if (status >= 500) return { kind: 'silent', why };
  const less = withoutUnknown(capabilities, refusal);
  return less === null ? { kind: 'no endpoint', why } : { kind: 'less', capabilities: less, countFault: null };
}

const isOk = (status: number): boolean => status >= 200 && status < 300;

/** An answer as it is read, to its [DONE] or its error, which end it whatever becomes of the connection. */
interface Reading {
  readonly take: Patience;
  /** The answer is over; the error in it, if there is one. */
  readonly end: () => StreamError | null;
  readonly tokens: number;
  readonly counting: Counting;
  /** Whether [DONE] came: a stream of this protocol, however few tokens it seems to have. */
  readonly isDone: boolean;
  /** Whether the server reports an error in the answer. */
  readonly isRefused: boolean;
}

function readingOf(codec: Codec): Reading {
  let counted = 0;
  let texts = 0;
  let unknown = 0;
  let error: StreamError | null = null;
  const decoder = codec.decoder(REQUEST, {
    tokens(count, hasText: HasText = count > 0) {
      counted += count;
      if (hasText === true) texts++;
      if (hasText === 'unknown') unknown++;
    },
  });
  const guarded = (read: () => StreamError | null): StreamError | null => {
    try {
      return read();
    } catch (thrown) {
      if (!(thrown instanceof ProtocolError)) throw thrown;
      return { outcome: 'protocol_error', message: thrown.message };
    }
  };
  return {
    take: (chunk) => {
      error = guarded(() => {
        decoder.push(chunk);
        return decoder.error;
      });
      if (error !== null || decoder.isDone) return 0;
      return (decoder.finalEvents ?? 0) > 0 ? FINISHED_GRACE_MS : null;
    },
    end: () => error ?? guarded(() => decoder.end()),
    get tokens() {
      const by = decoder.response(null).countSource;
      // Text after text in an unknown field, and nothing else, is output.
      return by === 'chunks' ? texts : by === null && unknown > 1 ? unknown : counted;
    },
    get counting() {
      const { countSource, countFault = null, outputTokens } = decoder.response(null);
      const by = countSource ?? (this.tokens > 0 ? 'chunks' : null);
      const total = outputTokens ?? -1;
      const hasTotal = total >= this.tokens && total <= Math.max(REQUEST.outputTokens, this.tokens);
      return { by, countFault, hasTotal };
    },
    get isDone() {
      return decoder.isDone;
    },
    get isRefused() {
      return error?.outcome === 'stream_broken';
    },
  };
}

function answeredWith(
  capabilities: ServerCapabilities,
  endpoint: CodecOptions['endpoint'],
  { tokens, counting }: Reading,
): Attempt {
  const less = lessFor(capabilities, endpoint, tokens, counting.by);
  return less === null
    ? { kind: 'answered', capabilities, counting }
    : { kind: 'less', capabilities: less, countFault: counting.countFault };
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
  access: ServerAccess,
  path: string,
  { status, contentType, encoding, text }: Reply,
  adapter: string,
): UserError {
  if (encoding !== '' && encoding !== 'identity')
    return new UserError(
      `${access.url.href} answers ${status} on ${path} compressed (content-encoding ${encoding}), though asked for identity: tokens that are compressed cannot be timed; is a proxy in between?`,
      { exitCode: EXIT.unreachable },
    );
  const start = textsFrom(access).quoted(text);
  return new UserError(
    `${access.url.href} answers ${status} on ${path} with no stream of tokens that adapter ${adapter} understands (content-type ${contentType}): "${start}"; is it the right URL, and the right --adapter and --endpoint?`,
    { exitCode: EXIT.unreachable },
  );
}

function redirected(access: ServerAccess, path: string, location: string): UserError {
  const base = urlAt(access, path);
  const to = URL.canParse(location, base.href) ? new URL(location, base).href : location;
  return new UserError(`${base.href}: ${redirectedTo(textsFrom(access).name(to))}`, { exitCode: EXIT.unreachable });
}
