import assert from 'node:assert/strict';
import { test } from 'node:test';
import { countedVerdict } from '../../src/compare/gates.ts';

test('an undecided gate counts as the user says, but passes by no run that cannot be believed', () => {
  const of = (verdict: 'held' | 'missed' | 'undecided', isBlocked: boolean, undecided?: 'fail' | 'pass') =>
    countedVerdict({ verdict, isBlocked }, undecided);
  assert.deepEqual(
    [of('undecided', false), of('undecided', false, 'pass'), of('undecided', false, 'fail')],
    ['undecided', 'held', 'missed'],
  );
  assert.deepEqual(
    [of('undecided', true), of('undecided', true, 'pass'), of('undecided', true, 'fail')],
    ['undecided', 'undecided', 'missed'],
  );
  assert.deepEqual([of('held', false, 'fail'), of('missed', false, 'pass')], ['held', 'missed']);
});
