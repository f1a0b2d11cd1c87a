import { setFlagsFromString } from 'node:v8';

/**
 * Lets the thread that made garbage collect its young generation, some 0.5 ms twice a second: for a process that
 * measures time or is measured. V8's helper threads would finish a little sooner on free cores, and on busy ones take a
 * core from the process at the other end of the connection.
 */
export function useSingleThreadedGc(): void {
  setFlagsFromString('--no-parallel-scavenge');
  keepIdleMemory();
}

/**
 * Has V8 give no memory back because it finds the process idle, as it does between tokens: it would collect all garbage
 * some 8 s into a run, 40 ms of CPU, and make the young generation so small that it is collected ten times as often.
 * V8 does not stop what it has planned, so that the command line calls this before anything else.
 */
export function keepIdleMemory(): void {
  setFlagsFromString('--no-memory-reducer');
}
