import type { Socket } from 'node:net';
import { buildConnector } from '../core/undici.ts';
import type { OnOpened, Opened } from './http-client.ts';
import type { LocalEnd } from './local-ports.ts';
import type { ReceiveQueue, UnreadStream } from './receive-queue.ts';

type ConnectOptions = Parameters<ReturnType<typeof buildConnector>>[0];

/** All sockets read into this buffer: bytes are copied out before the next read, so a read allocates nothing. */
export const READ_BUFFER = Buffer.allocUnsafeSlow(64 * 1024);

export function connectOptions(origin: URL, { localAddress }: LocalEnd): ConnectOptions {
  const hostname = origin.hostname.replace(/^\[(.*)\]$/, '$1');
  const { host, protocol, port } = origin;
  return { hostname, host, protocol, port, ...(localAddress === undefined ? {} : { localAddress }) };
}

/**
 * Opens a socket whose bytes get their arrival time at once and reach undici when no more bytes come (see
 * `ReceiveQueue`). All else of the socket, and all of HTTP, is left to undici: its parser takes bytes by
 * `socket.read()` on `readable`, and the bytes wait in the queue.
 */
export function openStamped(
  origin: URL,
  from: LocalEnd,
  receiveQueue: ReceiveQueue,
  insecure: boolean,
  callback: OnOpened<Inbox>,
): void {
  const take = (length: number): boolean => {
    receiveQueue.add(inbox, READ_BUFFER, length);
    return true;
  };
  const onread = { buffer: READ_BUFFER, callback: take };
  const inbox = new Inbox(receiveQueue);
  const connect = buildConnector({ allowH2: false, rejectUnauthorized: !insecure, onread, ...from });
  connect(connectOptions(origin, from), (...result) => {
    if (result[0] === null) callback(null, inbox.attach(result[1]));
    else callback(result[0], null);
  });
}

/** Hands the bytes of one socket to undici, which takes them by `socket.read()`. */
export class Inbox implements Opened, UnreadStream {
  unread = 0;
  readonly #receiveQueue: ReceiveQueue;
  #next: Buffer | null = null;
  #socket: Socket | null = null;

  constructor(receiveQueue: ReceiveQueue) {
    this.#receiveQueue = receiveQueue;
  }

  get socket(): Socket {
    if (this.#socket === null) throw new Error('the socket is not open');
    return this.#socket;
  }

  attach(socket: Socket): this {
    this.#socket = socket;
    const read = socket.read.bind(socket);
    socket.read = (size?: number): unknown => {
      const chunk = size === undefined ? this.#next : null;
      if (chunk === null) return read(size);
      this.#next = null;
      return chunk;
    };
    const destroy = socket.destroy.bind(socket);
    socket.destroy = (error?: Error): Socket => {
      if (!this.#isReading) this.#receiveQueue.readOf(this);
      return destroy(error);
    };
    socket.on('end', () => this.#receiveQueue.readOf(this));
    return this;
  }

  /** A chunk being read may close the socket: those behind it are not read then. */
  #isReading = false;

  read(bytes: Buffer, from: number, to: number): void {
    if (this.#isReading || this.#socket?.destroyed !== false) return;
    this.#isReading = true;
    this.#next = bytes.subarray(from, to);
    this.#socket.emit('readable');
    this.#isReading = false;
  }
}
