import { setFlagsFromString } from 'node:v8';

/**
 * Leaves collecting young garbage to the thread that made it, some 0.5 ms twice a second: for a process that measures
 * time or is measured. V8's helper threads would do so a little sooner on cores that are free, and on others take the
 * core from whoever this process talks to.
 */
export function useSingleThreadedGc(): void {
  setFlagsFromString('--no-parallel-scavenge');
}
