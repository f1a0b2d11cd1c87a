import { readFileSync } from 'node:fs';

/** The kernel counts idle time in ticks of this. */
const TICK_US = 10_000;

/**
 * How long this process's main thread has been ready to run and had no core, since it began, in microseconds; null
 * where the kernel does not tell. Linux does: the second figure of `/proc/self/schedstat`, in nanoseconds.
 */
export function coreWaitUs(): number | null {
  const waitedNs = Number(read('/proc/self/schedstat')?.split(' ')[1] ?? Number.NaN);
  return Number.isNaN(waitedNs) ? null : waitedNs / 1000;
}

/** How long the machine's cores have been idle, all together, in microseconds; null where the kernel does not tell. */
export function idleCoresUs(): number | null {
  const ticks = Number(/^cpu +\d+ \d+ \d+ (\d+)/.exec(read('/proc/stat') ?? '')?.[1] ?? Number.NaN);
  return Number.isNaN(ticks) ? null : ticks * TICK_US;
}

function read(file: string): string | null {
  try {
    return readFileSync(file, 'latin1');
  } catch {
    return null; // not Linux
  }
}
