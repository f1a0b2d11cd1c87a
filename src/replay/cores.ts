import { kernelFile } from '../core/kernel-file.ts';

/** Length of the ticks in which the kernel counts idle time. */
const TICK_US = 10_000;

/**
 * Total time that the thread which asks was ready to run but had no core, in microseconds; null where the kernel does not
 * report it. Linux does: the second figure of `/proc/thread-self/schedstat`, in nanoseconds.
 */
export function coreWaitUs(): number | null {
  const waitedNs = Number(kernelFile('/proc/thread-self/schedstat')?.split(' ')[1] ?? Number.NaN);
  return Number.isNaN(waitedNs) ? null : waitedNs / 1000;
}

/**
 * Total time that the thread which asks was not asleep: on a core, or ready to run without one, in microseconds; null where
 * the kernel does not report it.
 */
export function threadAwakeUs(): number | null {
  const [ranNs = Number.NaN, waitedNs = Number.NaN] = (kernelFile('/proc/thread-self/schedstat') ?? '')
    .split(' ')
    .map(Number);
  return Number.isNaN(ranNs + waitedNs) ? null : (ranNs + waitedNs) / 1000;
}

/** Total idle time of all cores of the machine, in microseconds; null where the kernel does not report it. */
export function idleCoresUs(): number | null {
  const ticks = Number(/^cpu +\d+ \d+ \d+ (\d+)/.exec(kernelFile('/proc/stat') ?? '')?.[1] ?? Number.NaN);
  return Number.isNaN(ticks) ? null : ticks * TICK_US;
}
