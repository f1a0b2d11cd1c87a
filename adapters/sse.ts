const LF = 10;
const CR = 13;
const COLON = 58;
const SPACE = 32;
const EMPTY = Buffer.alloc(0);

/** Longest line that is kept while its end has not come; a server that sends more is not speaking SSE. */
const MAX_LINE_BYTES = 16 * 1024 * 1024;

/**
 * Server-sent events out of bytes cut anywhere (WHATWG HTML, "Parsing an event stream"): LF, CR and CRLF ends,
 * comments and other fields skipped, repeated `data` lines joined by a line feed, `data:` with or without a space,
 * a byte order mark at the start skipped. Only events that carry data are handed on. A last event without its
 * blank line is handed on by `end`, because servers do leave it out.
 */
export class SseReader {
  readonly #onData: (data: string, event: string) => void;
  /** The part of a line that the last chunk ended with. */
  #rest: Buffer = EMPTY;
  #data: string | null = null;
  #event = '';
  #skipLf = false;
  #atStart = true;

  constructor(onData: (data: string, event: string) => void) {
    this.#onData = onData;
  }

  push(bytes: Uint8Array): void {
    let chunk = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    if (this.#rest.length > 0) {
      if (this.#rest.length + chunk.length > MAX_LINE_BYTES)
        throw new Error(`an event line is longer than ${MAX_LINE_BYTES} bytes`);
      chunk = Buffer.concat([this.#rest, chunk]);
      this.#rest = EMPTY;
    }
    if (this.#atStart) {
      if (chunk.length < 3 && chunk.length > 0 && chunk[0] === 0xef) {
        this.#rest = Buffer.from(chunk);
        return;
      }
      if (chunk.length > 0) this.#atStart = false;
      if (chunk[0] === 0xef && chunk[1] === 0xbb && chunk[2] === 0xbf) chunk = chunk.subarray(3);
    }
    this.#lines(chunk);
  }

  /** The body is over: what stands in the buffers is the last line of the last event. */
  end(): void {
    if (this.#rest.length > 0) this.#line(this.#rest, 0, this.#rest.length);
    this.#rest = EMPTY;
    this.#dispatch();
  }

  #lines(chunk: Buffer): void {
    let start = 0;
    for (let i = 0; i < chunk.length; i++) {
      const byte = chunk[i];
      if (byte === LF && this.#skipLf && i === start) {
        this.#skipLf = false;
        start = i + 1;
        continue;
      }
      if (byte !== LF && byte !== CR) continue;
      this.#line(chunk, start, i);
      this.#skipLf = byte === CR;
      start = i + 1;
    }
    // Copied: the socket's buffer is not ours to keep.
    if (start < chunk.length) this.#rest = Buffer.from(chunk.subarray(start));
  }

  #line(chunk: Buffer, start: number, end: number): void {
    this.#skipLf = false;
    if (start === end) {
      this.#dispatch();
      return;
    }
    const colon = chunk.indexOf(COLON, start);
    const nameEnd = colon < 0 || colon >= end ? end : colon;
    const length = nameEnd - start;
    if (length !== 4 && length !== 5) return;
    const name = chunk.toString('latin1', start, nameEnd);
    if (name !== 'data' && name !== 'event') return;
    const valueStart = nameEnd === end ? end : nameEnd + (chunk[nameEnd + 1] === SPACE && nameEnd + 1 < end ? 2 : 1);
    const value = chunk.toString('utf8', valueStart, end);
    if (name === 'event') this.#event = value;
    else this.#data = this.#data === null ? value : `${this.#data}\n${value}`;
  }

  #dispatch(): void {
    const data = this.#data;
    const event = this.#event;
    this.#data = null;
    this.#event = '';
    if (data !== null) this.#onData(data, event);
  }
}
