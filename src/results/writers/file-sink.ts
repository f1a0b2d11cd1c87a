import { closeSync, openSync, renameSync, rmSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';
import { makeDirectory, unfinished, writeError } from '../../runs/run-directory.ts';

/** Text is handed to the file in pieces of this length or more. */
const PIECE = 1 << 16;

/**
 * A text file that is written piece by piece, however long it gets. It is whole or not there: until `close` it has another
 * name. Throws a UserError where it cannot be written.
 */
export class FileSink {
  readonly file: string;
  readonly #aside: string;
  readonly #descriptor: number;
  #pending = '';

  constructor(file: string) {
    this.file = file;
    this.#aside = unfinished(file);
    makeDirectory(dirname(file));
    try {
      this.#descriptor = openSync(this.#aside, 'w');
    } catch (error) {
      throw writeError(file, error);
    }
  }

  write(text: string): void {
    this.#pending += text;
    if (this.#pending.length >= PIECE) this.#flush();
  }

  /** To be called once, whether or not all was written; only a file that is `whole` gets its name. */
  close(whole: boolean): void {
    try {
      if (whole) this.#flush();
    } finally {
      closeSync(this.#descriptor);
    }
    try {
      if (whole) renameSync(this.#aside, this.file);
    } catch (error) {
      throw writeError(this.file, error);
    }
  }

  /** Removes what was written of a file that is not whole. */
  remove(): void {
    rmSync(this.#aside, { force: true });
  }

  #flush(): void {
    const bytes = Buffer.from(this.#pending);
    this.#pending = '';
    try {
      for (let at = 0; at < bytes.length;) at += writeSync(this.#descriptor, bytes, at);
    } catch (error) {
      throw writeError(this.file, error);
    }
  }
}

/** Writes a file by `fill`; a failure leaves no part of it. */
export async function fillFile(file: string, fill: (sink: FileSink) => Promise<void>): Promise<void> {
  const sink = new FileSink(file);
  let isFilled = false;
  try {
    try {
      await fill(sink);
      isFilled = true;
    } finally {
      sink.close(isFilled);
    }
  } catch (error) {
    sink.remove();
    throw error;
  }
}
