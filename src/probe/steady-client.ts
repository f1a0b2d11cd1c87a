import type { Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import type { Client } from 'autocannon';

/** A connection on which nothing was answered is followed by the next one after this time, not at once. */
const PAUSE_MS = 100;

/** What the client of autocannon 9.0.0 has besides its types; package.json pins the version. */
interface Internals {
  /** Absent before the first connection. */
  readonly conn?: Socket;
  readonly destroyed: boolean;
  readonly parser: { finish(): unknown; initialize(type: 'RESPONSE'): void };
  /** Opens a connection and sends a request on it. */
  _connect(): void;
  /** Closes the connection, hears no more of it, and forgets the requests on it. */
  _destroyConnection(): void;
  /** Sends the next request on the connection. */
  _doRequest(): void;
}

/**
 * Mends how a client of autocannon connects again, where servers close connections and where TLS is verified:
 * - No request is sent on a connection that the server is about to close, and one that has ended says nothing any more.
 *   Else each leaves a request behind, by which all later latencies are too long, and a second connection: of a server
 *   that closes all of them, a tenth of the requests/s and 200 times the latency (measured).
 * - An answer that ends with its connection is an answer.
 * - A connection that is closed without any answer is an error. After one without any answer it pauses, rather than
 *   connect thousands of times a second.
 * - `verify`: autocannon takes any certificate. One that is not trusted ends the connection before a byte of a request,
 *   which may hold a key, is sent.
 */
export function steady(client: Client, verify: boolean): void {
  if (!hasInternals(client)) throw new Error('the client of this autocannon has other parts than that of 9.0.0');
  const connect = client._connect.bind(client);
  const doRequest = client._doRequest.bind(client);
  /** Of the connection there is: whether anything was answered on it, the server is about to close it, or has. */
  let hasAnswered = true;
  let isClosing = false;
  let isClosed = false;
  let isFinishing = false;
  client.on('headers', (head: object) => (isClosing = 'shouldKeepAlive' in head && head.shouldKeepAlive === false));
  client.on('response', () => (hasAnswered = true));
  const connectNow = (): void => {
    if (client.destroyed) return;
    [hasAnswered, isClosing, isClosed] = [false, false, false];
    connect();
    const { conn } = client;
    conn?.prependListener('end', () => (isClosed = true));
    if (!verify || !(conn instanceof TLSSocket)) return;
    conn.prependListener('secureConnect', () => {
      if (!conn.authorized) conn.destroy(new Error(`its certificate is not trusted (${conn.authorizationError})`));
    });
  };
  const leave = (): void => {
    isFinishing = true;
    client.parser.finish();
    isFinishing = false;
    if (isClosed && !hasAnswered) client.emit('connError', new Error('the connection was closed without an answer'));
    client._destroyConnection();
    client.parser.initialize('RESPONSE');
  };
  client._doRequest = () => {
    if (!isClosing) doRequest();
    else if (!isFinishing) client._connect();
  };
  client._connect = () => {
    if (client.conn !== undefined) leave();
    if (hasAnswered) connectNow();
    else setTimeout(connectNow, PAUSE_MS);
  };
}

function hasInternals(client: Client): client is Client & Internals {
  const has = (of: unknown, names: readonly string[]): boolean =>
    typeof of === 'object' && of !== null && names.every((name) => typeof Reflect.get(of, name) === 'function');
  return (
    has(client, ['_connect', '_destroyConnection', '_doRequest']) &&
    has(Reflect.get(client, 'parser'), ['finish', 'initialize'])
  );
}
