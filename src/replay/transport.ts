import { ByIndex } from '../core/by-index.ts';
import type { Call, Codec } from '../core/codec.ts';
import type { ResponseInfo, ScheduledRequest, Sink, Target } from '../core/target.ts';
import { textsFrom, type Secretive } from '../core/outside-text.ts';
import { headerKeys } from '../core/secrets.ts';
import type { Shard } from '../core/shard.ts';
import type { WallClock } from '../core/wall-clock.ts';
import { ReceiveQueue } from './receive-queue.ts';
import type { CallHandler } from './call-handler.ts';
import { Connections, type ConnectionMode } from './connections.ts';
import { Descriptors } from './descriptors.ts';
import { Exchange, type Wire } from './exchange.ts';
import { LocalPorts } from './local-ports.ts';
import { plainHttp, type PlainConnection } from './plain-client.ts';
import type { Inbox } from './stamped-socket.ts';
import { undiciHttp } from './undici-client.ts';
import { BusyPoll, type PollMode } from './busy-poll.ts';

/** URL, headers and TLS setting of a server. */
export interface ServerAccess extends Secretive {
  /** The base of all routes, without a query: messages and files show it. */
  readonly url: URL;
  /** Sent with every call, from its `?` on. It may hold a key, and is shown nowhere. */
  readonly query?: string;
  /** Whether OpenAI's routes stand right below the URL rather than below `/v1`. */
  readonly isUnversioned?: boolean;
  /** Added to every call: authorization and the user's headers. */
  readonly headers: Readonly<Record<string, string>>;
  /** Accepts any TLS certificate. */
  readonly insecure: boolean;
  /** Absent: `reuse`. */
  readonly connections?: ConnectionMode;
  /** What to call it in messages about one endpoint of several, such as `prefill http://10.0.0.1:8000`. */
  readonly name?: string;
  /** When it aborts, single requests reject with `stoppedError`; a replay has its own. */
  readonly stop?: AbortSignal;
}

/** A version at the end of a path: `/v1`, `/v2`, `/v1beta`. */
const VERSION = /\/v\d+(?:\.\d+)*(?:-?(?:alpha|beta|preview|rc)\d*)?\/*$/i;
const FIRST_VERSION = '/v1';

/** Whether a base URL names a version, which takes the place of the `/v1` of routes, as in OpenAI's clients. */
export function endsInVersion({ pathname }: URL): boolean {
  return VERSION.test(pathname);
}

/** The path of a route of a server, without its query: `/v1/...` at the version of the base, any other before it. */
export function pathBelow({ url, isUnversioned = false }: ServerAccess, route: string): string {
  const [named] = VERSION.exec(url.pathname) ?? [''];
  const base = url.pathname.slice(0, url.pathname.length - named.length).replace(/\/+$/, '');
  if (!route.startsWith(`${FIRST_VERSION}/`)) return base + route;
  const version = named === '' ? (isUnversioned ? '' : FIRST_VERSION) : named.replace(/\/+$/, '');
  return base + version + route.slice(FIRST_VERSION.length);
}

/** What a call of a route asks for: its path and the query of the server. */
export function requestPath(access: ServerAccess, route: string): string {
  const path = pathBelow(access, route);
  const { query = '' } = access;
  return path.includes('?') ? path + query.replace(/^\?/, '&') : path + query;
}

/** A path of a server as a URL: of its own origin, also where the path begins like that of another (`//host`). */
export function urlAt({ url }: Pick<ServerAccess, 'url'>, path: string): URL {
  return new URL(url.origin + path);
}

/** The URL of a call of a route: to ask for, not to show. */
export function urlBelow(access: ServerAccess, route: string): URL {
  return urlAt(access, requestPath(access, route));
}

/**
 * Where a server may have a page about itself, to be tried in this order where there is none: below its base, and at the
 * root, since gateways often pass on only the API below their prefix.
 */
export function pagePaths(access: ServerAccess, route: string): readonly string[] {
  const root = { ...access, url: new URL('/', access.url) };
  return [...new Set([requestPath(access, route), requestPath(root, route)])];
}

/** Who reads a server's answers: our own reader, or undici. Both give the same records; the tests run over both. */
export const HTTP_PATHS = ['plain', 'undici'] as const;
export type HttpPath = (typeof HTTP_PATHS)[number];

/**
 * undici for TLS, our own reader for the rest. `REPRISE_HTTP=undici` leaves all to undici, for measurements that compare
 * the two (scripts/bench).
 */
export function usualPath({ url }: Pick<ServerAccess, 'url'>): HttpPath {
  return url.protocol === 'https:' || process.env['REPRISE_HTTP'] === 'undici' ? 'undici' : 'plain';
}

type Pool = Connections<PlainConnection> | Connections<Inbox>;

