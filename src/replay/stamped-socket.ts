import type { Socket } from 'node:net';
import { buildConnector } from 'undici';
import type { ReceiveQueue, UnreadStream } from './receive-queue.ts';

type Connector = ReturnType<typeof buildConnector>;

/** All sockets read into this buffer: bytes are copied out before the next read, so a read allocates nothing. */
const READ_BUFFER = Buffer.allocUnsafeSlow(64 * 1024);

/**
 * Opens sockets whose bytes get their arrival time at once and reach undici when no more bytes come (see
 * `ReceiveQueue`). All else of the sockets, and all of HTTP, is left to undici: its parser takes bytes by
 * `socket.read()` on `readable`, and the bytes wait there.
 */
export function stampedConnector(receiveQueue: ReceiveQueue, insecure: boolean): Connector {
  return (options, callback) => {
    const inbox = new Inbox(receiveQueue);
    const onread = { buffer: READ_BUFFER, callback: inbox.take };
    const connect = buildConnector({ allowH2: false, rejectUnauthorized: !insecure, onread });
    connect(options, (...result) => {
      if (result[0] === null) inbox.attach(result[1]);
      callback(...result);
    });
  };
}

/** The bytes that have arrived on one socket and are not read yet. */
class Inbox implements UnreadStream {
  readonly #receiveQueue: ReceiveQueue;
  readonly #chunks: Buffer[] = [];
  readonly #timesUs: number[] = [];
  #next: Buffer | null = null;
  #socket: Socket | null = null;
  #reading = false;

  constructor(receiveQueue: ReceiveQueue) {
    this.#receiveQueue = receiveQueue;
  }

  readonly take = (bytes: number, buffer: Uint8Array): boolean => {
    this.#timesUs.push(this.#receiveQueue.stampUs());
    if (this.#chunks.push(Buffer.from(buffer.subarray(0, bytes))) === 1) this.#receiveQueue.add(this);
    return true;
  };

  attach(socket: Socket): void {
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
      this.#receiveQueue.read(this);
      return destroy(error);
    };
    socket.on('end', () => this.#receiveQueue.read(this));
  }

  read(atUs: (us: number) => void): void {
    if (this.#reading) return; // a chunk being read has closed the socket
    this.#reading = true;
    for (let i = 0; i < this.#chunks.length && this.#socket?.destroyed === false; i++) {
      this.#next = this.#chunks[i] ?? null;
      atUs(this.#timesUs[i] ?? 0);
      this.#socket.emit('readable');
    }
    this.#chunks.length = this.#timesUs.length = 0;
    this.#reading = false;
  }
}
