import { accessSync, constants, lstatSync, rmSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { UserError } from '../core/errors.ts';
import { kernelFile } from '../core/kernel-file.ts';
import type { Manifest } from '../schema/manifest.ts';
import { diskError, LOCK_FILE, makeDirectory, removeEmpty } from './run-directory.ts';

// The owner of a directory has SQLite's lock on a file in it, which is always empty. That is one of the kernel's (fcntl):
// it holds across containers and pid namespaces of a machine, and a killed process loses it. Nothing else may open the
// file: a process that closes it loses its own lock.

/** Who writes a run or searches holds all of it; who mends or reports lets others see that it is not a live run. */
type Hold = 'EXCLUSIVE' | 'IMMEDIATE';

/** `SQLITE_BUSY` */
const BUSY = 5;
/** Between two looks at a directory that another report has. */
const LOOK_MS = 50;

/** Works on a directory that no other process works on meanwhile; `goesOn` is thrown where one does. Empty, it goes. */
export async function withDirectory<T>(dir: string, work: () => Promise<T>, goesOn: () => UserError): Promise<T> {
  makeDirectory(dir);
  const release = take(dir, 'EXCLUSIVE');
  if (release === null) throw goesOn();
  try {
    return await work();
  } catch (thrown) {
    throw diskError(dir, thrown);
  } finally {
    release();
    removeEmpty(dir);
  }
}

/** Writes to a run that has ended: after others that do so, never beside a live one, for which `goesOn` is thrown. */
export async function withEndedRun<T>(dir: string, work: () => Promise<T>, goesOn: () => UserError): Promise<T> {
  let release = take(dir, 'IMMEDIATE');
  while (release === null) {
    if (isHeld(dir)) throw goesOn();
    await sleep(LOOK_MS);
    release = take(dir, 'IMMEDIATE');
  }
  try {
    return await work();
  } catch (thrown) {
    throw diskError(dir, thrown);
  } finally {
    release();
  }
}

/** Whether a live run, or a search, has this directory. It may be one that cannot be written. */
export function isHeld(dir: string): boolean {
  const file = join(dir, LOCK_FILE);
  if (lockOf(file) === null) return false;
  return hold(file, 'BEGIN; SELECT count(*) FROM sqlite_master', true, (close) => close()) === null;
}

/** False on a read-only file system, and where the user may not write. */
export function isWritable(dir: string): boolean {
  try {
    accessSync(dir, constants.W_OK);
    return true;
  } catch {
    return false;
  }
}

/** This machine in `run.json`. Containers have names of their own, but share the boot. */
export function thisHost(): NonNullable<Manifest['host']> {
  return { name: hostname(), boot_id: bootId() };
}

/**
 * Whether a run may have been written by another machine, of whose locks nothing is known here. After a new boot of
 * this one, no process of before goes on.
 */
export function isElsewhere({ host }: Pick<Manifest, 'host'>): boolean {
  if (host === undefined) return false;
  const here = thisHost();
  return host.name !== here.name && (host.boot_id === null || host.boot_id !== here.boot_id);
}

function bootId(): string | null {
  return kernelFile('/proc/sys/kernel/random/boot_id')?.trim() ?? null;
}

/**
 * Takes the lock; null where it is held. The file goes with the lock, so one that was taken may be on a file that has
 * just gone: it counts if the file is still the one that was there before it was opened.
 */
function take(dir: string, how: Hold): (() => void) | null {
  const file = join(dir, LOCK_FILE);
  for (;;) {
    const before = lockOf(file);
    const taken = hold(file, `PRAGMA journal_mode = MEMORY; BEGIN ${how}`, false, (close) => {
      if (before !== null && inode(file) === before)
        return () => {
          rmSync(file, { force: true });
          close();
        };
      close();
      return 'again' as const;
    });
    if (taken !== 'again') return taken;
  }
}

/** The inode of a lock; null where there is none. Throws a UserError for what is none of Reprise. */
function lockOf(file: string): bigint | null {
  const found = lstatSync(file, { bigint: true, throwIfNoEntry: false });
  // Through a link another file would be locked, or made; a pipe would be waited for.
  if (found !== undefined && (!found.isFile() || found.size > 0n))
    throw new UserError(
      `${file}: is no lock of Reprise, whose locks are empty files; remove it, or choose another --out`,
    );
  return found?.ino ?? null;
}

/** Opens the file and runs `sql`, then `then` with what closes it again; null where the file is locked. */
function hold<T>(file: string, sql: string, readOnly: boolean, then: (close: () => void) => T): T | null {
  const { DatabaseSync } = sqlite();
  let database;
  try {
    database = new DatabaseSync(file, { readOnly, timeout: 0 });
    database.exec(sql);
  } catch (error) {
    database?.close();
    if (!(error instanceof Error && 'errcode' in error)) throw error;
    if (error.errcode === BUSY) return null;
    throw new UserError(`${file}: cannot be locked: ${error.message}; remove it, or choose another --out`, {
      cause: error,
    });
  }
  const open = database;
  return then(() => open.close());
}

/** Node 22 has it without a flag, and warns that it may change; what is used of it here is a lock. */
function sqlite(): typeof import('node:sqlite') {
  const { emitWarning } = process;
  process.emitWarning = () => undefined;
  try {
    return process.getBuiltinModule('node:sqlite');
  } finally {
    process.emitWarning = emitWarning;
  }
}

function inode(file: string): bigint | null {
  return lstatSync(file, { bigint: true, throwIfNoEntry: false })?.ino ?? null;
}
