import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { shared } from '../../shared.ts';
import { readOracle } from './oracle-log.ts';
import { oraclesOf } from './oracles.ts';
import { compare, replayCase } from './replay-case.ts';

/** A test for each file of logs of a system: every row of every case in it is equal. */
export function checkOracles(system: string): void {
  for (const { file, system: ours, real, spec } of oraclesOf(system)) {
    const { path, skip } = shared(`oracles/schedulers/${file}`);
    describe(`${ours} as ${real}`, { skip }, () => {
      it('is equal in every row of every case', async () => {
        for (const oracle of readOracle(path)) {
          const { difference } = compare(oracle, await replayCase(spec(oracle.settings), oracle));
          assert.equal(difference, null, difference ?? '');
        }
      });
    });
  }
}
