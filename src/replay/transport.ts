import type { Call, Codec } from '../core/codec.ts';
import type { Answer, Planned, Sink, Target } from '../core/target.ts';
import { withoutSecrets } from '../core/secrets.ts';
import type { WallClock } from '../core/wall-clock.ts';
import { Arrivals } from './receive-queue.ts';
import type { CallHandler } from './call-handler.ts';
import { Connections } from './connections.ts';
import { Exchange } from './exchange.ts';
import { stampedConnector } from './stamped-socket.ts';
import { Wakefulness } from './busy-poll.ts';

/** How a server is reached. */
export interface ServerAccess {
  readonly url: URL;
  /** Added to every call: authorization and the user's own. */
  readonly headers: Readonly<Record<string, string>>;
  /** Takes any TLS certificate. */
  readonly insecure: boolean;
}

/** The path of a route of the server at `url`, which may be below a prefix, or end in `/v1` as OpenAI's clients have it. */
function pathBelow(url: URL, route: string): string {
  return url.pathname.replace(/(\/v1)?\/?$/, '') + route;
}

/** The whole URL of a route of the server at `url`. */
export function urlBelow(url: URL, route: string): URL {
  return new URL(pathBelow(url, route), url);
}

/** Makes a Target of a codec and a URL: the only place where replay does I/O. */
export class HttpTarget implements Target {
  readonly #codec: Codec;
  readonly #clock: WallClock;
  readonly #options: ServerAccess;
  readonly #connections: Connections;
  readonly #arrivals: Arrivals;
  readonly #wakefulness: Wakefulness;
  readonly #exchanges = new Map<number, Exchange>();

  constructor(codec: Codec, clock: WallClock, options: ServerAccess) {
    this.#codec = codec;
    this.#clock = clock;
    this.#options = options;
    this.#arrivals = new Arrivals(clock);
    this.#wakefulness = new Wakefulness(clock);
    this.#connections = new Connections(
      options.url,
      () => clock.read(),
      stampedConnector(this.#arrivals, options.insecure),
    );
  }

  open(concurrency: number): Promise<void> {
    this.#wakefulness.start();
    return this.#connections.open(concurrency);
  }

  send(planned: Planned, sink: Sink): void {
    const exchange = new Exchange(planned, sink, this.#codec, this.#clock, this.#arrivals, {
      dispatch: (call, handler) => this.#dispatch(call, handler),
      quoted: (said) => withoutSecrets(said, this.#options.headers),
    });
    this.#exchanges.set(planned.index, exchange);
    exchange.onOver = () => {
      this.#exchanges.delete(planned.index);
      this.#wakefulness.hasOpen = this.#exchanges.size > 0;
    };
    this.#wakefulness.hasOpen = true;
    exchange.start();
  }

  cancel(index: number): Answer | null {
    return this.#exchanges.get(index)?.abandon() ?? null;
  }

  close(): Promise<void> {
    for (const exchange of this.#exchanges.values()) exchange.abandon();
    this.#wakefulness.stop();
    return this.#connections.close();
  }

  #dispatch(call: Call, handler: CallHandler): void {
    const lease = this.#connections.take();
    handler.lease = lease;
    handler.release = () => this.#connections.release(lease);
    lease.client.dispatch(
      {
        method: 'POST',
        path: pathBelow(this.#options.url, call.path),
        headers: { ...this.#options.headers, ...call.headers },
        body: call.body,
      },
      handler,
    );
  }
}
