import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import { latenessUs, type RequestRecord } from '../../src/core/record.ts';
import { scheduledByTrace, traceOrder } from '../../src/core/schedule.ts';
import type { ScheduledRequest } from '../../src/core/target.ts';
import { VirtualClock } from '../../src/core/virtual-clock.ts';
import { createEngine, engineTarget, parseEngineSpec } from '../../src/engine/index.ts';
import { RecordsDigest } from '../../src/metrics/records-digest.ts';
import { Recorder } from '../../src/replay/recorder.ts';
import { replay } from '../../src/replay/replay.ts';
import { CONTEXT, run } from './scripted-run.ts';

/** Times in whole microseconds, close enough for ties of arrivals and ends. */
const gapsUs = fc.array(fc.nat(20), { minLength: 1, maxLength: 60 });
/** A fate for each request: how long it takes, whether it answers, is refused, or never ends. */
const fates = fc.array(
  fc.record({ takesUs: fc.integer({ min: 1, max: 60 }), kind: fc.constantFrom('ok', 'ok', 'ok', 'refuse', 'hang') }),
  { minLength: 1, maxLength: 20 },
);

const dueOf = (gaps: readonly number[]): number[] => {
  let us = 0;
  return gaps.map((gap) => (us += gap));
};

const byPlan = (records: readonly RequestRecord[]): RequestRecord[] =>
  records.toSorted((a, b) => a.trace_row - b.trace_row);

/** The most requests between send and end at one time; what ends as another is sent is not in flight with it. */
function mostInFlight(records: readonly RequestRecord[]): number {
  const steps = records.flatMap(({ sent_us, end_us, due_us, held_us }) => {
    // A refused request is not reported as sent.
    const fromUs = sent_us ?? due_us + (held_us ?? 0);
    return [
      [fromUs, 1],
      [end_us ?? Infinity, -1],
    ] as const;
  });
  let [now, most] = [0, 0];
  for (const [, step] of steps.sort(([a, up], [b, down]) => a - b || up - down)) most = Math.max(most, (now += step));
  return most;
}

