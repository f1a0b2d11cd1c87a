import { setFlagsFromString } from 'node:v8';
import { letThreadsGiveWay } from './give-way.ts';

/** As Node names them: as many as the machine has cores. */
const V8_THREADS = 'V8Worker';

/**
 * Keeps V8 from delaying the threads of a process that measures time or is measured; called where time begins to count.
 *
 * The thread that made garbage collects its young generation, some 0.5 ms twice a second: helper threads would finish a
 * little sooner on free cores, and on busy ones take a core from the process at the other end of the connection.
 *
 * V8 does not reduce its memory because it finds the process idle, as it does between tokens: it would collect all garbage
 * 8 s into a run, 40 ms of CPU, and make the young generation so small that it is collected ten times as often.
 * (`--no-memory-reducer` comes too late once V8 runs.)
 *
 * V8's own threads, which compile what runs often and mark what garbage is, give way: each works for up to a slice of the
 * scheduler, 3.5 ms, and what is due meanwhile would wait, also with a core idle, since the kernel wakes a thread on the
 * core where it was.
 */
export function quietV8(): void {
  setFlagsFromString('--no-parallel-scavenge');
  setFlagsFromString('--memory-reducer-gc-count=0');
  letThreadsGiveWay(V8_THREADS);
}
