import { readFileSync } from 'node:fs';
import type { Socket } from 'node:net';
import { Client, type buildConnector } from 'undici';
import { UserError } from '../core/errors.ts';
import { withThousands } from '../core/units.ts';

/** File descriptors kept for everything that is not a connection: files, pipes, the threads' own. */
const SPARE_DESCRIPTORS = 64;
/** Sockets opened at a time, so that a server's accept queue is not flooded. */
const OPENING_AT_ONCE = 64;
/** Idle connections are given up this long after their last use, before most servers do (vLLM: 5 s). */
const KEEP_ALIVE_MS = 4000;

type Connector = ReturnType<typeof buildConnector>;
type ConnectOptions = Parameters<Connector>[0];

/** A connection that is lent to one call at a time, and how long its last connecting took. */
export interface Lease {
  readonly client: Client;
  connectUs: number | null;
}

/** A socket opened ahead, and what lets go of it: it may close before it is used. */
interface Warm {
  readonly socket: Socket;
  readonly forget: () => void;
}

/**
 * As many connections to one origin as there are calls at once: HTTP/1.1, one call each. Sockets are opened ahead of
 * their first use; when these run out, more are opened ahead again, so that a call rarely waits for one.
 */
export class Connections {
  readonly #origin: URL;
  readonly #connect: Connector;
  readonly #nowUs: () => number;
  readonly #warm: Warm[] = [];
  readonly #idle: Lease[] = [];
  readonly #leases = new Set<Lease>();
  #opening = 0;
  #ahead = 1;
  #closed = false;

  /** `nowUs` times the connecting, `connect` does it. */
  constructor(origin: URL, nowUs: () => number, connect: Connector) {
    this.#origin = origin;
    this.#nowUs = nowUs;
    this.#connect = connect;
  }

  /** Opens `count` sockets; the first failure is thrown. */
  async open(count: number): Promise<void> {
    checkDescriptors(count);
    this.#ahead = Math.max(1, Math.min(32, Math.ceil(count / 4)));
    for (let left = count; left > 0; left -= OPENING_AT_ONCE)
      await Promise.all(Array.from({ length: Math.min(left, OPENING_AT_ONCE) }, () => this.#openOne()));
  }

  take(): Lease {
    const idle = this.#idle.pop();
    if (idle !== undefined) return idle;
    const lease: Lease = { client: this.#newClient(() => lease), connectUs: null };
    this.#leases.add(lease);
    return lease;
  }

  /** Gives a connection back after its call. A broken one connects anew when it is next used. */
  release(lease: Lease): void {
    lease.connectUs = null;
    if (!this.#closed) this.#idle.push(lease);
  }

  async close(): Promise<void> {
    this.#closed = true;
    for (const { socket } of this.#warm.splice(0)) socket.destroy();
    await Promise.all([...this.#leases].map((lease) => lease.client.destroy()));
  }

  #newClient(lease: () => Lease): Client {
    return new Client(this.#origin.origin, {
      pipelining: 1,
      headersTimeout: 0,
      bodyTimeout: 0,
      keepAliveTimeout: KEEP_ALIVE_MS,
      keepAliveMaxTimeout: 600_000,
      allowH2: false,
      connect: (options, callback) => {
        // The one opened first: a server that takes one connection at a time waits for a request on that one.
        const warm = this.#warm.shift();
        this.#topUp();
        if (warm === undefined) {
          const startUs = this.#nowUs();
          this.#connect(options, (...result) => {
            lease().connectUs = this.#nowUs() - startUs;
            callback(...result);
          });
          return;
        }
        warm.socket.off('close', warm.forget).off('error', warm.forget);
        // Not at once: the client is in the middle of sending, and would not look for a connection again.
        queueMicrotask(() => callback(null, warm.socket));
      },
    });
  }

  #topUp(): void {
    if (this.#closed) return;
    for (let missing = this.#ahead - this.#warm.length - this.#opening; missing > 0; missing--)
      this.#openOne().catch(() => undefined); // the call that needs a connection will say what is wrong
  }

  #openOne(): Promise<void> {
    this.#opening++;
    return new Promise((resolve, reject) => {
      this.#connect(connectOptions(this.#origin), (error, socket) => {
        this.#opening--;
        if (error !== null) {
          reject(error);
          return;
        }
        if (this.#closed) socket.destroy();
        else this.#keepWarm(socket);
        resolve();
      });
    });
  }

  #keepWarm(socket: Socket): void {
    const forget = (): void => {
      const at = this.#warm.findIndex((warm) => warm.socket === socket);
      if (at >= 0) this.#warm.splice(at, 1);
    };
    socket.on('close', forget).on('error', forget);
    this.#warm.push({ socket, forget });
  }
}

function connectOptions(origin: URL): ConnectOptions {
  const hostname = origin.hostname.replace(/^\[(.*)\]$/, '$1');
  return { hostname, host: origin.host, protocol: origin.protocol, port: origin.port };
}

/** Throws before anything is sent if the shell allows fewer open files than the run may need connections. */
function checkDescriptors(connections: number): void {
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
