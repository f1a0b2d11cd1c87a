import { setFlagsFromString } from 'node:v8';

/**
 * Keeps V8's young generation at the size that it has: for a process that streams a long file or the records of a run,
 * whose rows die young. It would grow to 128 MiB there, half of what such a process takes, and save no time.
 */
export function keepYoungGenerationSmall(): void {
  setFlagsFromString('--semi-space-growth-factor=1');
}
