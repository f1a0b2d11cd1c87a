import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { UserError } from '../../src/core/errors.ts';
import type { RequestRecord } from '../../src/core/record.ts';
import { traceOrder } from '../../src/core/schedule.ts';
import type { ScheduledRequest, Sink, Target } from '../../src/core/target.ts';
import { VirtualClock } from '../../src/core/virtual-clock.ts';
import { Recorder } from '../../src/replay/recorder.ts';
import { replay } from '../../src/replay/replay.ts';
import { ANSWER, CONTEXT, feedOf, planned, run, scripted } from './scripted-run.ts';

describe('replay', () => {
  it('sends each request at its due time, in batches taken ahead, and records each once', async () => {
    const due = Array.from({ length: 100 }, (_, i) => i * 1e6);
    const { records, sent, stopped } = await run(due, () => ({ first: 5, end: 10 }));
    assert.equal(stopped, null);
    assert.deepEqual(
      records.map((r) => r.sent_us),
      due,
    );
    assert.deepEqual(
      sent.map((r) => r.outcome),
      due.map(() => 'cut'),
    );
    assert.deepEqual(
      [records[7]?.outcome, records[7]?.first_token_us, records[7]?.end_us, [...(records[7]?.token_times_us ?? [])]],
      ['ok', 7e6 + 5, 7e6 + 10, [5]],
    );
  });

  it('is open loop: a target that never answers delays nobody', async () => {
    const due = Array.from({ length: 40 }, (_, i) => i * 1000);
    const { records } = await run(due, (i) => (i < 20 ? { first: null, end: null } : { first: 1, end: 2 }));
    for (const record of records) assert.equal(record.sent_us, record.due_us);
    assert.equal(records.filter((r) => r.outcome === 'timeout').length, 20);
    assert.equal(records.filter((r) => r.outcome === 'ok').length, 20);
  });

  it('gives up at the timeouts, and cancels at the target', async () => {
    const { records, target } = await run(
      [0, 0, 0],
      (i) =>
        [
          { first: null, end: null },
          { first: 1, end: null },
          { first: 59e6, end: 599e6 },
        ][i] ?? { first: 0, end: 0 },
    );
    const byId = new Map(records.map((r) => [r.request_id, r]));
    assert.deepEqual([byId.get('r0')?.outcome, byId.get('r0')?.end_us], ['timeout', 60e6]);
    assert.match(byId.get('r0')?.error ?? '', /no token within 60 s/);
    assert.deepEqual(
      [byId.get('r1')?.outcome, byId.get('r1')?.end_us, byId.get('r1')?.token_times_us.length],
      ['timeout', 600e6, 1],
    );
    assert.equal(byId.get('r2')?.outcome, 'ok');
    assert.deepEqual(target.cancelled, [0, 1]);
  });

  it('keeps what is known of an answer that is given up, and its end if that had come unread', async () => {
    const clock = new VirtualClock();
    const records: RequestRecord[] = [];
    const store = { sent: () => undefined, finished: (batch: readonly RequestRecord[]) => void records.push(...batch) };
    const recorder = new Recorder(store, CONTEXT);
    const mute = scripted(clock, () => ({ first: 1, end: null }));
    let sink: Sink | null = null;
    const target: Target = {
      send: (request, to) => mute.send(request, (sink = to)),
      cancel: (index) => {
        if (index === 0) return { ...ANSWER, inputTokens: 7, aftermath: 'its KV is held' };
        sink?.end(index, clock.now(), ANSWER);
        return null;
      },
    };
    const never = new AbortController().signal;
    const options = { timeoutUs: 1e6, ttftTimeoutUs: 1e6, stop: never, cut: never, graceUs: 1 };
    assert.equal(await replay(traceOrder(feedOf([0, 10])), target, clock, recorder, options), null);
    assert.deepEqual(
      records.map((r) => [r.outcome, r.http_status, r.input_tokens, r.token_count_source]),
      [
        ['timeout', ANSWER.httpStatus, 7, 'token_ids'],
        ['ok', ANSWER.httpStatus, ANSWER.inputTokens, 'token_ids'],
      ],
    );
    assert.match(records[0]?.error ?? '', /^not finished within 1 s \(--timeout\); its KV is held$/);
  });

  it('takes the whole-answer timeout when that is the shorter one', async () => {
    const { records } = await run([0], () => ({ first: 1, end: null }), { timeoutUs: 5e6 });
    assert.deepEqual([records[0]?.outcome, records[0]?.end_us], ['timeout', 5e6]);
  });

  it('stops sending when told to, lets answers end within the grace, cuts the rest', async () => {
    const stop = new AbortController();
    const { records, stopped } = await run(
      [0, 100, 200, 300],
      (i) => {
        if (i === 2) stop.abort(new Error('interrupted'));
        return { first: 1, end: i === 1 ? 0.5e6 : null };
      },
      { stop: stop.signal },
    );
    assert.equal(stopped, 'interrupted');
    assert.deepEqual(records.map((r) => [r.request_id, r.outcome]).sort(), [
      ['r0', 'cut'],
      ['r1', 'ok'],
      ['r2', 'cut'],
    ]);
  });

  it('ends by itself when the target is gone', async () => {
    const due = Array.from({ length: 100 }, (_, i) => i * 1e6);
    const { records, stopped } = await run(due, (i) =>
      i < 5 ? { first: 1, end: 2 } : { first: null, end: null, refuse: true },
    );
    assert.match(stopped ?? '', /the target is gone/);
    assert.equal(records.filter((r) => r.outcome === 'ok').length, 5);
    assert.ok(records.length < 20, `${records.length} records`);
  });

  it('keeps what was measured when the trace cannot be read on', async () => {
    const clock = new VirtualClock();
    const records: RequestRecord[] = [];
    const recorder = new Recorder({ sent: () => undefined, finished: (batch) => void records.push(...batch) }, CONTEXT);
    async function* broken(): AsyncGenerator<ScheduledRequest[]> {
      yield [planned(0, 0)];
      throw new UserError('row 3 is bad');
    }
    const never = new AbortController().signal;
    const stopped = await replay(
      traceOrder(broken()),
      scripted(clock, () => ({ first: 1, end: 2 })),
      clock,
      recorder,
      { timeoutUs: 1e6, ttftTimeoutUs: 1e6, stop: never, cut: never, graceUs: 1 },
    );
    assert.match(stopped ?? '', /row 3 is bad/);
    assert.ok(records.length <= 1);
  });
});
