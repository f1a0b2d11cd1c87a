import { readdirSync } from 'node:fs';
import { getPriority, setPriority } from 'node:os';
import { kernelFile } from './kernel-file.ts';

/** Of `nice`, for a server: a third of the weight of the thread that is timed, where both want one core. */
const SERVER_NICENESS = 5;
/**
 * For a thread that helps one that is timed, and may be seconds behind it: a 28th of its weight, with which the kernel lets
 * the timed one go first whenever it wakes. At 5, requests left behind up to 4 ms of the helper's work; at 19, a thread
 * that holds a lock of V8 may itself be kept from a core for 10 ms.
 */
const HELPER_NICENESS = 15;
/** The threads of this process, on Linux: there each has a priority of its own; elsewhere the whole process would give way. */
const THREADS = '/proc/self/task';

/** A process that was started beside the timed one, such as its server: where both want a core, the timed one goes first. */
export function letGiveWay(pid: number | undefined): void {
  if (pid !== undefined) lower(pid, SERVER_NICENESS);
}

/** Lets the thread that calls it give way to the others of its process: a helper, beside one that sends and reads. */
export function giveWay(): void {
  if (process.platform === 'linux') lower(0, HELPER_NICENESS);
}

/** Lets all threads of this process give way that have this name. */
export function letThreadsGiveWay(name: string): void {
  for (const thread of threads())
    if (kernelFile(`${THREADS}/${thread}/comm`)?.trim() === name) lower(thread, HELPER_NICENESS);
}

function threads(): number[] {
  try {
    return readdirSync(THREADS).map(Number);
  } catch {
    return []; // not Linux, or /proc is not there
  }
}

/** 0: the thread that calls. Where it is not allowed, or it has ended, nothing is wrong but that it does not give way. */
function lower(thread: number, niceness: number): void {
  try {
    if (getPriority(thread) < niceness) setPriority(thread, niceness);
  } catch {
    return;
  }
}
