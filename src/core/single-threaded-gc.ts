import { setFlagsFromString } from 'node:v8';

/**
 * Lets the thread that made garbage collect its young generation, some 0.5 ms twice a second: for a process that
 * measures time or is measured. V8's helper threads would finish a little sooner on free cores, and on busy ones take a
 * core from the process at the other end of the connection. Nor does V8 collect old garbage for it because it finds the
 * process idle, as it does between tokens.
 */
export function useSingleThreadedGc(): void {
  setFlagsFromString('--no-parallel-scavenge');
  setFlagsFromString('--no-memory-reducer');
}
