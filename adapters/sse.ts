import { ProtocolError } from '../src/core/codec.ts';
import { GatheredBytes } from '../src/core/gathered-bytes.ts';

const LF = 10;
const CR = 13;
const COLON = 58;
const SPACE = 32;
const BRACE = 123;
/** Also with spaces, in quotes, or twice in one event. */
const END_MARK = /^\s*"?\[DONE\]/i;
const DATA = Buffer.from('data');
const EVENT = Buffer.from('event');
const OTHERS = [Buffer.from('id'), Buffer.from('retry')];

/** Longest line or event that is buffered until its end arrives; a server that sends more is not speaking SSE. */
const MAX_EVENT_BYTES = 16 * 1024 * 1024;
/** Of lines that are no field, in characters: enough for the message of an error page. */
const MAX_STRAY_LENGTH = 8192;

/**
 * Server-sent events out of bytes cut anywhere (WHATWG HTML, "Parsing an event stream"): LF, CR and CRLF ends,
 * comments and other lines skipped, repeated `data` lines joined by a line feed, `data:` with or without a space,
 * a byte order mark at the start skipped. Only events that carry data are reported. Servers do leave out the blank line
 * of the last event: an end mark is reported with its own line, and any other by `end`. Throws a ProtocolError for an
 * endless event.
 */
export class SseReader {
  readonly #onData: (data: string, event: string) => void;
  /** The unfinished line at the end of the chunks so far: copied, since the socket's buffer is not ours to keep. */
  readonly #rest = new GatheredBytes();
  #data: string | null = null;
  #event = '';
  #skipLf = false;
  #atStart = true;
  #stray = '';

  constructor(onData: (data: string, event: string) => void) {
    this.#onData = onData;
  }

  /** Lines that belong to no event stream, such as those of an error page. */
  get stray(): string {
    return this.#stray;
  }

  /** Whether what was read so far ended with an event: what follows can only begin another. */
  get isBetweenEvents(): boolean {
    return !this.#atStart && this.#rest.length === 0 && this.#data === null && this.#event === '' && !this.#skipLf;
  }

  push(bytes: Uint8Array): void {
    let chunk = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    if (this.#rest.length > 0) {
      checkLength(this.#rest.length + chunk.length);
      if (!this.#atStart && chunk.indexOf(LF) < 0 && chunk.indexOf(CR) < 0) {
        this.#rest.push(chunk);
        return;
      }
      chunk = this.#rest.take(chunk);
    }
    if (this.#atStart) {
      if (chunk.length < 3 && chunk.length > 0 && chunk[0] === 0xef) {
        this.#rest.push(chunk);
        return;
      }
      if (chunk.length > 0) this.#atStart = false;
      if (chunk[0] === 0xef && chunk[1] === 0xbb && chunk[2] === 0xbf) chunk = chunk.subarray(3);
    }
    this.#lines(chunk);
  }

  /** The body is over: the buffers hold the last line of the last event. */
  end(): void {
    const rest = this.#rest.take();
    if (rest.length > 0) this.#line(rest, 0, rest.length);
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
    if (start < chunk.length) this.#rest.push(chunk.subarray(start));
  }

  #line(chunk: Buffer, start: number, end: number): void {
    if (start === end) {
      this.#dispatch();
      return;
    }
    const isData = isField(chunk, start, end, DATA);
    if (!isData && !isField(chunk, start, end, EVENT)) {
      if (chunk[start] !== COLON && this.#stray.length < MAX_STRAY_LENGTH) this.#keepStray(chunk, start, end);
      return;
    }
    const colon = start + (isData ? DATA : EVENT).length;
    const valueStart = colon === end ? end : colon + (chunk[colon + 1] === SPACE && colon + 1 < end ? 2 : 1);
    const value = chunk.toString('utf8', valueStart, end);
    if (!isData) {
      this.#event = value;
      return;
    }
    if (this.#data !== null) checkLength(this.#data.length + value.length);
    this.#data = this.#data === null ? value : `${this.#data}\n${value}`;
    if (isEndMark(this.#data)) this.#dispatch();
  }

  #keepStray(chunk: Buffer, start: number, end: number): void {
    if (OTHERS.some((name) => isField(chunk, start, end, name))) return;
    this.#stray += `${chunk.toString('utf8', start, Math.min(end, start + MAX_STRAY_LENGTH))}\n`;
  }

  #dispatch(): void {
    const data = this.#data;
    const event = this.#event;
    this.#data = null;
    this.#event = '';
    if (data !== null) this.#onData(data, event);
  }
}

/** Whether an event's data is [DONE], which ends a stream. */
export const isEndMark = (data: string): boolean => data.charCodeAt(0) !== BRACE && END_MARK.test(data);

/** The position of the data of an event that has no other line; -1 where `at` is not the start of one. */
export function startOfData(bytes: Buffer, at: number): number {
  for (let i = 0; i < DATA.length; i++) if (bytes[at + i] !== DATA[i]) return -1;
  const colon = at + DATA.length;
  if (bytes[colon] !== COLON) return -1;
  return bytes[colon + 1] === SPACE ? colon + 2 : colon + 1;
}

/** The position behind the blank line that ends an event whose data ends at `at`; -1 where that is not there. */
export function endOfEvent(bytes: Buffer, at: number, to: number): number {
  if (at + 2 <= to && bytes[at] === LF && bytes[at + 1] === LF) return at + 2;
  const isCrLf = bytes[at] === CR && bytes[at + 1] === LF && bytes[at + 2] === CR && bytes[at + 3] === LF;
  return isCrLf && at + 4 <= to ? at + 4 : -1;
}

function checkLength(length: number): void {
  if (length > MAX_EVENT_BYTES) throw new ProtocolError(`an event is longer than ${MAX_EVENT_BYTES} bytes`);
}

/** Whether a line is `name`, alone or before a colon. */
function isField(chunk: Buffer, start: number, end: number, name: Uint8Array): boolean {
  const colon = start + name.length;
  if (colon > end || (colon < end && chunk[colon] !== COLON)) return false;
  for (let i = 0; i < name.length; i++) if (chunk[start + i] !== name[i]) return false;
  return true;
}
