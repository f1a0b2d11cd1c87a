import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { NO_FOLLOWERS, scheduledByTrace, type Schedule } from '../../../src/core/schedule.ts';
import type { ScheduledRequest } from '../../../src/core/target.ts';
import { pacedRows } from '../../../src/search/goodput/paced-rows.ts';
import { newSegment, type Segment } from '../../../src/search/goodput/segments.ts';

const ROWS_RPS = 2;

/** Rows half a second apart. */
function rows(count: number): Schedule {
  let left = Array.from({ length: count }, (_, i) =>
    scheduledByTrace(i, { id: `t${i}`, traceRow: i + 1, dueUs: i * 500_000, inputTokens: 1, outputTokens: 1 }),
  );
  return {
    next: async () => {
      const batch = left.slice(0, 32);
      left = left.slice(32);
      return batch.length === 0 ? null : batch;
    },
    ended: () => NO_FOLLOWERS,
    close: async () => undefined,
  };
}

/** All requests of a load; each ends `stayUs` after its due time, those in flight where the load waits for them. */
async function played(schedule: Schedule, stayUs: number): Promise<ScheduledRequest[]> {
  const [sent, open]: [ScheduledRequest[], ScheduledRequest[]] = [[], []];
  for (;;) {
    const part = await schedule.next();
    if (part !== null) {
      sent.push(...part);
      open.push(...part);
      continue;
    }
    const next = open.shift();
    if (next === undefined) return sent;
    schedule.ended(next, 'ok', next.dueUs + stayUs, null);
  }
}

test('rows keep their order and their gaps, scaled to the rate of their segment', async () => {
  const segments = [newSegment('segment', 4, 0), newSegment('segment', 1, 500)];
  const left = [...segments];
  const schedule = pacedRows(rows(2000), {
    rowsRps: ROWS_RPS,
    aheadUs: 0,
    from: 0,
    next: () => left.shift() ?? null,
    isOver: () => false,
    leavesBacklog: () => false,
  });
  const sent = await played(schedule, 1000);
  assert.deepEqual(
    sent.map(({ index }) => index),
    Array.from({ length: 1000 }, (_, i) => i),
  );
  const gaps = sent.slice(1).map(({ dueUs }, i) => dueUs - (sent[i]?.dueUs ?? 0));
  assert.ok(gaps.slice(0, 499).every((gap) => gap === 250_000) && gaps.slice(499).every((gap) => gap === 1_000_000));
  assert.deepEqual(
    segments.map(({ requests }) => requests),
    [500, 500],
  );
});

test('whatever the segments: each row once, in order, none due before the system is empty where that is waited for', () =>
  fc.assert(
    fc.asyncProperty(
      fc.array(
        fc.record({ rate: fc.double({ min: 0.1, max: 50, noNaN: true }), drains: fc.boolean(), cut: fc.nat(40) }),
        { maxLength: 6 },
      ),
      fc.nat(400),
      fc.integer({ min: 1, max: 20e6 }),
      async (plan, first, stayUs) => {
        const begun: { segment: Segment; drains: boolean; cut: number }[] = [];
        const of = (segment: Segment) => begun.find((each) => each.segment === segment);
        const schedule = pacedRows(rows(5000), {
          rowsRps: ROWS_RPS,
          aheadUs: 0,
          from: first,
          next: (from) => {
            const next = plan[begun.length];
            if (next === undefined) return null;
            const segment = newSegment('probe', next.rate, from);
            begun.push({ segment, drains: next.drains, cut: next.cut });
            return segment;
          },
          isOver: (segment) => segment.requests > 0 && segment.requests >= 10 * (of(segment)?.cut ?? 0),
          leavesBacklog: (segment) => of(segment)?.drains ?? false,
        });
        const sent = await played(schedule, stayUs);
        assert.deepEqual(
          sent.map(({ index }) => index),
          sent.map((_, i) => i),
        );
        if (begun[0] !== undefined) assert.equal(begun[0].segment.from, first);
        assert.ok(sent.every(({ dueUs }, i) => i === 0 || dueUs >= (sent[i - 1]?.dueUs ?? 0)));
        for (const { segment, drains } of begun.slice(0, -1)) {
          const end = segment.from - first + segment.requests;
          const [last, next] = [sent.find(({ index }) => index === end - 1), sent.find(({ index }) => index === end)];
          if (drains && last !== undefined && next !== undefined) assert.ok(next.dueUs > last.dueUs + stayUs);
        }
      },
    ),
    { numRuns: 60 },
  ));
