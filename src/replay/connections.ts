import { readFileSync } from 'node:fs';
import { UserError } from '../core/errors.ts';
import { withThousands } from '../core/units.ts';
import type { Http, HttpClient, OnOpened, Opened } from './http-client.ts';

/** File descriptors kept for other uses than connections: files, pipes, the threads' own. */
const SPARE_DESCRIPTORS = 64;
/** Sockets opened at a time, so that a server's accept queue is not flooded. */
const OPENING_AT_ONCE = 64;
/**
 * Of the connections that have idled for less, the one that idled longest is used next, so that requests go over all of
 * them and reach every replica behind a balancer that counts connections. Those that have idled longer are used last, the
 * latest first: some servers (gunicorn: 2 s) may be about to close them.
 */
const ROTATED_IDLE_US = 1_500_000;

/**
 * `reuse`: a connection is used again after its response; `per-request`: each call opens its own at its due time, says
 * `connection: close`, and connecting is part of its latency.
 */
export const CONNECTION_MODES = ['reuse', 'per-request'] as const;
export type ConnectionMode = (typeof CONNECTION_MODES)[number];

/** A connection that is lent to one call at a time. */
export interface Lease {
  readonly client: HttpClient;
  /** Duration of the connect that this call waited for, in microseconds; null: the connection was open before. */
  connectUs: number | null;
  /** Whether the last connect has failed. */
  isUnconnected: boolean;
  /** When its last call was over. */
  releasedUs: number;
}

/** A socket opened ahead of its use, and the listener that removes it from the list when it closes. */
interface SocketAhead<S extends Opened> {
  readonly opened: S;
  readonly remove: () => void;
}

/**
 * As many connections to one origin as there are concurrent calls: HTTP/1.1, one call each. To reuse them, sockets are
 * opened ahead of their first use; when these run out, more are opened ahead, so that a call rarely waits for a connect.
 */
export class Connections<S extends Opened> {
  readonly #http: Http<S>;
  readonly #nowUs: () => number;
  readonly #openedAhead: SocketAhead<S>[] = [];
  /** In the order in which they were released. */
  readonly #idle: Lease[] = [];
  readonly #leases = new Set<Lease>();
  readonly #mode: ConnectionMode;
  #opening = 0;
  #ahead = 1;
  #closed = false;

  /** `nowUs` times the opening of sockets. */
  constructor(http: Http<S>, nowUs: () => number, mode: ConnectionMode) {
    this.#http = http;
    this.#nowUs = nowUs;
    this.#mode = mode;
  }

  /** Opens `count` sockets, to be reused; throws the first failure. */
  async open(count: number): Promise<void> {
    checkDescriptors(count);
    if (this.#mode === 'per-request') return;
    this.#ahead = Math.max(1, Math.min(32, Math.ceil(count / 4)));
    for (let left = count; left > 0; left -= OPENING_AT_ONCE)
      await Promise.all(Array.from({ length: Math.min(left, OPENING_AT_ONCE) }, () => this.#openOne()));
  }

  take(): Lease {
    const idle = this.#takeIdle();
    if (idle !== undefined) return idle;
    const client = this.#http.client((callback) => this.#openFor(lease, callback));
    const lease: Lease = { client, connectUs: null, isUnconnected: false, releasedUs: 0 };
    this.#leases.add(lease);
    return lease;
  }

  /** Takes a connection back after its call. A broken one reconnects at its next use. */
  release(lease: Lease): void {
    lease.connectUs = null;
    lease.isUnconnected = false;
    lease.releasedUs = this.#nowUs();
    if (!this.#closed) this.#idle.push(lease);
  }

  #takeIdle(): Lease | undefined {
    const sinceUs = this.#nowUs() - ROTATED_IDLE_US;
    let from = 0;
    for (let to = this.#idle.length; from < to;) {
      const middle = (from + to) >> 1;
      if ((this.#idle[middle]?.releasedUs ?? 0) < sinceUs) from = middle + 1;
      else to = middle;
    }
    return from === this.#idle.length ? this.#idle.pop() : this.#idle.splice(from, 1)[0];
  }

  async close(): Promise<void> {
    this.#closed = true;
    for (const { opened } of this.#openedAhead.splice(0)) opened.socket.destroy();
    await Promise.all([...this.#leases].map((lease) => lease.client.destroy()));
  }

  #openFor(lease: Lease, callback: OnOpened<S>): void {
    // The oldest socket: a server that accepts one connection at a time waits for a request on that one.
    const ahead = this.#openedAhead.shift();
    this.#topUp();
    if (ahead === undefined) {
      const startUs = this.#nowUs();
      this.#http.open((error, opened) => {
        lease.connectUs = this.#nowUs() - startUs;
        lease.isUnconnected = opened === null;
        callback(error, opened);
      });
      return;
    }
    ahead.opened.socket.off('close', ahead.remove).off('error', ahead.remove);
    // Deferred: the client is in the middle of sending, and would not check for a connection again.
    queueMicrotask(() => callback(null, ahead.opened));
  }

  #topUp(): void {
    if (this.#closed || this.#mode === 'per-request') return;
    for (let missing = this.#ahead - this.#openedAhead.length - this.#opening; missing > 0; missing--)
      this.#openOne().catch(() => undefined); // the call that needs a connection will report the error
  }

  #openOne(): Promise<void> {
    this.#opening++;
    return new Promise((resolve, reject) => {
      this.#http.open((error, opened) => {
        this.#opening--;
        if (opened === null) {
          reject(error ?? new Error('not connected'));
          return;
        }
        if (this.#closed) opened.socket.destroy();
        else this.#keep(opened);
        resolve();
      });
    });
  }

  #keep(opened: S): void {
    const remove = (): void => {
      const at = this.#openedAhead.findIndex((ahead) => ahead.opened === opened);
      if (at >= 0) this.#openedAhead.splice(at, 1);
    };
    opened.socket.on('close', remove).on('error', remove);
    this.#openedAhead.push({ opened, remove });
  }
}

/** Throws before anything is sent if the shell allows fewer open files than the run may need connections. */
export function checkDescriptors(connections: number): void {
  const limit = openFilesLimit();
  if (connections + SPARE_DESCRIPTORS <= limit) return;
  throw new UserError(
    `this run may need ${withThousands(connections)} connections at once, but the shell allows ${withThousands(limit)} open files; ` +
      `raise it with "ulimit -n ${connections + SPARE_DESCRIPTORS}" or replay less (--limit, --window, a lower --speed)`,
  );
}

function openFilesLimit(): number {
  try {
    const soft = /^Max open files\s+(\S+)/m.exec(readFileSync('/proc/self/limits', 'utf8'))?.[1];
    return soft === undefined || soft === 'unlimited' ? Number.POSITIVE_INFINITY : Number(soft);
  } catch {
    return Number.POSITIVE_INFINITY; // no /proc here: a limit that is too low shows as connect_error
  }
}
