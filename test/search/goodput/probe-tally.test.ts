import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import type { ScheduledRequest } from '../../../src/core/target.ts';
import { decided, needed, ProbeTally, type Counted } from '../../../src/search/goodput/probe-tally.ts';
import { exampleRecord } from '../../runs/example-records.ts';

const SLO = { text: 'ttft=500ms', limits: { ttft: 500 } };

const scheduled = (index: number, dueUs: number): ScheduledRequest => ({
  index,
  dueUs,
  request: { id: `r${index}`, traceRow: index + 1, dueUs, inputTokens: 1, outputTokens: 1 },
  calls: [],
});

function tally(): { tally: ProbeTally; counted: () => Counted } {
  let last: Counted = { met: 0, missed: 0 };
  return { tally: new ProbeTally(SLO, null, (now) => (last = now)), counted: () => last };
}

describe('the requests of a run as it goes on', () => {
  it('count as missed once their first token is too late, and no second time when they end', () => {
    const { tally: probe, counted } = tally();
    probe.begun(scheduled(0, 0));
    probe.firstToken(scheduled(0, 0), 600_000);
    assert.deepEqual(counted(), { met: 0, missed: 1 });
    probe.ended(exampleRecord({ request_id: 'r0', token_times_us: Float64Array.of(600_000) }), 700_000);
    assert.deepEqual(counted(), { met: 0, missed: 1 });
  });

  it('count as missed without any token as soon as a later event shows that the limit has passed', () => {
    const { tally: probe, counted } = tally();
    probe.begun(scheduled(0, 0));
    probe.begun(scheduled(1, 500_000));
    assert.deepEqual(counted(), { met: 0, missed: 0 });
    probe.begun(scheduled(2, 500_001));
    assert.deepEqual(counted(), { met: 0, missed: 1 });
    probe.ended(exampleRecord({ request_id: 'r0', outcome: 'timeout', token_times_us: new Float64Array() }), 60e6);
    assert.deepEqual(counted(), { met: 0, missed: 3 }, 'the others have waited for too long too');
  });

  it('count once where they fail without a token, however long ago', () => {
    const { tally: probe, counted } = tally();
    probe.begun(scheduled(0, 0));
    const none = new Float64Array();
    probe.ended(exampleRecord({ request_id: 'r0', outcome: 'connect_error', token_times_us: none }), 5_000);
    probe.begun(scheduled(1, 600_000));
    assert.deepEqual(counted(), { met: 0, missed: 1 });
    assert.equal(probe.lost, 1);
  });

  it('count as met when they end in time; what was cut, and what is not measured, counts for nothing', () => {
    const { tally: probe, counted } = tally();
    probe.begun(scheduled(0, 0));
    probe.firstToken(scheduled(0, 0), 100_000);
    probe.ended(exampleRecord({ request_id: 'r0' }), 140_000);
    probe.ended(exampleRecord({ request_id: 'r1', outcome: 'cut' }), 140_000);
    probe.ended(exampleRecord({ request_id: 'r2', measured: false }), 140_000);
    assert.deepEqual(counted(), { met: 1, missed: 0 });
  });
});

it('a share is decided exactly when no outcome of the others could change it', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 300 }),
      fc.constantFrom(0.5, 0.9, 0.95, 0.99),
      fc.nat(300),
      fc.nat(300),
      (of, at, a, b) => {
        const met = Math.min(a, of);
        const missed = Math.min(b, of - met);
        const ends = [met, of - missed].map((count) => count >= needed(at, of));
        const expected = ends[0] === ends[1] ? ends[0] : null;
        assert.equal(decided({ met, missed, of }, at), expected);
      },
    ),
  );
  assert.equal(needed(0.9, 1000), 900);
});
