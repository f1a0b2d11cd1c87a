import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { bracketOf, endsByKnown, trafficLoad, type TrafficOptions } from '../../../src/search/goodput/traffic-load.ts';
import type { Segment } from '../../../src/search/goodput/segments.ts';
import { NO_FOLLOWERS, scheduledByTrace } from '../../../src/core/schedule.ts';
import type { ScheduledRequest } from '../../../src/core/target.ts';

const probe = (rateRps: number, met: number, missed: number, requests = met + missed): Segment => ({
  kind: 'probe',
  rateRps,
  from: 0,
  planned: 300,
  unjudged: 0,
  requests,
  met,
  missed,
});

const options: TrafficOptions = {
  slo: { text: 'ttft=1s', limits: { ttft: 1000 } },
  goals: [0.9],
  precision: 0.05,
  rowsRps: 1,
  startRps: 8,
  lowestRps: 1,
  highestRps: 64,
  mostRequests: 10_000,
  timeOver: new AbortController().signal,
  aheadUs: 0,
  known: null,
  from: 0,
  began: () => undefined,
};

describe('the probes of traffic', () => {
  it('bracket the goal by what they settled, whether cut or not', () => {
    assert.deepEqual(bracketOf([probe(8, 270, 0), probe(16, 0, 31)], 0.9), [8, 16]);
    assert.deepEqual(bracketOf([probe(8, 290, 10), probe(16, 200, 100)], 0.9), [8, 16]);
  });

  it('that the user has stopped before they were settled say nothing: the same rate is tried again', () => {
    const stopped = probe(8, 100, 3);
    assert.deepEqual(bracketOf([stopped], 0.9), [null, null]);
    const load = trafficLoad({ ...options, known: { segments: [stopped], guess: null, ends: [] } });
    assert.equal(load.next(103)?.rateRps, 8);
  });

  it('all of whose requests were sent, some of them cut off with the run, tell nothing', () => {
    assert.deepEqual(bracketOf([probe(8, 100, 3, 300)], 0.9), [null, null]);
  });
});

describe('a search that goes on', () => {
  it('ends by what is known where that is enough', () => {
    const segments = [probe(8, 0, 31), probe(4, 0, 31), probe(2, 0, 31), probe(1, 0, 31)];
    const known = { segments, guess: null, ends: [] };
    assert.deepEqual(
      endsByKnown({ ...options, known })?.map(({ at, why }) => [at, why]),
      [[0.9, 'below']],
    );
    assert.deepEqual(
      endsByKnown({ ...options, known: { ...known, segments: segments.slice(0, 2) }, mostRequests: 300 })?.[0]?.why,
      'budget',
    );
    assert.equal(endsByKnown({ ...options, known: { ...known, segments: segments.slice(0, 2) } }), null);
    assert.equal(segments.length, 4, 'nothing was begun');
  });

  it('begins its first segment where the rows begin', async () => {
    const rows: ScheduledRequest[] = Array.from({ length: 40 }, (_, i) =>
      scheduledByTrace(i, { id: `t${300 + i}`, traceRow: 1, dueUs: i * 1e6, inputTokens: 1, outputTokens: 1 }),
    );
    const began: number[] = [];
    const load = trafficLoad({ ...options, from: 300, began: ({ from }) => began.push(from) });
    let isRead = false;
    const paced = load.paced({
      next: async () => {
        if (isRead) return null;
        isRead = true;
        return rows;
      },
      ended: () => NO_FOLLOWERS,
      close: async () => undefined,
    });
    const first = await paced.next();
    assert.deepEqual(began, [300]);
    assert.equal(first?.[0]?.request.id, 't300');
    assert.equal(first?.[0]?.dueUs, 0);
  });
});
