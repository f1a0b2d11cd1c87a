/** Streams that are read between two polls: as long as new bytes may wait for it, some 0.3 ms. */
const SLICE = 32;
/** So few are read at once: another poll first would cost as much. */
const FEW = 4;
/** Streams that wait to be read at most, however much keeps coming: a burst to more of them is read before it is over. */
const MOST = 4096;

/** Something whose bytes have come and wait to be read. */
export interface UnreadStream {
  /** Reads all that has come; `atUs` gets the time of each piece before it is read. */
  read(atUs: (us: number) => void): void;
}

/** The clock: tells when the bytes of this poll had come, runs what is due by now, is told of work. */
export interface ReceiveClock {
  phase(): number;
  catchUp(): void;
  worked(): void;
}

/**
 * Stamp first, read later: while bytes keep coming, they are only given their time, which costs a third of reading
 * them; HTTP and tokens are read when nothing comes any more, a few streams between two polls. A server that writes to
 * hundreds of streams at once would else be outrun by nobody, and its last tokens look late by what the first cost to
 * read.
 */
export class ReceiveQueue {
  readonly #clock: ReceiveClock;
  #unread: UnreadStream[] = [];
  #head = 0;
  #came = false;
  #armed = false;
  #readingUs: number | null = null;

  constructor(clock: ReceiveClock) {
    this.#clock = clock;
  }

  /** When what is being read had come; for what no bytes brought about, when this poll began. */
  nowUs(): number {
    return this.#readingUs ?? this.#clock.phase();
  }

  /** The time of bytes that are there now. */
  stampUs(): number {
    const us = this.#clock.phase();
    this.#clock.catchUp();
    return us;
  }

  /** Bytes came for `stream`, which has none in here. */
  add(stream: UnreadStream): void {
    this.#unread.push(stream);
    this.#came = true;
    if (this.#armed) return;
    this.#armed = true;
    setImmediate(this.#round);
  }

  /** Reads what `stream` has before something happens to it that would lose it. */
  read(stream: UnreadStream): void {
    const outerUs = this.#readingUs;
    stream.read(this.#atUs);
    this.#readingUs = outerUs;
  }

  /** Reads all there is. */
  readAll(): void {
    this.#read(this.#unread.length);
  }

  readonly #atUs = (us: number): void => {
    this.#readingUs = us;
  };

  /** After each poll; while armed, polls do not block. */
  readonly #round = (): void => {
    const waiting = this.#unread.length - this.#head;
    if (!this.#came || waiting <= FEW || waiting > MOST) this.#read(Math.max(SLICE, waiting - MOST));
    this.#came = false;
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
