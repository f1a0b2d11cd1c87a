import { statSync } from 'node:fs';
import { FileHash } from '../file-bytes.ts';
import { fileText } from '../file-text.ts';
import { folderText } from './folder.ts';

/** The text of a trace, in which each line is a row, whatever it is kept in. */
export interface TraceText {
  /** From its beginning, in chunks that are cut anywhere. Throws a UserError as `fileText` does. */
  open(mostRowBytes?: number): AsyncGenerator<string>;
  /** SHA-256 of the bytes of the file; of a folder, of what `sha256sum *` prints in it. */
  sha256(): Promise<string>;
  /** The file and line of a line of this text that was read, where it is of several files. */
  placeOf(line: number): { readonly path: string; readonly line: number } | null;
  /** What is left out. */
  readonly notes: readonly string[];
  /** The files of a folder. */
  readonly files?: readonly string[];
}

/** `path`: a file, or a folder of them. */
export function traceText(path: string): TraceText {
  if (statSync(path).isDirectory()) return folderText(path);
  const hash = new FileHash(path);
  return {
    open: (mostRowBytes) => fileText(path, hash, mostRowBytes),
    sha256: () => hash.hex(),
    placeOf: () => null,
    notes: [],
  };
}
