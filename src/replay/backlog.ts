/** Streams that are read between two polls: as long as new bytes may wait for it, some 0.2 ms. */
const SLICE = 32;
/** Streams that wait to be read at most, however much keeps coming. */
const MOST = 512;

/** Something whose bytes have been stamped and wait to be read. */
export interface Unread {
  read(): void;
}

/**
 * Stamp first, read later: while bytes keep coming, they are only given their time, which costs a third of decoding
 * them; what they say is read when nothing comes any more, a few streams between two polls. A server that writes to
 * hundreds of streams at once would else be outrun by nobody, and its last tokens look late by what the first cost to
 * decode.
 */
export class Backlog {
  #unread: Unread[] = [];
  #head = 0;
  #came = false;
  #armed = false;

  /** Bytes came for `stream`, which has none in here. */
  add(stream: Unread): void {
    this.#unread.push(stream);
    this.#came = true;
    if (this.#armed) return;
    this.#armed = true;
    setImmediate(this.#round);
  }

  /** After each poll; while armed, polls do not block. */
  readonly #round = (): void => {
    if (!this.#came || this.#unread.length - this.#head > MOST) this.#readSlice();
    this.#came = false;
    this.#armed = this.#unread.length > 0;
    if (this.#armed) setImmediate(this.#round);
  };

  #readSlice(): void {
    const end = Math.min(this.#head + SLICE, this.#unread.length);
    while (this.#head < end) this.#unread[this.#head++]?.read();
    if (this.#head < this.#unread.length) return;
    this.#unread = [];
    this.#head = 0;
  }
}
