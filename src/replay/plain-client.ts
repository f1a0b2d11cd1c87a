import type { Socket } from 'node:net';
import { validateHeaderName, validateHeaderValue } from '../core/node-http.ts';
import { buildConnector } from '../core/undici.ts';
import type { CallConnection, CallHandler } from './call-handler.ts';
import {
  KEEP_ALIVE_MS,
  type CallRequest,
  type Http,
  type HttpClient,
  type OnOpened,
  type Opened,
} from './http-client.ts';
import type { ReceiveQueue, UnreadStream } from './receive-queue.ts';
import { MalformedResponse, ResponseReader, type ResponseEvents, type ResponseHeaders } from './response-reader.ts';
import { connectOptions, READ_BUFFER } from './stamped-socket.ts';

/** Closed so long before the server says that it will (`Keep-Alive: timeout=5`), and kept for this at most. */
const BEFORE_SERVER_MS = 2000;
const MAX_KEEP_ALIVE_MS = 600_000;
/** Head and body up to this length go to the socket in one piece. */
const ONE_PIECE_BYTES = 64 * 1024;
/** Headers that belong to the connection: a call that sets them would contradict it. */
const OF_THE_CONNECTION: ReadonlySet<string> = new Set([
  'connection',
  'content-length',
  'expect',
  'keep-alive',
  'transfer-encoding',
  'upgrade',
]);

/** HTTP/1.1 without TLS and without undici: half of its cost a token (scripts/bench/client-cost.ts). */
export function plainHttp(origin: URL, receiveQueue: ReceiveQueue): Http<PlainConnection> {
  return {
    open: (from, callback) => {
      const connection = new PlainConnection(receiveQueue);
      const onread = { buffer: READ_BUFFER, callback: connection.take };
      buildConnector({ allowH2: false, onread, ...from })(connectOptions(origin, from), (...result) => {
        if (result[0] === null) callback(null, connection.attach(result[1]));
        else callback(result[0], null);
      });
    },
    client: (open) => new PlainClient(origin.host, open),
  };
}

/** One socket, and the call that is on it. */
export class PlainConnection implements Opened, UnreadStream, ResponseEvents, CallConnection {
  unread = 0;
  readonly #receiveQueue: ReceiveQueue;
  readonly #reader = new ResponseReader(this);
  #socket: Socket | null = null;
  #handler: CallHandler | null = null;
  #isReset = false;
  #isGone = false;
  #isUsed = false;
  #keepAliveMs = KEEP_ALIVE_MS;
  #idleSinceMs = 0;
  /** Runs on while calls come and go: making one for each would cost more than all else that is noted of it. */
  #idleTimer: NodeJS.Timeout | undefined;
  #idleTimerMs = 0;

  constructor(receiveQueue: ReceiveQueue) {
    this.#receiveQueue = receiveQueue;
  }