/** Sockets of one of several clients, each in a thread of its own. */
export interface SocketShare {
  readonly shard: Shard;
  /** Counts those of all (`Descriptors`). */
  readonly openSockets: SharedArrayBuffer;
}

interface HttpTargetOptions {
  /** That of all endpoints, in place of their usual one. */
  readonly path?: HttpPath;
  readonly poll?: PollMode;
  readonly pollingPays?: boolean | null;
  /** Absent: no other client of this process has sockets. */
  readonly sockets?: SocketShare;
}

/** Makes a Target of a codec and the endpoints of its calls: the only I/O of a replay. */
export class HttpTarget implements Target {
  readonly #wire: Wire;
  readonly #endpoints: readonly HttpEndpoint[];
  readonly #busyPoll: BusyPoll;
  readonly #exchanges = new ByIndex<Exchange>();

  constructor(
    codec: Codec,
    clock: WallClock,
    endpoints: readonly ServerAccess[],
    { path, poll, pollingPays, sockets }: HttpTargetOptions = {},
  ) {
    const receiveQueue = new ReceiveQueue(clock);
    this.#wire = {
      codec,
      clock,
      receiveQueue,
      dispatch: (call, handler) => this.#dispatch(call, handler),
      over: (index) => {
        this.#exchanges.delete(index);
        this.#busyPoll.hasOpen = this.#exchanges.size > 0;
      },
      nameOf: ({ endpoint }) => {
        const name = endpoints[endpoint]?.name;
        return name === undefined ? '' : `${name}: `;
      },
      texts: textsFrom(secretsOf(endpoints)),
    };
    this.#busyPoll = new BusyPoll(clock, poll, pollingPays);
    const nowUs = (): number => clock.read();
    const descriptors = new Descriptors(sockets?.openSockets, sockets?.shard.of);
    const byOrigin = new Map<string, Pool>();
    this.#endpoints = endpoints.map((access) => {
      const { url, insecure, connections: mode = 'reuse' } = access;
      const isPlain = (path ?? usualPath(access)) === 'plain';
      const ports = new LocalPorts(url, sockets?.shard);
      const connections =
        byOrigin.get(url.origin) ??
        (isPlain
          ? new Connections(plainHttp(url, receiveQueue), nowUs, mode, descriptors, ports)
          : new Connections(undiciHttp(url, receiveQueue, insecure), nowUs, mode, descriptors, ports));
      byOrigin.set(url.origin, connections);
      return { access, connections };
    });
  }

  /** Opens connections for `concurrency` requests at once; throws the first failure. */
  async open(concurrency: number): Promise<void> {
    this.#busyPoll.start();
    await Promise.all(this.#origins().map((connections) => connections.open(concurrency)));
  }

  send(scheduled: ScheduledRequest, sink: Sink): void {
    const exchange = new Exchange(scheduled, sink, this.#wire);
    this.#exchanges.set(scheduled.index, exchange);
    this.#busyPoll.hasOpen = true;
    exchange.start();
  }

  cancel(index: number): ResponseInfo | null {
    return this.#exchanges.get(index)?.abandon() ?? null;
  }

  /** One poll that begins after now hands out all that has arrived; that of this round may have begun before. */
  afterArrivals(then: () => void): void {
    const { clock, receiveQueue } = this.#wire;
    const read = (): void => {
      receiveQueue.readAll();
      then();
    };
    setImmediate(() => setImmediate(() => clock.at(clock.read(), read)));
  }

  async close(): Promise<void> {
    for (const index of this.#exchanges.indices()) this.cancel(index);
    this.#busyPoll.stop();
    await Promise.all(this.#origins().map((connections) => connections.close()));
  }

  /** Endpoints of one origin share its connections. */
  #origins(): Pool[] {
    return [...new Set(this.#endpoints.map(({ connections }) => connections))];
  }

  #dispatch(call: Call, handler: CallHandler): void {
    const endpoint = this.#endpoints[call.endpoint];
    if (endpoint === undefined) throw new Error(`the target has no endpoint ${call.endpoint}`);
    const { access, connections } = endpoint;
    const request = {
      method: 'POST',
      path: requestPath(access, call.path),
      headers: { ...access.headers, ...call.headers },
      body: call.body,
      ...(access.connections === 'per-request' ? { reset: true } : {}), // `connection: close`
    } as const;
    const lease = connections.take();
    handler.lend(lease, connections);
    lease.client.dispatch(request, handler);
  }
}

/** Of all endpoints together: any may quote the key of another. */
function secretsOf(endpoints: readonly ServerAccess[]): Secretive {
  const [first = { headers: {} }, ...others] = endpoints;
  if (others.length === 0) return first;
  return {
    headers: first.headers,
    secrets: endpoints.flatMap(({ headers, secrets = [] }) => [...headerKeys(headers), ...secrets]),
  };
}

interface HttpEndpoint {
  readonly access: ServerAccess;
  readonly connections: Pool;
}
