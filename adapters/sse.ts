const LF = 10;
const CR = 13;
const COLON = 58;
const SPACE = 32;
const EMPTY = Buffer.alloc(0);
const DATA = Buffer.from('data');
const EVENT = Buffer.from('event');

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
    if (this.#skipLf && chunk.length > 0) {
      this.#skipLf = false;
      if (chunk[0] === LF) start = 1;
    }
    let cr = chunk.indexOf(CR, start);
    for (;;) {
      const lf = chunk.indexOf(LF, start);
      if (cr >= 0 && cr < start) cr = chunk.indexOf(CR, start);
      const end = cr >= 0 && (lf < 0 || cr < lf) ? cr : lf;
      if (end < 0) break;
      this.#line(chunk, start, end);
      start = end + 1;
      if (end !== cr) continue;
      if (start === chunk.length) this.#skipLf = true;
      else if (chunk[start] === LF) start++;
    }
    // Copied: the socket's buffer is not ours to keep.
    if (start < chunk.length) this.#rest = Buffer.from(chunk.subarray(start));
  }

  #line(chunk: Buffer, start: number, end: number): void {
    if (start === end) {
      this.#dispatch();
      return;
    }
    const isData = isField(chunk, start, end, DATA);
    if (!isData && !isField(chunk, start, end, EVENT)) return;
    const colon = start + (isData ? DATA : EVENT).length;
    const valueStart = colon === end ? end : colon + (chunk[colon + 1] === SPACE && colon + 1 < end ? 2 : 1);
    const value = chunk.toString('utf8', valueStart, end);
    if (!isData) this.#event = value;
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

/** Whether a line is `name`, alone or before a colon. */
function isField(chunk: Buffer, start: number, end: number, name: Uint8Array): boolean {
  const colon = start + name.length;
  if (colon > end || (colon < end && chunk[colon] !== COLON)) return false;
  for (let i = 0; i < name.length; i++) if (chunk[start + i] !== name[i]) return false;
  return true;
}