describe('a cap on the requests in flight', () => {
  it('holds, first come first served; each request has one record, with its wait, whatever becomes of the others', async () => {
    await fc.assert(
      fc.asyncProperty(gapsUs, fates, fc.integer({ min: 1, max: 6 }), async (gaps, drawn, maxInFlight) => {
        const due = dueOf(gaps);
        const behave = (index: number) => {
          const { takesUs = 1, kind = 'ok' } = drawn[index % drawn.length] ?? {};
          if (kind === 'refuse') return { first: null, end: null, refuse: true };
          return { first: kind === 'hang' ? null : takesUs, end: kind === 'hang' ? null : takesUs };
        };
        const { records, stopped } = await run(due, behave, { maxInFlight, timeoutUs: 100, ttftTimeoutUs: 80 });
        assert.equal(stopped, null);
        const all = byPlan(records);
        assert.deepEqual(
          all.map(({ request_id }) => request_id),
          due.map((_, i) => `r${i}`),
        );
        assert.ok(mostInFlight(all) <= maxInFlight, `${mostInFlight(all)} in flight`);
        const placeUs = all.map(({ due_us, held_us }) => due_us + (held_us ?? NaN));
        assert.deepEqual(
          placeUs,
          placeUs.toSorted((a, b) => a - b),
        );
        all.forEach((record, i) => {
          assert.equal(record.due_us, due[i]);
          if (record.sent_us !== null) assert.equal(record.sent_us, placeUs[i]);
          assert.ok([0, null].includes(latenessUs(record)));
        });
        // Who waited did so because the places were taken.
        for (const [i, at] of placeUs.entries()) {
          if (at === due[i]) continue;
          const before = all.slice(0, i).filter((other) => (other.end_us ?? Infinity) >= at).length;
          assert.ok(before >= maxInFlight, `r${i} waited though ${before} were in flight`);
        }
      }),
    );
  });

  it('counts TTFT and E2E from the due time', async () => {
    const { records } = await run([0, 10, 20], () => ({ first: 30, end: 100 }), { maxInFlight: 1 });
    assert.deepEqual(
      records.map((r) => [r.due_us, r.held_us, r.sent_us, r.first_token_us, r.token_times_us[0], r.end_us]),
      [
        [0, 0, 0, 30, 30, 100],
        [10, 90, 100, 130, 120, 200],
        [20, 180, 200, 230, 210, 300],
      ],
    );
  });

  it('that never binds gives the records of a run without one', async () => {
    const drawn = fc.array(
      fc.record({
        gapUs: fc.nat(200_000),
        inputTokens: fc.integer({ min: 1, max: 3000 }),
        outputTokens: fc.integer({ min: 1, max: 30 }),
      }),
      { minLength: 1, maxLength: 30 },
    );
    await fc.assert(
      fc.asyncProperty(drawn, async (requests) => {
        const without = await simulated(requests, Infinity);
        const most = mostInFlight(without);
        const capped = await simulated(requests, most + 1);
        const digest = (records: readonly RequestRecord[]): string => {
          const all = new RecordsDigest();
          for (const record of records) all.add(record);
          return all.sha256();
        };
        assert.equal(digest(capped), digest(without));
        assert.deepEqual(
          capped,
          without.map((record) => ({ ...record, held_us: 0 })),
        );
        assert.ok(without.every(({ held_us }) => held_us === null));
        const bound = await simulated(requests, 1);
        assert.ok(mostInFlight(bound) <= 1);
      }),
      { numRuns: 40 },
    );
  });

  it('leaves those that wait when the run stops unsent, with their wait until then, and those not due without', async () => {
    const stop = new AbortController();
    const { records, stopped } = await run(
      [0, 10, 20, 5e6],
      (i) => {
        if (i === 1) stop.abort(new Error('interrupted'));
        return { first: 1, end: i === 0 ? 50 : null };
      },
      { maxInFlight: 1, stop: stop.signal },
    );
    assert.equal(stopped, 'interrupted');
    assert.deepEqual(
      byPlan(records).map(({ request_id, outcome, sent_us, held_us }) => [request_id, outcome, sent_us, held_us]),
      [
        ['r0', 'ok', 0, 0],
        ['r1', 'cut', 50, 40],
        ['r2', 'unsent', null, 30],
      ],
    );
    assert.match(
      byPlan(records)[2]?.error ?? '',
      /waited for a place in flight \(--max-in-flight\) until the run stopped/,
    );
  });

  it('leaves those that wait when the target is gone unsent too', async () => {
    const due = Array.from({ length: 40 }, (_, i) => i * 0.5e6);
    const refuse = { first: null, end: 2e6, refuse: true };
    const { records, stopped } = await run(due, () => refuse, { maxInFlight: 1 });
    assert.match(stopped ?? '', /the target is gone/);
    const counts = new Map<string, number>();
    for (const { outcome } of records) counts.set(outcome, (counts.get(outcome) ?? 0) + 1);
    // The fourth error in a row, at 8 s, is the first that is 5 s after another; 16 requests were due before.
    assert.deepEqual(Object.fromEntries(counts), { connect_error: 4, unsent: 12 });
  });

  it('takes no more large bodies than it can hold while they wait', async () => {
    const body = new Uint8Array(8e6);
    let taken = 0;
    async function* feed(): AsyncGenerator<ScheduledRequest[]> {
      for (; taken < 40; taken++) {
        const request = { id: `r${taken}`, traceRow: taken + 2, dueUs: taken * 1e6, inputTokens: 1, outputTokens: 1 };
        const call = { id: 0, role: 'stream', endpoint: 0, path: '/', headers: {}, body } as const;
        yield [scheduledByTrace(taken, request, [call])];
      }
    }
    const ahead: number[] = [];
    const behave = (index: number) => {
      ahead.push(taken - index);
      return { first: 1, end: 100e6 };
    };
    const { records } = await run(feed(), behave, { maxInFlight: 2 });
    assert.equal(records.length, 40);
    assert.ok(Math.max(...ahead) <= 12, `${Math.max(...ahead)} bodies of 8 MB`);
  });
});

interface Simulated {
  readonly gapUs: number;
  readonly inputTokens: number;
  readonly outputTokens: number;
}

/** The records of a simulation, in the order of the plan. */
async function simulated(drawn: readonly Simulated[], maxInFlight: number): Promise<RequestRecord[]> {
  const due = dueOf(drawn.map(({ gapUs }) => gapUs));
  const requests = drawn.map(({ inputTokens, outputTokens }, i) =>
    scheduledByTrace(i, { id: `r${i}`, traceRow: i + 2, dueUs: due[i] ?? 0, inputTokens, outputTokens }),
  );
  const clock = new VirtualClock();
  const engine = createEngine(parseEngineSpec('vllm-v1'), { clock });
  const records: RequestRecord[] = [];
  const store = { sent: () => undefined, finished: (batch: readonly RequestRecord[]) => void records.push(...batch) };
  const recorder = new Recorder(store, CONTEXT);
  const never = new AbortController().signal;
  const options = { timeoutUs: 600e6, ttftTimeoutUs: 60e6, maxInFlight, stop: never, cut: never, graceUs: 1 };
  async function* feed(): AsyncGenerator<ScheduledRequest[]> {
    yield requests;
  }
  assert.equal(await replay(traceOrder(feed()), engineTarget(engine, clock, null), clock, recorder, options), null);
  return byPlan(records);
}
