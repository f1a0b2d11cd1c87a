import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import type { RequestRecord } from '../../src/core/record.ts';
import { SessionsCollector } from '../../src/metrics/sessions.ts';
import { exampleRecord } from '../runs/example-records.ts';
import { exampleManifest } from './example-manifest.ts';

const SLO = { text: 'e2e=1s', limits_ms: { e2e: 1000 }, at: 0.9 };

const turn = (
  session_id: string | null,
  dueS: number,
  lengthS: number,
  over: Partial<RequestRecord> = {},
): RequestRecord =>
  exampleRecord({
    session_id,
    due_us: dueS * 1e6,
    sent_us: dueS * 1e6,
    token_times_us: Float64Array.of(lengthS * 1e6),
    ...over,
  });
const unsent = (session_id: string, dueS: number): RequestRecord => ({
  ...turn(session_id, dueS, 0),
  outcome: 'unsent',
  sent_us: null,
  end_us: null,
  token_times_us: new Float64Array(0),
});
const collect = (
  records: readonly RequestRecord[],
  over: Parameters<typeof exampleManifest>[0] = {},
  stopped: (record: RequestRecord) => boolean = () => false,
) => {
  const collector = new SessionsCollector(exampleManifest({ slo: SLO, ...over }));
  for (const record of records) collector.add(record, stopped(record));
  return collector.result();
};

describe('sessions as wholes', () => {
  it('are none where no request is of one', () => {
    assert.equal(collect([turn(null, 0, 1)]), null);
  });

  it('finish with all of their turns, fail with one, and are neither where the run ended first', () => {
    const records = [
      turn('done', 0, 0.5),
      turn('done', 5, 2),
      turn('good', 0, 0.5),
      { ...turn('failed', 0, 1), outcome: 'http_error' as const },
      unsent('failed', 0),
      turn('left', 8, 0.1),
      unsent('left', 9),
    ];
    const found = collect(records, {}, ({ session_id, outcome }) => session_id === 'left' && outcome === 'unsent');
    assert.deepEqual(
      [found?.scheduled, found?.finished, found?.failed, found?.attainment, found?.mean_duration_s],
      [4, 2, 1, 1 / 3, (7 + 0.5) / 2],
    );
    // From 0 to the last end, at 8.1 s.
    assert.equal(found?.jobs_per_h, (2 * 3600e6) / 8.1e6);
    assert.equal(found.pushed_back_s, null);
  });

  it('are pushed back by what their last turn came later than in the trace, and late by what the client was', () => {
    const found = collect([
      turn('a', 0, 1, { planned_us: 0 }),
      turn('a', 7, 1, { planned_us: 4e6 }),
      // Turns come in any order.
      turn('b', 9, 1, { planned_us: 8e6, sent_us: 9.5e6 }),
      turn('b', 1, 1, { planned_us: 1e6 }),
    ]);
    assert.equal(found?.pushed_back_s, (3 + 1) / 2);
    assert.equal(found.client_late_s, 0.5 / 2);
  });

  const lanesOf = (concurrent: number) => ({
    sessions: {
      mode: 'think',
      concurrent,
      session_rate: null,
      start_at: 'empty',
      primed: 0,
      idle_cap_s: null,
      idle_removed_s: 0,
    } as const,
  });

  it('in lanes end as many an hour as lanes hold by their mean duration, however few of them a lane has', () =>
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 20 }),
        fc.array(fc.record({ lengthS: fc.integer({ min: 1, max: 300 }), isOk: fc.boolean() }), { maxLength: 60 }),
        (lanes, more) => {
          const lengths = [...Array.from({ length: lanes + 1 }, () => ({ lengthS: 7, isOk: true })), ...more];
          const freeAt = Array.from({ length: lanes }, () => 0);
          const records = lengths.map(({ lengthS, isOk }, i) => {
            const at = Math.min(...freeAt);
            freeAt[freeAt.indexOf(at)] = at + lengthS;
            const one = turn(`s${i}`, at, lengthS);
            return isOk ? one : { ...one, outcome: 'http_error' as const };
          });
          const allS = lengths.reduce((sum, { lengthS }) => sum + lengthS, 0);
          const expected = (lanes * 3600 * lengths.filter(({ isOk }) => isOk).length) / allS;
          const found = collect(records, lanesOf(lanes))?.jobs_per_h ?? Number.NaN;
          assert.ok(Math.abs(found / expected - 1) < 1e-9, `${found} against ${expected}`);
        },
      ),
    ));

  it('in lanes of a run that ended first count those that went on by the time that they had', () => {
    const records = [
      turn('done', 0, 10),
      turn('next', 10, 1),
      unsent('next', 0),
      turn('long', 0, 40),
      unsent('long', 0),
    ];
    const found = collect(records, lanesOf(2), ({ outcome }) => outcome === 'unsent');
    // Of 40 s: 10 of one that finished, 30 and 40 of two that did not.
    assert.equal(found?.jobs_per_h, (2 * 3600) / 80);
  });

  it('count to the last end where no lane begins a second one', () => {
    assert.equal(collect([turn('a', 0, 10), turn('b', 0, 20)], lanesOf(2))?.jobs_per_h, (2 * 3600) / 20);
  });
});
