import type { Descriptors } from './descriptors.ts';
import type { Http, HttpClient, OnOpened, Opened } from './http-client.ts';
import type { LocalPorts } from './local-ports.ts';

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

/** What takes a connection back after its call. */
export interface LeasePool {
  release(lease: Lease): void;
}

/**
 * As many connections to one origin as there are concurrent calls: HTTP/1.1, one call each. To reuse them, sockets are
 * opened ahead of their first use; when these run out, more are opened ahead, so that a call rarely waits for a connect.
 */
export class Connections<S extends Opened> implements LeasePool {
  readonly #http: Http<S>;
  readonly #nowUs: () => number;
  readonly #descriptors: Descriptors;
  readonly #ports: LocalPorts;
  /** In the order in which they were opened. */
  readonly #openedAhead = new Set<S>();
  /** In the order in which they were released. */
  readonly #idle: Lease[] = [];
  readonly #leases = new Set<Lease>();
  readonly #mode: ConnectionMode;
  #opening = 0;
  #ahead = 1;
  #closed = false;

  /** `nowUs` times the opening of sockets. */
  constructor(http: Http<S>, nowUs: () => number, mode: ConnectionMode, descriptors: Descriptors, ports: LocalPorts) {
    this.#http = http;
    this.#nowUs = nowUs;
    this.#mode = mode;
    this.#descriptors = descriptors;
    this.#ports = ports;
  }

  /** Opens `count` sockets, to be reused; throws the first failure, before it opens any where the system forbids so many. */
  async open(count: number): Promise<void> {
    const problem = this.#descriptors.problem(count);
    if (problem !== null) throw problem;
    if (this.#mode === 'per-request') return;
    this.#ahead = Math.max(1, Math.min(32, Math.ceil(count / 4)));
    for (let left = count; left > 0; left -= OPENING_AT_ONCE)
      await Promise.all(Array.from({ length: Math.min(left, OPENING_AT_ONCE) }, () => this.#openOne()));
  }

  take(): Lease {
    return this.#takeIdle() ?? this.#newLease();
  }

  #newLease(): Lease {
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
    for (const { socket } of this.#openedAhead) socket.destroy();
    await Promise.all([...this.#leases].map((lease) => lease.client.destroy()));
  }

  #openFor(lease: Lease, callback: OnOpened<S>): void {
    // The oldest socket: a server that accepts one connection at a time waits for a request on that one.
    const [ahead] = this.#openedAhead;
    if (ahead !== undefined) this.#openedAhead.delete(ahead);
    this.#topUp();
    if (ahead === undefined) {
      const startUs = this.#nowUs();
      this.#open((error, opened) => {
        lease.connectUs = this.#nowUs() - startUs;
        lease.isUnconnected = opened === null;
        callback(error, opened);
      });
      return;
    }
    // Deferred: the client is in the middle of sending, and would not check for a connection again.
    queueMicrotask(() => callback(null, ahead));
  }

  #topUp(): void {
    if (this.#closed || this.#mode === 'per-request') return;
    for (let missing = this.#ahead - this.#openedAhead.size - this.#opening; missing > 0; missing--)
      this.#openOne().catch(() => undefined); // the call that needs a connection will report the error
  }

  #openOne(): Promise<void> {
    this.#opening++;
    return new Promise((resolve, reject) => {
      this.#open((error, opened) => {
        this.#opening--;
        if (opened === null) {
          reject(error ?? new Error('not connected'));
          return;
        }
        if (this.#closed) opened.socket.destroy();
        else this.#openedAhead.add(opened);
        resolve();
      });
    });
  }

  /** Opens a socket from the next local port, and says so later. */
  #open(callback: OnOpened<S>, tries = 1): void {
    const problem = this.#descriptors.problem(1);
    if (problem !== null) {
      queueMicrotask(() => callback(problem, null));
      return;
    }
    this.#descriptors.take();
    this.#http.open(this.#ports.take(), (error, opened) => {
      if (opened === null) {
        this.#descriptors.give();
        const failed = this.#ports.failed(this.#descriptors.explained(error ?? new Error('not connected')), tries);
        if (failed === 'again') this.#open(callback, tries + 1);
        else callback(failed, null);
        return;
      }
      this.#ports.opened();
      opened.socket
        .on('error', () => undefined) // its close follows
        .on('close', () => {
          this.#descriptors.give();
          this.#ports.closed();
          this.#openedAhead.delete(opened);
        });
      callback(null, opened);
    });
  }
}
