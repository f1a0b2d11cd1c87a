import type { Call, Codec } from '../core/codec.ts';
import type { ResponseInfo, ScheduledRequest, Sink, Target } from '../core/target.ts';
import { withoutSecrets } from '../core/secrets.ts';
import type { WallClock } from '../core/wall-clock.ts';
import { ReceiveQueue } from './receive-queue.ts';
import type { CallHandler } from './call-handler.ts';
import { Connections } from './connections.ts';
import { Exchange, type Wire } from './exchange.ts';
import { stampedConnector } from './stamped-socket.ts';
import { BusyPoll } from './busy-poll.ts';

/** URL, headers and TLS setting of a server. */
export interface ServerAccess {
  readonly url: URL;
  /** Added to every call: authorization and the user's headers. */
  readonly headers: Readonly<Record<string, string>>;
  /** Accepts any TLS certificate. */
  readonly insecure: boolean;
  /** When it aborts, single requests reject with `stoppedError`; a replay has its own. */
  readonly stop?: AbortSignal;
}

/** The path of a route at `url`, which may be below a prefix, or end in `/v1` as for OpenAI's clients. */
function pathBelow(url: URL, route: string): string {
  return url.pathname.replace(/(\/v1)?\/?$/, '') + route;
}

/** The URL of a route at `url`. */
export function urlBelow(url: URL, route: string): URL {
  return new URL(pathBelow(url, route), url);
}

/** Makes a Target of a codec and the endpoints of its calls: the only I/O of a replay. */
export class HttpTarget implements Target {
  readonly #wire: Wire;
  readonly #endpoints: readonly HttpEndpoint[];
  readonly #busyPoll: BusyPoll;
  readonly #exchanges = new Map<number, Exchange>();

  constructor(codec: Codec, clock: WallClock, endpoints: readonly ServerAccess[]) {
    const receiveQueue = new ReceiveQueue(clock);
    this.#wire = {
      codec,
      clock,
      receiveQueue,
      dispatch: (call, handler) => this.#dispatch(call, handler),
      quoted: (text) => this.#endpoints.reduce((quoted, { access }) => withoutSecrets(quoted, access.headers), text),
    };
    this.#busyPoll = new BusyPoll(clock);
    const byOrigin = new Map<string, Connections>();
    this.#endpoints = endpoints.map((access) => {
      const connections =
        byOrigin.get(access.url.origin) ??
        new Connections(access.url, () => clock.read(), stampedConnector(receiveQueue, access.insecure));
      byOrigin.set(access.url.origin, connections);
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
    exchange.onOver = () => {
      this.#exchanges.delete(scheduled.index);
      this.#busyPoll.hasOpen = this.#exchanges.size > 0;
    };
    this.#busyPoll.hasOpen = true;
    exchange.start();
  }

  cancel(index: number): ResponseInfo | null {
    return this.#exchanges.get(index)?.abandon() ?? null;
  }

  async close(): Promise<void> {
    for (const exchange of this.#exchanges.values()) exchange.abandon();
    this.#busyPoll.stop();
    await Promise.all(this.#origins().map((connections) => connections.close()));
  }

  /** Endpoints of one origin share its connections. */
  #origins(): Connections[] {
    return [...new Set(this.#endpoints.map(({ connections }) => connections))];
  }

  #dispatch(call: Call, handler: CallHandler): void {
    const endpoint = this.#endpoints[call.endpoint];
    if (endpoint === undefined) throw new Error(`the target has no endpoint ${call.endpoint}`);
    const { access, connections } = endpoint;
    const lease = connections.take();
    handler.lease = lease;
    handler.release = () => connections.release(lease);
    lease.client.dispatch(
      {
        method: 'POST',
        path: pathBelow(access.url, call.path),
        headers: { ...access.headers, ...call.headers },
        body: call.body,
      },
      handler,
    );
  }
}

interface HttpEndpoint {
  readonly access: ServerAccess;
  readonly connections: Connections;
}