  get socket(): Socket {
    if (this.#socket === null) throw new Error('the connection is not open');
    return this.#socket;
  }

  /** Whether nothing can be sent on it any more. */
  get isGone(): boolean {
    return this.#isGone;
  }

  /** Whether a response has come on it. */
  get isUsed(): boolean {
    return this.#isUsed;
  }

  readonly take = (length: number): boolean => {
    this.#receiveQueue.add(this, READ_BUFFER, length);
    return true;
  };

  attach(socket: Socket): this {
    this.#socket = socket;
    socket.on('end', () => this.#ended(closedBy('other side closed')));
    socket.on('error', (error) => this.#ended(error));
    socket.on('close', () => this.#ended(closedBy('closed')));
    return this;
  }

  /** Sends a call on this connection, which has none. */
  send({ head, body, isReset }: Message, handler: CallHandler): void {
    const { socket } = this;
    socket.ref();
    this.#handler = handler;
    this.#isReset = isReset;
    this.#reader.begin();
    handler.onStart(this);
    if (this.#handler !== handler) return;
    write(socket, head, body);
    handler.onSent();
  }

  destroy(): void {
    this.#fail(closedBy('the client is closed'));
  }

  read(bytes: Buffer, from: number, to: number): void {
    if (this.#isGone) return;
    try {
      const at = this.#reader.read(bytes, from, to);
      if (at < to) this.#fail(closedBy('bad response')); // bytes that no call asked for
    } catch (thrown) {
      if (!(thrown instanceof MalformedResponse)) throw thrown;
      this.#fail(thrown);
    }
  }

  onHead(status: number, headers: ResponseHeaders): void {
    this.#keepAliveMs = keepAliveMs(headers['keep-alive']);
    this.#handler?.onHead(status, headers);
  }

  onBody(bytes: Buffer, from: number, to: number): void {
    this.#handler?.onBody(bytes, from, to);
  }

  onEnd(): void {
    const handler = this.#handler;
    this.#handler = null;
    this.#isUsed = true;
    if (this.#isReset || !this.#reader.isKeptAlive || this.#keepAliveMs <= 0) this.#close();
    else {
      this.socket.unref();
      this.#idleSinceMs = performance.now();
      if (this.#idleTimer === undefined || this.#keepAliveMs < this.#idleTimerMs) this.#lookAfter(this.#keepAliveMs);
    }
    handler?.onEnd();
  }

  abort(handler: CallHandler, reason: Error): void {
    if (this.#handler === handler) this.#fail(reason);
  }

  #lookAfter(ms: number): void {
    clearTimeout(this.#idleTimer);
    this.#idleTimerMs = ms;
    this.#idleTimer = setTimeout(() => this.#closeIdle(), ms).unref();
  }

  #closeIdle(): void {
    this.#idleTimer = undefined;
    if (this.#handler !== null) return;
    const leftMs = this.#idleSinceMs + this.#keepAliveMs - performance.now();
    if (leftMs <= 0) this.#close();
    else this.#lookAfter(leftMs);
  }

  #ended(error: Error): void {
    this.#receiveQueue.readOf(this);
    if (this.#isGone) return;
    // A body until the connection closes is over, also by a reset.
    if (this.#handler === null || !this.#reader.end()) this.#fail(error);
  }

  #fail(error: Error): void {
    const handler = this.#handler;
    this.#handler = null;
    this.#close();
    handler?.onError(error);
  }

  #close(): void {
    this.#isGone = true;
    this.#reader.stop();
    clearTimeout(this.#idleTimer);
    this.#socket?.destroy();
  }
}

/** A request as it is written. */
interface Message {
  readonly head: string;
  readonly body: Uint8Array;
  readonly isReset: boolean;
}

/** A place for one connection at a time. */
class PlainClient implements HttpClient {
  readonly #host: string;
  readonly #open: (callback: OnOpened<PlainConnection>) => void;
  #connection: PlainConnection | null = null;
  #isDestroyed = false;

  constructor(host: string, open: (callback: OnOpened<PlainConnection>) => void) {
    this.#host = host;
    this.#open = open;
  }

  dispatch(request: CallRequest, handler: CallHandler): void {
    const message = {
      head: headOf(request, this.#host),
      body: request.body,
      isReset: request.reset === true,
    };
    const connection = this.#connection;
    if (connection === null || connection.isGone) this.#connect(message, handler);
    else if (!connection.isUsed) connection.send(message, handler);
    // After the next poll, which tells whether the server has closed it meanwhile.
    else
      setImmediate(() => {
        if (connection.isGone) this.#connect(message, handler);
        else connection.send(message, handler);
      });
  }

  destroy(): Promise<void> {
    this.#isDestroyed = true;
    this.#connection?.destroy();
    return Promise.resolve();
  }

  #connect(message: Message, handler: CallHandler): void {
    if (this.#isDestroyed) {
      handler.onError(closedBy('the client is closed'));
      return;
    }
    this.#open((error, connection) => {
      if (this.#isDestroyed) connection?.destroy();
      this.#connection = connection;
      if (connection === null) handler.onError(error ?? closedBy('not connected'));
      else if (connection.isGone) handler.onError(closedBy('closed'));
      else connection.send(message, handler);
    });
  }
}

/** Throws for a header that cannot be sent: a fault of the codec, since those of the user have been looked at. */
function headOf({ method, path, headers, body, reset = false }: CallRequest, host: string): string {
  let [lines, hostLine] = ['', host];
  for (const [name, value] of Object.entries(headers)) {
    const key = name.toLowerCase();
    if (OF_THE_CONNECTION.has(key)) throw new Error(`a call sets the header ${key}, which belongs to its connection`);
    validateHeaderName(name);
    validateHeaderValue(name, value);
    if (key === 'host') hostLine = value;
    else lines += `${name}: ${value}\r\n`;
  }
  const connection = reset ? 'close' : 'keep-alive';
  return `${method} ${path} HTTP/1.1\r\nhost: ${hostLine}\r\nconnection: ${connection}\r\n${lines}content-length: ${body.length}\r\n\r\n`;
}

function write(socket: Socket, head: string, body: Uint8Array): void {
  if (head.length + body.length <= ONE_PIECE_BYTES) {
    const whole = Buffer.allocUnsafe(head.length + body.length);
    whole.write(head, 'latin1');
    whole.set(body, head.length);
    socket.write(whole);
    return;
  }
  socket.cork();
  socket.write(head, 'latin1');
  socket.write(body);
  socket.uncork();
}

/** How long a connection may idle by its server's word, if it gives one. */
function keepAliveMs(said = ''): number {
  const seconds = /timeout=(\d{1,9})/i.exec(said)?.[1];
  if (seconds === undefined) return KEEP_ALIVE_MS;
  return Math.min(Number(seconds) * 1000 - BEFORE_SERVER_MS, MAX_KEEP_ALIVE_MS);
}

/** A connection that ended without an error of the system's own. */
function closedBy(how: string): Error {
  return Object.assign(new Error(how), { code: 'CLOSED' });
}
