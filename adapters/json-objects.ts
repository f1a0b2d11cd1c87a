import { ProtocolError } from '../src/core/codec.ts';
import { GatheredBytes } from '../src/core/gathered-bytes.ts';

const QUOTE = 34;
const BACKSLASH = 92;
const OPEN = 123;
const CLOSE = 125;
/** White space, and the `\0` of old servers. */
const BETWEEN: ReadonlySet<number> = new Set([0, 9, 10, 13, 32]);

/** Largest object that is buffered until its end arrives. */
const MAX_OBJECT_BYTES = 16 * 1024 * 1024;
/** Of bytes that belong to no object: enough for the message of an error page. */
const MAX_STRAY_BYTES = 200;

/**
 * JSON objects out of bytes cut anywhere, one after another with nothing between them, or white space, or `\0`:
 *
 *     {"text": "a {\" b"}{"text": ...
 *     |depth 1  |string  |depth 0
 *
 * Where an object ends is told by its braces and strings alone, all of which are ASCII: no byte of a longer character of
 * UTF-8 is. Whether it is JSON shows when it is parsed. Throws a ProtocolError for an endless object.
 */
export class JsonObjects {
  readonly #onObject: (bytes: Buffer, strings: number) => void;
  #depth = 0;
  #isInString = false;
  /** In a string: the bytes so far end in an odd number of backslashes. */
  #isEscaped = false;
  /** Strings of this object, keys included. */
  #strings = 0;
  /** The unfinished object at the end of the chunks so far: copied, since the socket's buffer is not ours to keep. */
  readonly #rest = new GatheredBytes();
  #stray: Buffer[] = [];
  #strayBytes = 0;

  /** `onObject` gets the bytes of an object, for the time of the call, and the number of its strings, keys included. */
  constructor(onObject: (bytes: Buffer, strings: number) => void) {
    this.#onObject = onObject;
  }

  /** Whether an object has begun and not ended. */
  get isInside(): boolean {
    return this.#depth > 0;
  }

  /** The first bytes that belong to no object, and what follows them: no more objects are read. '': none. */
  get stray(): string {
    return Buffer.concat(this.#stray).toString();
  }

  /** Whether `stray` has as much as is kept of it. */
  get isStrayWhole(): boolean {
    return this.#strayBytes === MAX_STRAY_BYTES;
  }

  push(bytes: Uint8Array): void {
    const chunk = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    let start = 0;
    let at = 0;
    while (at < chunk.length) {
      if (this.#depth === 0) {
        start = this.#skipBetween(chunk, at);
        if (start === chunk.length) return;
        this.#depth = 1;
        at = start + 1;
      } else if (this.#isInString) at = this.#string(chunk, at);
      else {
        at = this.#structure(chunk, at);
        if (this.#depth === 0) this.#emit(chunk.subarray(start, at));
      }
    }
    if (this.#depth > 0) this.#keep(chunk.subarray(start));
  }

  /** The next object's start, or the chunk's end if it has none. */
  #skipBetween(chunk: Buffer, from: number): number {
    let at = from;
    while (this.#strayBytes === 0 && BETWEEN.has(chunk[at] ?? -1)) at++;
    if (at === chunk.length || (this.#strayBytes === 0 && chunk[at] === OPEN)) return at;
    const stray = chunk.subarray(at, at + MAX_STRAY_BYTES - this.#strayBytes);
    this.#stray.push(Buffer.from(stray));
    this.#strayBytes += stray.length;
    return chunk.length;
  }

  /** To behind the string's end, or the chunk's: `indexOf` reads texts five times as fast as a loop over their bytes. */
  #string(chunk: Buffer, from: number): number {
    for (let at = from; ; this.#isEscaped = false) {
      const quote = chunk.indexOf(QUOTE, at);
      const end = quote < 0 ? chunk.length : quote;
      let run = end;
      while (run > at && chunk[run - 1] === BACKSLASH) run--;
      this.#isEscaped = ((end - run) % 2 === 1) !== (run === at && this.#isEscaped);
      if (quote < 0) return end;
      at = quote + 1;
      if (this.#isEscaped) continue;
      this.#isInString = false;
      return at;
    }
  }

  /** To behind the quote that begins a string, the brace that ends the object, or the chunk's end. */
  #structure(chunk: Buffer, from: number): number {
    for (let at = from; at < chunk.length; at++) {
      const byte = chunk[at];
      if (byte === QUOTE) {
        this.#isInString = true;
        this.#strings++;
        return at + 1;
      }
      if (byte === OPEN) this.#depth++;
      if (byte === CLOSE && --this.#depth === 0) return at + 1;
    }
    return chunk.length;
  }

  #emit(end: Buffer): void {
    const bytes = this.#rest.length === 0 ? end : this.#rest.take(end);
    const strings = this.#strings;
    this.#strings = 0;
    this.#onObject(bytes, strings);
  }

  #keep(bytes: Buffer): void {
    this.#rest.push(bytes);
    if (this.#rest.length > MAX_OBJECT_BYTES)
      throw new ProtocolError(`an object is longer than ${MAX_OBJECT_BYTES} bytes`);
  }
}
