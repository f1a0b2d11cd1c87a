import {
  accessSync,
  closeSync,
  constants,
  fstatSync,
  ftruncateSync,
  openSync,
  readSync,
  statSync,
  writeFileSync,
  type Stats,
} from 'node:fs';
import { dirname, resolve } from 'node:path';
import { messageOf, UserError } from './errors.ts';

/** Whether a file that begins so is one that Reprise wrote. */
export type IsOurs = (head: string) => boolean;

const HEAD_BYTES = 1 << 16;

/**
 * Throws a UserError where writing `file` would replace what Reprise has not made. An empty file holds nothing; what is no
 * file, such as /dev/null, cannot be replaced. `option`: names the file on the command line; `wanted`: what `isOurs` is to
 * find there, for the message.
 */
export function checkReplaceable(file: string, isOurs: IsOurs, option: string, wanted = 'that Reprise wrote it'): void {
  const found = attempt(file, option, () => statSync(file, { throwIfNoEntry: false }));
  if (found === undefined) return;
  if (!found.isFile()) throw new UserError(`${option}: ${file} is no file; name one that is not there yet`);
  attempt(file, option, () => {
    const descriptor = openSync(file, 'r');
    try {
      refuseForeign(descriptor, found, { file, isOurs, option, wanted });
    } finally {
      closeSync(descriptor);
    }
  });
}

/** The same, and throws a UserError where the file could not be made in its folder. */
export function checkOutputFile(file: string, isOurs: IsOurs, option: string): void {
  checkReplaceable(file, isOurs, option);
  attempt(file, option, () => accessSync(dirname(resolve(file)), constants.W_OK | constants.X_OK));
}

/**
 * Opens a file to be written from its start. Throws a UserError where it is there and not of Reprise, or cannot be written.
 * A device, or a pipe that has a reader, is written to as it is.
 */
export function openReplaceable(file: string, isOurs: IsOurs, option: string): number {
  return attempt(file, option, () => {
    const fresh = openNew(file);
    if (fresh !== null) return fresh;
    // Not truncated by opening it: what is looked at is what is replaced.
    const descriptor = statSync(file).isFile() ? openSync(file, 'r+') : openDevice(file, option);
    try {
      const found = fstatSync(descriptor);
      if (!found.isFile()) return descriptor;
      refuseForeign(descriptor, found, { file, isOurs, option, wanted: 'that Reprise wrote it' });
      ftruncateSync(descriptor);
      return descriptor;
    } catch (thrown) {
      closeSync(descriptor);
      throw thrown;
    }
  });
}

/** Writes a text, all of it, to what `openReplaceable` has opened; a UserError where it cannot be: a full disk, for one. */
export function writeTo(descriptor: number, text: string, file: string, option: string): void {
  attempt(file, option, () => writeFileSync(descriptor, text));
}

/** To open a pipe that has no reader yet would block the thread, and with it all signals. */
function openDevice(file: string, option: string): number {
  let reached: number;
  try {
    reached = openSync(file, constants.O_WRONLY | constants.O_NONBLOCK);
  } catch (error) {
    if (!isCode(error, 'ENXIO')) throw error;
    throw new UserError(`${option}: nothing reads the pipe ${file}; start its reader first, or name a file`, {
      cause: error,
    });
  }
  try {
    return openSync(file, 'w');
  } finally {
    closeSync(reached);
  }
}

const isCode = (error: unknown, code: string): boolean =>
  error instanceof Error && 'code' in error && error.code === code;

/** Null where there is one already. */
function openNew(file: string): number | null {
  try {
    return openSync(file, 'wx');
  } catch (error) {
    if (isCode(error, 'EEXIST')) return null;
    throw error;
  }
}

interface Named {
  readonly file: string;
  readonly isOurs: IsOurs;
  readonly option: string;
  readonly wanted: string;
}

function refuseForeign(descriptor: number, { size }: Stats, { file, isOurs, option, wanted }: Named): void {
  if (size === 0 || isOurs(headOf(descriptor))) return;
  throw new UserError(`${option}: ${file} is there, and does not say ${wanted}; name another file, or remove this one`);
}

function headOf(descriptor: number): string {
  const head = Buffer.alloc(HEAD_BYTES);
  return head.toString('utf8', 0, readSync(descriptor, head, 0, HEAD_BYTES, 0));
}

function attempt<T>(file: string, option: string, work: () => T): T {
  try {
    return work();
  } catch (thrown) {
    if (thrown instanceof UserError) throw thrown;
    throw new UserError(`${option}: cannot write ${file}: ${messageOf(thrown)}`, { cause: thrown });
  }
}
