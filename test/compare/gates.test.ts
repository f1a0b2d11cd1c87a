import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { UserError } from '../../src/core/errors.ts';
import { countedVerdict, judgeCompareGate, parseCompareGate } from '../../src/compare/gates.ts';
import { compareRuns } from '../../src/compare/compare.ts';
import { isMoreBetter, JUDGED_NAMES } from '../../src/schema/comparison.ts';
import { exampleSide } from './example-sides.ts';

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

describe('the text of a gate of a comparison', () => {
  test('names a judged metric and its change, whatever blanks are in it', () => {
    assert.deepEqual(parseCompareGate(' default\n'), { text: 'default', name: null, limit: 0 });
    for (const name of JUDGED_NAMES) {
      const [right, percent] = isMoreBetter(name) ? ['>=', '-2.5'] : ['<=', '+5'];
      const text = `${name}${right}${percent}%`;
      assert.deepEqual(parseCompareGate(` ${name}\t${right}\n${percent} %`), {
        text,
        name,
        limit: Number(percent) / 100,
      });
    }
    assert.equal(parseCompareGate('ttft.p50<=5%').limit, 0.05);
    assert.equal(parseCompareGate('throughput>=0%').limit, 0);
  });

  for (const [text, message] of [
    ['ttft.p50<500ms', /is no condition on a change; .* \(a figure itself is gated by `reprise run`\)/],
    ['ttft.p50<=5', /is no condition/],
    ['default,ttft.p50<=5%', /is no condition/],
    ['', /is no condition/],
    ['itl.p99<=+5%', /not judged here; known: attainment, .*throughput$/],
    ['TTFT.p50<=+5%', /not judged here; did you mean "ttft\.p50"\?$/],
    ['ttft.p50>=5%', /gated by <=, e\.g\. ttft\.p50<=\+5%/],
    // A gate that no run can miss, or none can pass.
    ['throughput>=-100%', /always holds; write e\.g\. throughput>=-2%/],
    ['ttft.p50<=-150%', /never holds; write e\.g\. ttft\.p50<=\+5%/],
    // A share of requests, as a gate of a run has it, is no change.
    ['attainment>=90%', /is a change of attainment meant, or attainment itself\? write attainment>=\+90% for a change/],
  ] as const)
    test(`refuses ${JSON.stringify(text)}`, () => {
      assert.throws(
        () => parseCompareGate(text),
        (thrown) => thrown instanceof UserError && message.test(thrown.message),
      );
    });
});

test('a figure that is zero in every run of both is not worse, and has not grown', async () => {
  const fate = (): { outcome: 'timeout' } => ({ outcome: 'timeout' });
  const [base, now] = [
    await exampleSide('base', { factors: [1, 1.002], fate }),
    await exampleSide('new', { factors: [1.001, 0.999], fate }),
  ];
  const comparison = compareRuns(base, now, { margin: 0.02, names: ['a', 'b'] });
  const verdictOn = (text: string): string => judgeCompareGate(parseCompareGate(text), comparison).verdict;
  assert.deepEqual(['attainment>=-5%', 'attainment>=+5%', 'ttft.p50<=+5%', 'default'].map(verdictOn), [
    'held',
    'missed',
    'undecided',
    'undecided',
  ]);
});

test('a gate says which bounds it is judged by: each one-sided, inside the interval of the table', async () => {
  const [base, now] = [
    await exampleSide('base', { factors: [1, 1.01, 0.99] }),
    await exampleSide('new', { factors: [1.3, 1.31, 1.29] }),
  ];
  const comparison = compareRuns(base, now, { margin: 0.02, names: ['a', 'b'] });
  const { verdict, why } = judgeCompareGate(parseCompareGate('ttft.p50<=+5%'), comparison);
  assert.equal(verdict, 'missed');
  assert.match(why, /^ttft\.p50 \+[\d.]+ % \(at least \+[\d.]+ %, at most \+[\d.]+ %, each at 95 %\)$/);
});
