import type { Comparison } from '../schema/comparison.ts';
import type { LoadedRun } from './load-runs.ts';

/** Says where repeats were of servers that reprise did not start: for all it knows they ran on from one to the next. */
export function startDoubts(base: readonly LoadedRun[], now: readonly LoadedRun[]): Comparison['doubts'][number][] {
  const ranOn = (runs: readonly LoadedRun[]): boolean =>
    runs.length > 1 &&
    runs.some(
      ({ manifest: { target, options } }) => target.kind === 'url' && options !== null && !('start' in options),
    );
  const [ofBase, ofNow] = [ranOn(base), ranOn(now)];
  if (!ofBase && !ofNow) return [];
  const whose = ofBase && ofNow ? 'servers of base and new were' : `server of ${ofBase ? 'base' : 'new'} was`;
  return [
    {
      code: 'starts',
      blocks: false,
      text: `the ${whose} not started for each run (ab --base-start, --new-start): what changes from start to start is not in these runs`,
    },
  ];
}
