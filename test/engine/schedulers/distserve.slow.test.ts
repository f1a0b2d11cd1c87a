import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { shared } from '../../shared.ts';
import {
  hasSameBatches,
  meanLateMs,
  readDistserve,
  replayDistserve,
  swapsOf,
} from '../../../scripts/schedulers/replay-distserve.ts';

const LOG = shared('oracles/schedulers/distserve-82831f1.jsonl');
const TIMES = shared('oracles/schedulers/distserve-times.csv');

describe('distserve as DistServe 82831f1, transfers of no time', { skip: LOG.skip }, () => {
  for (const oracle of LOG.skip === false ? readDistserve(LOG.path) : []) {
    const swaps = swapsOf(oracle);
    if (swaps === 0)
      for (const options of ['transfer=between', 'transfer=beside', 'double_count=on'])
        it(`${oracle.case}, ${options}: every batch and every first and last token is the same`, async () => {
          const ours = await replayDistserve(oracle, TIMES.path, options);
          assert.ok(hasSameBatches(ours, oracle));
          for (const which of ['first', 'last'] as const) assert.ok(Math.abs(meanLateMs(ours, oracle, which)) < 1e-6);
        });
    else
      it(`${oracle.case}, double_count=on: as many swaps within 2, first tokens within 5 ms, last within 20 ms`, async (t) => {
        const ours = await replayDistserve(oracle, TIMES.path, 'double_count=on');
        const [first, last] = [meanLateMs(ours, oracle, 'first'), meanLateMs(ours, oracle, 'last')];
        t.diagnostic(`${ours.swaps} swaps, theirs ${swaps}; first ${first.toFixed(3)} ms, last ${last.toFixed(3)} ms`);
        assert.ok(Math.abs(ours.swaps - swaps) <= 2, `${ours.swaps} swaps, theirs ${swaps}`);
        assert.ok(Math.abs(first) <= 5 && Math.abs(last) <= 20, `first ${first} ms, last ${last} ms`);
      });
  }
});
