/** Reads between two polls, so that new bytes wait for some 0.3 ms at most. */
const SLICE = 32;
/**
 * Up to so many waiting reads are done at once, as another poll first would cost as much; none while the client polls
 * anyway.
 */
const FEW = 16;
/** Reads that may wait while bytes keep coming; a larger burst is read before it is over. */
const MOST = 4096;
/** Of the buffer in which bytes wait: what comes beyond it is read at once. */
const BUFFER_BYTES = 2 * 1024 ** 2;
const ENTRIES = 2 * MOST;
/** Reads between two looks at what is due, so that a request waits for some 50 us of them. */
const DUE_EVERY = 4;

/** A stream whose bytes wait in the queue. */
export interface UnreadStream {
  /** How many of its reads wait; the queue counts them. */
  unread: number;
  /** Reads `[from, to)` of a buffer that is its own until it returns. */
  read(bytes: Buffer, from: number, to: number): void;
}

/** The clock: gives the arrival time of this poll's bytes, runs what is due, and counts reading apart from polling. */
export interface ReceiveClock {
  phase(): number;
  stamp(): number;
  /** Called after each poll that gave bytes, and after those that `pollAgain` asked for. */
  onPolled: () => void;
  pollAgain(): void;
  due(): void;
  reads(work: () => void): void;
  /** Whether the event loop polls all the time. */
  readonly busyPolling: boolean;
}

/**
 * Stamps first, reads later: while bytes keep coming, they are only copied and get their arrival time, which costs a
 * fraction of reading them; HTTP and tokens are read once no more bytes come, a few reads between two polls. Otherwise,
 * when a server writes to hundreds of streams at once, its last tokens would look late by the time it takes to read the
 * first. Bytes wait in one buffer, in the order in which they came, so that an arrival allocates nothing.
 */
export class ReceiveQueue {
  readonly #clock: ReceiveClock;
  readonly #bytes = Buffer.allocUnsafeSlow(BUFFER_BYTES);
  /** Entry i has the bytes from `#starts[i]` to `#starts[i + 1]`. Null: they have been read out of turn. */
  readonly #streams: (UnreadStream | null)[] = [];
  readonly #starts = new Uint32Array(ENTRIES + 1);
  readonly #timesUs = new Float64Array(ENTRIES);
  #head = 0;
  #tail = 0;
  /** Reads under way: one may ask for others. */
  #depth = 0;
  #hasNew = false;
  /** Arrival time of what is being read; NaN, rather than null, so that V8 keeps it in place. */
  #readingUs = Number.NaN;

  constructor(clock: ReceiveClock) {
    this.#clock = clock;
    clock.onPolled = this.#round;
  }

  /** Arrival time of the bytes being read; for events that no bytes caused, the start of this poll. Microseconds. */
  nowUs(): number {
    return Number.isNaN(this.#readingUs) ? this.#clock.phase() : this.#readingUs;
  }

  /** The first `length` bytes of `buffer` have arrived for `stream`. At most 64 KiB. */
  add(stream: UnreadStream, buffer: Buffer, length: number): void {
    const us = this.#clock.stamp();
    if (this.#tail === ENTRIES || (this.#starts[this.#tail] ?? 0) + length > BUFFER_BYTES) this.readAll();
    const at = this.#tail;
    const start = this.#starts[at] ?? 0;
    buffer.copy(this.#bytes, start, 0, length);
    this.#streams[at] = stream;
    this.#timesUs[at] = us;
    this.#starts[at + 1] = start + length;
    this.#tail = at + 1;
    stream.unread++;
    this.#hasNew = true;
  }

  /** Reads the bytes of `stream` before an event (such as a close) that would lose them. */
  readOf(stream: UnreadStream): void {
    for (let i = this.#head; i < this.#tail && stream.unread > 0; i++) if (this.#streams[i] === stream) this.#readAt(i);
    this.#emptied();
  }

  /** Reads all streams. */
  readAll(): void {
    this.#read(this.#tail - this.#head);
  }

  /** After each poll; while bytes wait, polls do not block. */
  readonly #round = (): void => {
    const waiting = this.#tail - this.#head;
    const few = this.#clock.busyPolling ? 0 : FEW;
    if (!this.#hasNew || waiting <= few || waiting > MOST) this.#clock.reads(this.#slice);
    this.#hasNew = false;
    if (this.#tail > this.#head) this.#clock.pollAgain();
  };

  readonly #slice = (): void => this.#read(Math.max(SLICE, this.#tail - this.#head - MOST));

  #read(entries: number): void {
    const end = Math.min(this.#head + entries, this.#tail);
    this.#depth++;
    while (this.#head < end) {
      this.#readAt(this.#head++);
      if (this.#depth === 1 && this.#head % DUE_EVERY === 0) this.#clock.due();
    }
    this.#depth--;
    this.#emptied();
  }

  #readAt(i: number): void {
    const stream = this.#streams[i] ?? null;
    if (stream === null) return;
    this.#streams[i] = null;
    stream.unread--;
    const outerUs = this.#readingUs;
    this.#readingUs = this.#timesUs[i] ?? 0;
    this.#depth++;
    stream.read(this.#bytes, this.#starts[i] ?? 0, this.#starts[i + 1] ?? 0);
    this.#depth--;
    this.#readingUs = outerUs;
  }

  /** Starts again at the front of the buffer once nothing waits in it, and nothing of it is being read. */
  #emptied(): void {
    if (this.#depth === 0 && this.#head === this.#tail) this.#head = this.#tail = 0;
  }
}
