import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { EXIT } from '../../src/core/errors.ts';
import { gateExit, gateText } from '../../src/core/gate.ts';
import { judgeGoodputGate, parseGoodputGate } from '../../src/core/goodput-gate.ts';
import { parseRunGate } from '../../src/core/run-gate.ts';

describe('a gate', () => {
  it('is read with its unit', () => {
    assert.deepEqual(parseGoodputGate(' goodput >= 4.5rps '), { text: 'goodput>=4.5rps', leastRps: 4.5 });
    assert.deepEqual(parseRunGate('attainment>=90%'), { kind: 'attainment', text: 'attainment>=90%', share: 0.9 });
    assert.equal(parseRunGate('attainment>=0.99').share, 0.99);
    const latency = { kind: 'latency', metric: 'ttft', share: 0.99, limitUs: 500_000 };
    assert.deepEqual(parseRunGate('ttft.p99<500ms'), { ...latency, text: 'ttft.p99<500ms', isStrict: true });
    assert.deepEqual(parseRunGate('ttft.p99 <= 0.5 s'), { ...latency, text: 'ttft.p99<=0.5s', isStrict: false });
    assert.equal(parseRunGate('e2e.p999<=2m').share, 0.999);
  });

  it('that cannot be read says what was expected', () => {
    for (const [text, message] of [
      ['attainment>=90', /expected a share/],
      ['attainment>=0.9rps', /expected a share/],
      ['attainment>=0', /expected a share/],
      ['attainment<=0.9', /is gated by >=/],
      ['attainmnt>=0.9', /did you mean "attainment"\?/],
      ['ttft.p9<1s', /"ttft\.p9" is not judged of a run.*did you mean "ttft\.p90" or "ttft\.p95" or "ttft\.p99"/],
      ['tftt.p90<1s', /did you mean "ttft\.p90"\?/],
      ['latency<1s', /known: attainment, ttft\.p50, .*e2e\.p999/],
      ['goodput>=4rps', /"goodput" is not judged of a run/],
      ['itl.p99<50ms', /"itl\.p99" is a quantile of tokens, not of requests.*gate tpot\.p99 or e2e\.p99/],
      ['ttft.p99<500', /--gate ttft\.p99: "500" has no unit; write e\.g\. 500ms or 500s/],
      ['ttft.p99<5%', /"5%" is not a duration/],
      ['ttft.p99<0ms', /must be above zero/],
      ['ttft.p99>=500ms', /less of ttft\.p99 is better.*ttft\.p99<500ms/],
      ['fast', /is not a condition; write e\.g\. "attainment>=0\.9" or "ttft\.p99<500ms"/],
    ] as const)
      assert.throws(() => parseRunGate(text), { name: 'UserError', message }, text);
    for (const [text, message] of [
      ['goodput>=4', /expected requests a second/],
      ['goodput>=0rps', /expected requests a second/],
      ['goodput<=4rps', /is gated by >=/],
      ['attainment>=0.9', /"attainment" is not judged here; write e\.g\. "goodput>=4rps"/],
    ] as const)
      assert.throws(() => parseGoodputGate(text), { name: 'UserError', message }, text);
  });

  it('on the goodput is held, missed or undecided by what is known', () => {
    const goodput = parseGoodputGate('goodput>=4rps');
    assert.equal(judgeGoodputGate(goodput, 4, 5), 'held');
    assert.equal(judgeGoodputGate(goodput, 3.9, 4.1), 'undecided');
    assert.equal(judgeGoodputGate(goodput, 3, 4), 'missed', 'a rate that missed is above the goodput');
    assert.equal(judgeGoodputGate(goodput, null, 2), 'missed');
    assert.equal(judgeGoodputGate(goodput, 3, null), 'undecided');
  });

  it('gives the exit code: a failure before what cannot be told', () => {
    assert.equal(gateExit([]), EXIT.ok);
    assert.equal(gateExit(['held', 'undecided']), EXIT.undecided);
    assert.equal(gateExit(['undecided', 'missed']), EXIT.gateFailed);
    const text = gateText(parseGoodputGate('goodput>=4rps'), 'missed', '3 met');
    assert.equal(text, '✗ gate goodput>=4rps missed: 3 met');
  });
});
