import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { gateExit, gateText, judgeGate, parseGate } from '../../src/core/gate.ts';
import { EXIT } from '../../src/core/errors.ts';

const both = ['attainment', 'goodput'] as const;

describe('a gate', () => {
  it('is read with its unit', () => {
    assert.deepEqual(parseGate(' goodput >= 4.5rps ', both), {
      text: 'goodput >= 4.5rps',
      metric: 'goodput',
      least: 4.5,
    });
    assert.equal(parseGate('attainment>=90%', both).least, 0.9);
    assert.equal(parseGate('attainment>=0.99', both).least, 0.99);
  });

  it('that cannot be read says what was expected', () => {
    for (const [text, message] of [
      ['goodput>=4', /expected requests a second/],
      ['goodput>=0rps', /expected requests a second/],
      ['attainment>=90', /expected a share/],
      ['attainment>=0.9rps', /expected a share/],
      ['attainment<=0.9', /is gated by >=/],
      ['attainmnt>=0.9', /did you mean "attainment"\?/],
      ['fast', /is not a condition; write e\.g\. "attainment>=0\.9" or "goodput>=4rps"/],
    ] as const)
      assert.throws(() => parseGate(text, both), { name: 'UserError', message });
    assert.throws(() => parseGate('goodput>=4rps', ['attainment']), /"goodput" is not judged here/);
  });

  it('is held, missed or undecided by what is known', () => {
    const goodput = parseGate('goodput>=4rps', both);
    assert.equal(judgeGate(goodput, 4, 5), 'held');
    assert.equal(judgeGate(goodput, 3.9, 4.1), 'undecided');
    assert.equal(judgeGate(goodput, 3, 4), 'missed', 'a rate that missed is above the goodput');
    assert.equal(judgeGate(goodput, null, 2), 'missed');
    assert.equal(judgeGate(goodput, 3, null), 'undecided');
    const attainment = parseGate('attainment>=0.9', both);
    assert.equal(judgeGate(attainment, 0.8, 0.9), 'undecided');
  });

  it('gives the exit code: a failure before what cannot be told', () => {
    assert.equal(gateExit([]), EXIT.ok);
    assert.equal(gateExit(['held', 'undecided']), EXIT.undecided);
    assert.equal(gateExit(['undecided', 'missed']), EXIT.gateFailed);
    const text = gateText(parseGate('goodput>=4rps', both), 'missed', '3 met');
    assert.equal(text, '✗ gate goodput>=4rps missed: 3 met');
  });
});
