import { UserError } from '../core/errors.ts';
import { WHOLE, type Shard } from '../core/shard.ts';

/** Where a connection comes from; nothing: where the system likes. */
export interface LocalEnd {
  readonly localAddress?: string;
  readonly localPort?: number;
}

/** Of an error where a local port is taken, or none is left. */
const TAKEN: ReadonlySet<string> = new Set(['EADDRNOTAVAIL', 'EADDRINUSE']);
const FIRST_PORT = 1024;
const PORTS = 65_536 - FIRST_PORT;
/**
 * Connections to one address from the system's choice of port, where there is another choice: Linux gives away every second
 * of its 28,000 ports, and looks through all of them for each connection beyond these, 0.5 ms in which nothing is sent.
 */
const QUICK_PORTS = 12_000;
/** Addresses 127.0.0.2 and on. */
const ADDRESSES = 250;
/**
 * Ports that are tried for one connection, the first few of them neighbours, then further and further ahead: another client
 * of this machine may have come along the same way.
 */
const TRIES = 32;
const NEIGHBOURS = 4;

/**
 * The local ends of the connections to one address, which the system takes from its ephemeral ports: some 28,000 on Linux.
 * To a server on 127.0.0.0/8 all beyond the first 12,000 come from other addresses there, 64,512 from each; elsewhere the
 * user has to widen the range.
 */
export class LocalPorts {
  readonly #host: string;
  readonly #isLoopback: boolean;
  readonly #first: number;
  readonly #quickPorts: number;
  /**
   * Whether a connection has come about. Before, what lacks may be an address of this machine that reaches the other one;
   * of IPv4 the system says that otherwise, and ports may have been used up by a run before this one.
   */
  #hasOpened = false;
  #open = 0;
  /** Of the ports of other addresses; null: the system chooses. */
  #next: number | null = null;

  /** `shard`: of several clients of this process, each has addresses of its own. */
  constructor({ hostname, host }: URL, { index, of }: Shard = WHOLE) {
    this.#first = Math.floor((ADDRESSES * index) / of) * PORTS;
    this.#quickPorts = Math.ceil(QUICK_PORTS / of);
    this.#host = host;
    this.#isLoopback = /^127(?:\.\d+){3}$/.test(hostname);
  }

  /** The local end of the next connection. */
  take(): LocalEnd {
    if (this.#isLoopback && this.#open >= this.#quickPorts) this.#next ??= this.#first;
    if (this.#next === null) return {};
    const next = this.#next++ % (PORTS * ADDRESSES);
    return { localAddress: `127.0.0.${2 + Math.floor(next / PORTS)}`, localPort: FIRST_PORT + (next % PORTS) };
  }

  opened(): void {
    this.#hasOpened = true;
    this.#open++;
  }

  closed(): void {
    this.#open--;
  }

  /**
   * What to do about the error of a connection that was tried so many times: `again` from the next local end, or the error
   * to tell.
   */
  failed(error: Error, tries: number): 'again' | Error {
    const code = 'code' in error ? error.code : null;
    if (typeof code !== 'string' || !TAKEN.has(code) || !(this.#hasOpened || isToIpv4(error))) return error;
    if (this.#isLoopback && tries < TRIES) {
      this.#next =
        this.#next === null
          ? this.#first
          : this.#next + (tries <= NEIGHBOURS ? 0 : Math.min(2 ** (tries - NEIGHBOURS), PORTS));
      return 'again';
    }
    return new UserError(
      `no local port is left for another connection to ${this.#host} (${code}); ` +
        'widen their range (sysctl -w net.ipv4.ip_local_port_range="1024 65535"), reuse connections (--connections reuse), ' +
        'name a server of this machine as 127.0.0.1, have fewer at once (--max-in-flight), or replay less (--limit, --window, a lower --speed)',
      { cause: error },
    );
  }
}

function isToIpv4(error: Error): boolean {
  return 'address' in error && typeof error.address === 'string' && !error.address.includes(':');
}
