import { closeSync, openSync, renameSync, rmSync, writeSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import { messageOf, UserError } from '../../src/core/errors.ts';
import { checkOutputFile } from '../../src/core/own-file.ts';

/** So many characters are packed and written together. */
const CHUNK = 2 ** 18;

/** Whether a file that begins so is a trace that Reprise wrote: a native one, packed or not. */
function isOurs(head: string): boolean {
  return head.slice(0, 200).includes('{"reprise_trace":1,"source":');
}

/**
 * A trace file that is being written, packed where its name ends in `.gz`: beside its place under another name, and moved
 * there when it is complete. Throws a UserError where the file is there and not a trace of Reprise, or cannot be written.
 */
export class TraceFile {
  readonly #path: string;
  readonly #beside: string;
  readonly #isPacked: boolean;
  #descriptor: number;
  #text = '';
  #bytes = Buffer.alloc(0);

  constructor(path: string) {
    checkOutputFile(path, isOurs, 'OUT');
    this.#path = path;
    this.#beside = `${path}.part-${process.pid}`;
    this.#isPacked = path.endsWith('.gz');
    this.#descriptor = this.#attempt(() => openSync(this.#beside, 'w'));
  }

  /** Begins the file again. `header`: its first line, which `finish` may replace by one that is as long; empty for none. */
  begin(header: string): void {
    this.#attempt(() => {
      closeSync(this.#descriptor);
      this.#descriptor = openSync(this.#beside, 'w');
    });
    this.#text = '';
    this.#put(this.#header(header), null);
  }

  add(text: string): void {
    this.#text += text;
    if (this.#text.length >= CHUNK) this.#flush();
  }

  finish(header: string): void {
    this.#flush();
    this.#put(this.#header(header), 0);
    this.#attempt(() => {
      closeSync(this.#descriptor);
      renameSync(this.#beside, this.#path);
    });
  }

  /** Leaves nothing behind. */
  abandon(): void {
    closeSync(this.#descriptor);
    rmSync(this.#beside, { force: true });
  }

  /** Parts of a packed file may follow each other; one that is only stored is as long as another of the same length. */
  #header(text: string): Buffer {
    const bytes = Buffer.from(text);
    return this.#isPacked && text !== '' ? gzipSync(bytes, { level: 0 }) : bytes;
  }

  #flush(): void {
    if (this.#text === '') return;
    // One buffer for all: those that are thrown away stay until the next full collection.
    if (this.#text.length * 3 > this.#bytes.length) this.#bytes = Buffer.allocUnsafeSlow(this.#text.length * 3);
    const bytes = this.#bytes.subarray(0, this.#bytes.write(this.#text));
    this.#text = '';
    this.#put(this.#isPacked ? gzipSync(bytes) : bytes, null);
  }

  #put(bytes: Buffer, at: number | null): void {
    this.#attempt(() => {
      for (let done = 0; done < bytes.length;)
        done += writeSync(this.#descriptor, bytes, done, bytes.length - done, at === null ? null : at + done);
    });
  }

  #attempt<T>(work: () => T): T {
    try {
      return work();
    } catch (thrown) {
      throw new UserError(`OUT: cannot write ${this.#path}: ${messageOf(thrown)}`, { cause: thrown });
    }
  }
}
