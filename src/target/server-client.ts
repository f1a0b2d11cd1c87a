import { makeCodec } from '../../adapters/index.ts';
import { promptMaker } from '../../workloads/prompts/index.ts';
import type { Codec } from '../core/codec.ts';
import { EXIT, messageOf, UserError } from '../core/errors.ts';
import type { Log } from '../core/log.ts';
import { textsFrom } from '../core/outside-text.ts';
import type { SessionsPlan } from '../core/plan.ts';
import type { Prompt } from '../core/request.ts';
import { unlessStopped } from '../core/stop.ts';
import { WallClock } from '../core/wall-clock.ts';
import type { PollMode } from '../replay/busy-poll.ts';
import { jitWarmUp } from '../replay/jit-warm-up.ts';
import { HttpTarget, type ServerAccess, type SocketShare } from '../replay/transport.ts';
import { isUnreachable } from '../serving/reach.ts';
import { feedFromWorker, type Feed, type FeedSpec } from './feed.ts';
import { answerWatch } from './live-sessions.ts';
import { scheduleOf } from './schedule.ts';
import type { Client } from './session.ts';

export type Endpoints = readonly [ServerAccess, ...ServerAccess[]];

interface ClientOptions {
  readonly poll: PollMode;
  /** As of `AttachOptions`. */
  readonly pollingPays: boolean | null;
  readonly sessions: SessionsPlan | null;
  /** To open ahead. */
  readonly connections: number;
}

/** One client of a server. */
export interface ClientParts extends ClientOptions {
  readonly codec: Codec;
  readonly feed: Feed;
  readonly endpoints: Endpoints;
  /** Form of prompts that repeat the answers of the run; null: they are those of the trace. */
  readonly historyForm: Prompt['kind'] | null;
  /** Whether this thread has sent requests before. */
  readonly isJitWarm: boolean;
  /** Absent: no other client of this process has sockets. */
  readonly sockets?: SocketShare;
}

/** The same as plain data, for a thread that makes the client. */
export interface ClientSpec extends ClientOptions {
  readonly feed: FeedSpec;
  readonly endpoints: readonly [PlainAccess, ...PlainAccess[]];
  /** As of `SocketShare`. */
  readonly openSockets: SharedArrayBuffer;
}

type PlainAccess = Omit<ServerAccess, 'url' | 'stop'> & { readonly url: string };

export function plainEndpoints([first, ...others]: Endpoints): ClientSpec['endpoints'] {
  return [plainAccess(first), ...others.map(plainAccess)];
}

function plainAccess({ stop: _stop, url, ...access }: ServerAccess): PlainAccess {
  return { ...access, url: url.href };
}

function accessOf({ url, ...access }: PlainAccess): ServerAccess {
  return { ...access, url: new URL(url) };
}

/** The client that a thread is to be; the thread is ended where it has to stop. */
export function openClientOf({ feed, endpoints, openSockets, ...options }: ClientSpec, log: Log): Promise<Client> {
  const [first, ...others] = endpoints;
  const parts: ClientParts = {
    ...options,
    codec: makeCodec(feed.adapter, feed.codec, promptMaker(feed.prompts)),
    feed: feedFromWorker(feed),
    endpoints: [accessOf(first), ...others.map(accessOf)],
    historyForm: feed.historyForm,
    isJitWarm: false,
    sockets: { shard: feed.shard, openSockets },
  };
  return openClient(parts, new AbortController().signal, log);
}

/** Connections, the first request bodies and JIT warm-up: what one client needs before it can send in time. */
export async function openClient(parts: ClientParts, stop: AbortSignal, log: Log): Promise<Client> {
  const { codec, feed, endpoints, poll, pollingPays, sessions, connections, historyForm, isJitWarm, sockets } = parts;
  const clock = new WallClock();
  const target = new HttpTarget(codec, clock, endpoints, {
    poll,
    pollingPays,
    ...(sockets === undefined ? {} : { sockets }),
  });
  const close = async (): Promise<void> => {
    await feed.stop();
    await target.close();
  };
  try {
    const ready = Promise.all([
      connected(target.open(connections), endpoints),
      feed.ready,
      isJitWarm ? null : jitWarmUp(codec, endpoints),
    ]);
    await unlessStopped(ready, stop);
    const schedule = scheduleOf(sessions, historyForm === null ? feed : heard(feed, historyForm, log));
    return { target, clock, wall: clock, schedule, close };
  } catch (thrown) {
    await close();
    throw thrown;
  }
}

/** A connection that cannot be opened is no fault of ours: the server may have ended since the session was opened. */
async function connected(opening: Promise<void>, endpoints: Endpoints): Promise<void> {
  try {
    await opening;
  } catch (thrown) {
    if (!isUnreachable(thrown) && !(thrown instanceof Error && 'syscall' in thrown)) throw thrown;
    const urls = endpoints.map(({ url }) => url.href).join(' or ');
    const why = textsFrom(endpoints[0]).quoted(messageOf(thrown));
    const message = `cannot connect to ${urls}: ${why}; does the server still run?`;
    throw new UserError(message, { exitCode: EXIT.unreachable, cause: thrown });
  }
}

/** A feed whose user hears of answers that cannot be repeated. */
function heard(feed: Feed, form: Prompt['kind'], log: Log): Feed {
  const watch = answerWatch(form, log);
  return {
    ...feed,
    ended(scheduled, response) {
      watch(scheduled.request.id, response);
      feed.ended(scheduled, response);
    },
  };
}
