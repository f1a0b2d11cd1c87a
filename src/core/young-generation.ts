import { PerformanceObserver } from 'node:perf_hooks';
import { getHeapSpaceStatistics, setFlagsFromString } from 'node:v8';

/**
 * Less than this and what a part of a run is decoded into grows old, and is collected late; more is memory that saves no
 * time.
 */
const ENOUGH_BYTES = 8 * 2 ** 20;

/**
 * Lets V8's young generation grow no more than it needs: for a process that streams a long file or the records of a run,
 * whose rows die young. It would grow to 128 MiB there, half of what such a process takes.
 */
export function keepYoungGenerationSmall(): void {
  const growing = new PerformanceObserver(() => {
    const young = getHeapSpaceStatistics().find(({ space_name: name }) => name === 'new_space');
    if (young === undefined || young.space_size < ENOUGH_BYTES) return;
    setFlagsFromString('--semi-space-growth-factor=1');
    growing.disconnect();
  });
  growing.observe({ entryTypes: ['gc'] });
}
