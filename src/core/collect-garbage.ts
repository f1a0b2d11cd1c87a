import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/**
 * Collects the garbage of this thread at once, 20 to 40 ms of CPU: before work that is timed, which V8 would else
 * interrupt for as long within its first seconds; and between two pieces of work that goes on for long and is not timed.
 * V8 by itself lets as much gather as it finds no harm in, the more the longer, and does not see how much memory hangs on
 * its small objects.
 */
export function collectGarbage(): void {
  // A function of programs that are started with the flag, and of contexts that are made after it.
  setFlagsFromString('--expose-gc');
  const collect: unknown = runInNewContext('gc');
  if (typeof collect !== 'function') throw new TypeError('no gc');
  collect({ type: 'major' });
}
