/** Streams read between two polls, so that new bytes wait for some 0.3 ms at most. */
const SLICE = 32;
/** Up to so many waiting streams are read at once: another poll first would cost as much. */
const FEW = 4;
/**
 * Streams that may wait to be read while bytes keep coming; a burst to more streams than this is read before it is
 * over.
 */
const MOST = 4096;

/** A stream with bytes that have arrived and wait to be read. */
export interface UnreadStream {
  /** Reads all of its bytes; `atUs` gets the arrival time of each chunk before the chunk is read. */
  read(atUs: (us: number) => void): void;
}

/** The clock: gives the arrival time of this poll's bytes, runs due actions, and counts work apart from polling. */
export interface ReceiveClock {
  phase(): number;
  catchUp(): void;
  worked(): void;
}

/**
 * Stamps first, reads later: while bytes keep coming, they only get their arrival time, which costs a third of reading
 * them; HTTP and tokens are read once no more bytes come, a few streams between two polls. Otherwise, when a server
 * writes to hundreds of streams at once, its last tokens would look late by the time it takes to read the first.
 */
export class ReceiveQueue {
  readonly #clock: ReceiveClock;
  #unread: UnreadStream[] = [];
  #head = 0;
  #hasNew = false;
  #armed = false;
  #readingUs: number | null = null;

  constructor(clock: ReceiveClock) {
    this.#clock = clock;
  }

  /** Arrival time of the bytes being read; for events that no bytes caused, the start of this poll. Microseconds. */
  nowUs(): number {
    return this.#readingUs ?? this.#clock.phase();
  }

  /** Arrival time of the bytes that are in the socket now. */
  stampUs(): number {
    const us = this.#clock.phase();
    this.#clock.catchUp();
    return us;
  }

  /** Bytes have arrived for `stream`, which has none in this queue. */
  add(stream: UnreadStream): void {
    this.#unread.push(stream);
    this.#hasNew = true;
    if (this.#armed) return;
    this.#armed = true;
    setImmediate(this.#round);
  }

  /** Reads the bytes of `stream` before an event (such as a close) that would lose them. */
  read(stream: UnreadStream): void {
    const outerUs = this.#readingUs;
    stream.read(this.#atUs);
    this.#readingUs = outerUs;
  }

  /** Reads all streams. */
  readAll(): void {
    this.#read(this.#unread.length);
  }

  readonly #atUs = (us: number): void => {
    this.#readingUs = us;
  };

  /** After each poll; while armed, polls do not block. */
  readonly #round = (): void => {
    const waiting = this.#unread.length - this.#head;
    if (!this.#hasNew || waiting <= FEW || waiting > MOST) this.#read(Math.max(SLICE, waiting - MOST));
    this.#hasNew = false;
    this.#armed = this.#unread.length > 0;
    if (this.#armed) setImmediate(this.#round);
  };

  #read(streams: number): void {
    this.#clock.worked();
    const end = Math.min(this.#head + streams, this.#unread.length);
    while (this.#head < end) {
      const stream = this.#unread[this.#head++];
      if (stream !== undefined) this.read(stream);
    }
    if (this.#head < this.#unread.length) return;
    this.#unread = [];
    this.#head = 0;
  }
}
