import assert from 'node:assert/strict';
import { it } from 'node:test';
import { unitWords, type Group } from '../../../src/schema/placement.ts';
import { copiesOf, disaggregatedUnits, gpusOf, unitOptions } from '../../../src/search/placement/candidates.ts';

const unit = (prefill: readonly [number, number, number], decode: readonly [number, number, number]): Group[] =>
  [['prefill', prefill] as const, ['decode', decode] as const].map(([role, [instances, tp, pp]]) => ({
    role,
    instances,
    tp,
    pp,
  }));

it('units are every pair of shapes and counts that the GPUs hold', () => {
  const shapes = [
    { tp: 1, pp: 1 },
    { tp: 2, pp: 1 },
  ];
  const units = disaggregatedUnits({ prefill: shapes, decode: shapes }, { gpus: 4, gpusPerNode: 4, affinity: 'low' });
  assert.deepEqual(units.map(unitWords).sort(), [
    '1 prefill (tp 1) + 1 decode (tp 1)',
    '1 prefill (tp 1) + 1 decode (tp 2)',
    '1 prefill (tp 1) + 2 decode (tp 1)',
    '1 prefill (tp 1) + 3 decode (tp 1)',
    '1 prefill (tp 2) + 1 decode (tp 1)',
    '1 prefill (tp 2) + 1 decode (tp 2)',
    '1 prefill (tp 2) + 2 decode (tp 1)',
    '2 prefill (tp 1) + 1 decode (tp 1)',
    '2 prefill (tp 1) + 1 decode (tp 2)',
    '2 prefill (tp 1) + 2 decode (tp 1)',
    '3 prefill (tp 1) + 1 decode (tp 1)',
  ]);
  for (const each of units) assert.ok(gpusOf(each) <= 4);
});

it('with low affinity the stages of prefill and decode that belong together share a node', () => {
  const low = { gpus: 16, gpusPerNode: 8, affinity: 'low' } as const;
  const high = { ...low, affinity: 'high' } as const;
  const cases: [groups: Group[], low: number, high: number][] = [
    // 5 GPUs: one in each node, though a third would fit beside them.
    [unit([1, 4, 1], [1, 1, 1]), 2, 3],
    // 12 GPUs in one stage each: no node holds it.
    [unit([1, 8, 1], [1, 4, 1]), 0, 1],
    // The same in two stages: half of each in each node.
    [unit([1, 4, 2], [1, 2, 2]), 1, 1],
    // Two stages of prefill and one of decode cannot be cut alike.
    [unit([1, 4, 2], [1, 4, 1]), 0, 1],
    // 3 GPUs: two in each node, where GPUs alone would allow five.
    [unit([1, 2, 1], [1, 1, 1]), 4, 5],
    // No node has so many GPUs for tensor parallelism.
    [unit([1, 16, 1], [1, 1, 1]), 0, 0],
  ];
  for (const [groups, inNodes, anywhere] of cases) {
    assert.equal(copiesOf(groups, low), inNodes, `${unitWords(groups)}, low`);
    assert.equal(copiesOf(groups, high), anywhere, `${unitWords(groups)}, high`);
  }
  // A last node that is not whole counts too.
  assert.equal(copiesOf(unit([1, 2, 1], [1, 1, 1]), { gpus: 11, gpusPerNode: 8, affinity: 'low' }), 3);
});

it('a unit is asked for by the options of its system', () => {
  assert.equal(
    unitOptions(unit([2, 4, 1], [3, 1, 2])),
    'prefill=2,prefill.tp=4,prefill.pp=1,decode=3,decode.tp=1,decode.pp=2',
  );
  assert.equal(unitOptions([{ role: 'both', instances: 2, tp: 4, pp: 1 }]), 'instances=2,tp=4,pp=1');
});
