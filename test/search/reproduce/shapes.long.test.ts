import assert from 'node:assert/strict';
import { availableParallelism } from 'node:os';
import { it } from 'node:test';
import { EXPERIMENTS } from '../../../src/search/reproduce/experiments/index.ts';
import { reproduce } from '../../../src/search/reproduce/reproduce.ts';

/** Published shapes that ours does not have, by experiment, part and penalty: one that changes sides is noticed. */
const OTHERWISE: readonly string[] = [];

it('the published shapes that hold are these', async (t) => {
  const hooks = { progress: () => undefined, workers: availableParallelism(), stop: new AbortController().signal };
  const { experiments, simulations } = await reproduce(EXPERIMENTS, hooks);
  t.diagnostic(`${simulations} simulations`);
  const otherwise = experiments.flatMap(({ name, parts }) =>
    parts.flatMap(({ id, checks }) =>
      checks
        .filter(({ verdict }) => verdict === 'does-not-hold')
        .map(({ claim, gamma }) => `${name}, ${id}${gamma === null ? '' : `, gamma ${gamma}`}: ${claim}`),
    ),
  );
  assert.deepEqual(otherwise, OTHERWISE);
});
