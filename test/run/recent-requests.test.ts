import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { RequestRecord } from '../../src/core/record.ts';
import { scheduledByTrace } from '../../src/core/schedule.ts';
import { recentLatency, RecentRequests } from '../../src/run/recent-requests.ts';
import { exampleRecord } from '../runs/example-records.ts';

const due = (id: number, dueUs: number) =>
  scheduledByTrace(id, { id: `r${id}`, traceRow: id + 2, dueUs, inputTokens: 1, outputTokens: 3 });
const ended = (id: number, over: Partial<RequestRecord> = {}): RequestRecord =>
  exampleRecord({ request_id: `r${id}`, ...over });

describe('the latest requests', () => {
  it('have a TTFT from the due time, and a share that met the SLO', () => {
    const recent = new RecentRequests({ ttft: 200 });
    assert.deepEqual(recentLatency([recent], 0), { ttftMs: null, met: null });
    for (let i = 0; i < 10; i++) recent.firstToken(due(i, 1e6), 1e6 + (i + 1) * 10_000);
    recent.ended(ended(0), 2e6);
    recent.ended(ended(1, { token_times_us: Float64Array.of(300_000) }), 2e6);
    assert.deepEqual(recentLatency([recent], 2e6), { ttftMs: { p50: 50, p99: 100 }, met: 0.5 });
    const without = new RecentRequests(null);
    without.ended(ended(0), 1e6);
    assert.equal(recentLatency([without], 1e6).met, null);
  });

  it('are infinitely late where they failed, even after a first token, and count once; what the user cut says nothing', () => {
    const recent = new RecentRequests({ ttft: 200 });
    for (let i = 0; i < 4; i++) recent.firstToken(due(i, 0), 10_000);
    recent.ended(ended(3, { outcome: 'stream_broken' }), 1e6);
    recent.ended(ended(4, { outcome: 'rejected' }), 1e6);
    recent.ended(ended(5, { outcome: 'cut' }), 1e6);
    assert.deepEqual(recentLatency([recent], 1e6), { ttftMs: { p50: 10, p99: Infinity }, met: 0 });
  });

  it('are those of the last 10 s, at least 20 and at most the 1,024 that are kept', () => {
    const recent = new RecentRequests(null);
    for (let i = 0; i < 100; i++) recent.firstToken(due(i, i * 1e6), i * 1e6 + (i + 1) * 1000);
    // Since 99 s, 10 of the last 10 s: filled to 20.
    assert.deepEqual(recentLatency([recent], 99e6).ttftMs, { p50: 90, p99: 100 });
    for (let i = 0; i < 5000; i++) recent.firstToken(due(100 + i, 100e6), 100e6 + i);
    assert.ok((recentLatency([recent], 100e6).ttftMs?.p50 ?? 0) > (5000 - 1024) / 1000);
    assert.deepEqual(recentLatency([recent], 200e6).ttftMs, { p50: 4.989, p99: 4.999 });
  });
});
