import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Request } from '../../../src/core/request.ts';
import { Media } from '../../../workloads/inspect/media.ts';
import { Names } from '../../../workloads/inspect/names.ts';
import { Sessions } from '../../../workloads/inspect/sessions.ts';

let next = 0;
function request(fields: Partial<Request>): Request {
  return { id: `r${next}`, traceRow: ++next, dueUs: 0, inputTokens: 1, outputTokens: 1, ...fields };
}

function sessionsOf(rows: readonly Partial<Request>[]): Sessions {
  const sessions = new Sessions();
  for (const row of rows) sessions.add(request(row));
  return sessions;
}

describe('sessions of a trace', () => {
  it('have turns, gaps from start to start, and think times where the source says when answers ended', () => {
    const sessions = sessionsOf([
      { session: 'a', dueUs: 0, source: { e2eUs: 2e6 } },
      { session: 'b', dueUs: 1e6 },
      { session: 'a', dueUs: 5e6, source: { e2eUs: 4e6 } },
      { session: 'a', dueUs: 8e6 },
      { dueUs: 9e6 },
    ]);
    const found = sessions.statistics();
    assert.deepEqual([sessions.count, sessions.turnsPerSession, found?.single_turn], [2, 2, 1]);
    assert.deepEqual([found?.turns.mean, found?.turns.max], [2, 3]);
    assert.deepEqual([found?.gap.n, found?.gap.mean_s, found?.gap.max_s], [2, 4, 5]);
    // The third turn begins a second before the answer to the second has ended.
    assert.deepEqual([found?.think.n, found?.think.max_s, found?.overlapping], [2, 3, 1]);
    assert.deepEqual([found?.duration.max_s, found?.duration.n], [9, 2]);
    assert.deepEqual(sessions.charts().turns, [
      { from: 1, to: 2, count: 1 },
      { from: 3, to: 4, count: 1 },
    ]);
  });

  it('have branches of their own, and think times that the trace says', () => {
    const found = sessionsOf([
      { session: 'a', dueUs: 0 },
      { session: 'a', agent: 'sub', dueUs: 1e6 },
      { session: 'a', agent: 'sub', dueUs: 3e6, after: [{ id: 'x', thinkUs: 500_000 }] },
      { session: 'a', dueUs: 10e6, after: [] },
    ]).statistics();
    assert.deepEqual([found?.gap.n, found?.gap.p50_s], [2, 6]);
    assert.deepEqual([found?.think.n, found?.think.max_s, found?.agent_rows], [1, 0.5, 2]);
  });

  it('have the think time of a turn that waited for several answers from the last of them on', () => {
    const after = [
      { id: 'a', thinkUs: 18e6 },
      { id: 'sub', thinkUs: 250_000 },
    ];
    const found = sessionsOf([{ session: 'a' }, { session: 'a', dueUs: 20e6, after }]).statistics();
    assert.deepEqual([found?.think.n, found?.think.max_s], [1, 0.25]);
  });

  it('have parents that are missing where no row has their id, before or behind', () => {
    const found = sessionsOf([
      { id: 'p2', session: 'a', parent: 'p1' },
      { id: 'p1', session: 'a' },
      { id: 'p3', session: 'a', parent: 'gone' },
      { id: 'p4', session: 'a', parent: 'gone' },
    ]).statistics();
    assert.equal(found?.parents_missing, 2);
  });

  it('are none in a trace without them', () => {
    const sessions = sessionsOf([{}, {}]);
    assert.deepEqual([sessions.count, sessions.turnsPerSession, sessions.statistics()], [0, null, null]);
  });
});

it('names are counted, the most frequent first, and how many there are beyond those that are shown', () => {
  const names = new Names();
  assert.equal(names.counts(), null);
  for (let i = 0; i < 5000; i++) names.add(i % 2 === 0 ? 'often' : `user-${i}`);
  names.add(undefined);
  const found = names.counts();
  assert.deepEqual([found?.rows, found?.distinct, found?.top[0]], [5000, 2501, { name: 'often', rows: 2500 }]);
  assert.equal(found?.top.length, 20);
});

it('media are counted by kind, rows and items', () => {
  const media = new Media();
  media.add(request({}));
  media.add(request({ media: [{ kind: 'image', count: 3 }, { kind: 'image' }, { kind: 'audio' }] }));
  media.add(request({ media: [{ kind: 'image' }] }));
  assert.deepEqual(media.counts(), [
    { kind: 'image', rows: 2, items: 5 },
    { kind: 'audio', rows: 1, items: 1 },
  ]);
});
