import { getPriority, setPriority } from 'node:os';

/** Of `nice`: a third of the weight of the thread that is timed, where both want one core. */
const NICENESS = 5;

/** A process that was started beside the timed one, such as its server: where both want a core, the timed one goes first. */
export function letGiveWay(pid: number | undefined): void {
  if (pid !== undefined) setPriority(pid, NICENESS);
}

/**
 * Lets the thread that calls it give way to the others of its process: a helper, beside one that sends and reads at exact
 * times. On Linux, where each thread has a priority of its own; elsewhere the whole process would give way.
 */
export function giveWay(): void {
  if (process.platform === 'linux' && getPriority() < NICENESS) setPriority(NICENESS);
}
