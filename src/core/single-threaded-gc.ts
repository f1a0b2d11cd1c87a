import { setFlagsFromString } from 'node:v8';

/**
 * Lets the thread that made garbage collect its young generation, some 0.5 ms twice a second: for a process that
 * measures time or is measured. V8's helper threads would finish a little sooner on free cores, and on busy ones take a
 * core from the process at the other end of the connection. Nor does V8 reduce its memory because it finds the process
 * idle, as it does between tokens: it would collect all garbage 8 s into a run, 40 ms of CPU, and make the young
 * generation so small that it is collected ten times as often. (`--no-memory-reducer` comes too late once V8 runs.)
 */
export function useSingleThreadedGc(): void {
  setFlagsFromString('--no-parallel-scavenge');
  setFlagsFromString('--memory-reducer-gc-count=0');
}
