import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import type { Clock } from '../../src/core/clock.ts';
import type { RequestRecord } from '../../src/core/record.ts';
import type { Request } from '../../src/core/request.ts';
import { scheduledByTrace } from '../../src/core/schedule.ts';
import type { ResponseInfo, ScheduledRequest, Target } from '../../src/core/target.ts';
import { VirtualClock } from '../../src/core/virtual-clock.ts';
import { machineUs, WallClock } from '../../src/core/wall-clock.ts';
import { Recorder } from '../../src/replay/recorder.ts';
import { replay, type ReplayOptions } from '../../src/replay/replay.ts';
import { sessionOrder } from '../../src/replay/session-order.ts';
import { bySession } from '../../workloads/transforms/by-session.ts';
import { UNHEARD } from '../../workloads/transforms/transform.ts';

const RESPONSE: ResponseInfo = {
  httpStatus: 200,
  finishReason: 'length',
  inputTokens: null,
  cachedTokens: null,
  outputTokens: 1,
  reasoningTokens: null,
  countSource: 'token_ids',
  phases: null,
};

/** Answers with one token after `answerUs`, or fails where that is null. */
function target(clock: Clock, answerUs: (request: Request) => number | null): Target {
  return {
    send({ index, request }, sink) {
      sink.sent(index, clock.now(), null);
      const us = answerUs(request);
      clock.at(clock.now() + (us ?? 10), () => {
        if (us === null) {
          sink.fail(index, clock.now(), 'http_error', 'no', null);
          return;
        }
        sink.tokens(index, clock.now(), 1);
        sink.end(index, clock.now(), RESPONSE);
      });
    },
    cancel: () => null,
  };
}

interface How {
  readonly thinks: boolean;
  readonly lanes?: number;
  readonly idleCapUs?: number;
  /** Requests are prepared in so long, as by another thread. */
  readonly isAsync?: boolean;
}

/** Replays requests as sessions; returns the record of each by its id, and what was cut of idle time. */
async function replaySessions(
  requests: readonly Request[],
  clock: Clock,
  answerUs: (request: Request) => number | null,
  { thinks, lanes, idleCapUs, isAsync = false }: How,
): Promise<{ readonly records: ReadonlyMap<string, RequestRecord>; readonly cutUs: number }> {
  const trees = bySession(
    {
      name: 't',
      format: 't',
      path: 't',
      transforms: [],
      open: async function* () {
        yield requests;
      },
    },
    {},
    UNHEARD,
  ).open();
  async function* feed(): AsyncGenerator<ScheduledRequest[]> {
    let index = 0;
    for await (const batch of trees) for (const request of batch) yield [scheduledByTrace(index++, request)];
  }
  const records = new Map<string, RequestRecord>();
  const recorder = new Recorder(
    {
      sent: () => undefined,
      finished: (batch) => batch.forEach((record) => records.set(record.request_id, record)),
    },
    { target: 'toy', window: null, worker: 0 },
  );
  let cutUs = 0;
  const never = new AbortController().signal;
  const options: ReplayOptions = {
    timeoutUs: Infinity,
    ttftTimeoutUs: Infinity,
    stop: never,
    cut: never,
    graceUs: 0,
    ...(idleCapUs === undefined ? {} : { idleCapUs, idleCut: (us: number) => (cutUs += us) }),
  };
  const schedule = sessionOrder(feed(), {
    thinks,
    lanes: lanes ?? null,
    prepare: (request) => (isAsync ? Promise.resolve(request) : request),
    drop: () => undefined,
  });
  assert.equal(await replay(schedule, target(clock, answerUs), clock, recorder, options), null);
  return { records, cutUs };
}

/** Requests of sessions: each waits for some of those before it in its session. */
const anySessions = fc
  .array(
    fc.record({
      session: fc.nat(6),
      dueUs: fc.nat(5_000_000),
      back: fc.array(fc.nat(3), { maxLength: 2 }),
      thinkUs: fc.nat(300_000),
      answerUs: fc.option(fc.integer({ min: 1, max: 400_000 }), { freq: 8 }),
    }),
    { minLength: 1, maxLength: 60 },
  )
  .map((rows) => {
    const sorted = rows.toSorted((a, b) => a.dueUs - b.dueUs);
    const before = new Map<number, string[]>();
    return sorted.map(({ session, dueUs, back, thinkUs, answerUs }, i) => {
      const ids = before.get(session) ?? [];
      const after = [...new Set(back.map((steps) => ids.at(-1 - steps)).filter((id) => id !== undefined))];
      before.set(session, [...ids, `r${i}`]);
      const request: Request = {
        id: `r${i}`,
        traceRow: i + 1,
        dueUs,
        inputTokens: 1,
        outputTokens: 1,
        session: `s${session}`,
        after: after.map((id) => ({ id, thinkUs })),
      };
      return { request, answerUs };
    });
  });

describe('sessions with think times', () => {
  it('any tree: a turn is due when the last answer that it waits for has ended and its think time is over; behind a failure nothing is sent', () =>
    fc.assert(
      fc.asyncProperty(anySessions, fc.boolean(), async (rows, isAsync) => {
        const answers = new Map(rows.map(({ request, answerUs }) => [request.id, answerUs]));
        const { records } = await replaySessions(
          rows.map(({ request }) => request),
          new VirtualClock(),
          ({ id }) => answers.get(id) ?? null,
          { thinks: true, isAsync },
        );
        assert.equal(records.size, rows.length);
        for (const { request } of rows) {
          const record = records.get(request.id) ?? assert.fail();
          const before = (request.after ?? []).map(({ id, thinkUs }) => ({
            thinkUs,
            record: records.get(id) ?? assert.fail(),
          }));
          if (before.some(({ record: { outcome } }) => outcome !== 'ok')) {
            assert.equal(record.outcome, 'unsent');
            continue;
          }
          const dueUs = before.map(({ thinkUs, record: { end_us } }) => (end_us ?? NaN) + thinkUs);
          assert.equal(record.due_us, before.length === 0 ? request.dueUs : Math.max(...dueUs));
          assert.deepEqual([record.sent_us, record.planned_us], [record.due_us, request.dueUs]);
        }
      }),
      { numRuns: 300 },
    ));

  it('in lanes: so many sessions at a time, the next begins when one is over, in the order of the trace', () =>
    fc.assert(
      fc.asyncProperty(anySessions, fc.integer({ min: 1, max: 4 }), fc.boolean(), async (rows, lanes, thinks) => {
        const answers = new Map(rows.map(({ request, answerUs }) => [request.id, answerUs]));
        const { records } = await replaySessions(
          rows.map(({ request }) => request),
          new VirtualClock(),
          ({ id }) => answers.get(id) ?? null,
          { thinks, lanes },
        );
        assert.equal(records.size, rows.length);
        const spans = new Map<string, { fromUs: number; toUs: number }>();
        for (const { session_id, sent_us, end_us, outcome } of records.values()) {
          if (outcome === 'unsent') continue;
          const span = spans.get(session_id ?? '') ?? { fromUs: Infinity, toUs: 0 };
          span.fromUs = Math.min(span.fromUs, sent_us ?? NaN);
          span.toUs = Math.max(span.toUs, end_us ?? NaN);
          spans.set(session_id ?? '', span);
        }
        const all = [...spans.values()].toSorted((a, b) => a.fromUs - b.fromUs);
        for (const { fromUs } of all) {
          const open = all.filter((other) => other.fromUs <= fromUs && other.toUs > fromUs).length;
          assert.ok(open <= lanes, `${open} sessions at once in ${lanes} lanes`);
        }
        const ends = all.map(({ toUs }) => toUs).toSorted((a, b) => a - b);
        // Each session beyond the first ones begins at the end of another.
        for (const { fromUs } of all.slice(lanes)) assert.ok(fromUs === 0 || ends.includes(fromUs));
      }),
      { numRuns: 200 },
    ));

  it('lanes are full until no session is left, and each request is sent when it is due, however long sessions are', () =>
    fc.assert(
      fc.asyncProperty(
        anySessions,
        fc.integer({ min: 1, max: 4 }),
        fc.boolean(),
        fc.constantFrom(1, 30),
        async (rows, lanes, thinks, times) => {
          // Times as many as the look-ahead of a replay, some of them, and answers that are short beside them.
          const requests = rows.map(({ request }) => ({ ...request, dueUs: request.dueUs * times }));
          const { records } = await replaySessions(requests, new VirtualClock(), () => 1000, { thinks, lanes });
          const trees = new Map<string, { fromUs: number; toUs: number }>();
          for (const { session_id, due_us, sent_us, end_us } of records.values()) {
            assert.equal(sent_us, due_us);
            const { fromUs, toUs } = trees.get(session_id ?? '') ?? { fromUs: Infinity, toUs: 0 };
            trees.set(session_id ?? '', { fromUs: Math.min(fromUs, due_us), toUs: Math.max(toUs, end_us ?? NaN) });
          }
          const all = [...trees.values()].toSorted((a, b) => a.fromUs - b.fromUs);
          const begins = all.map(({ fromUs }) => fromUs);
          const ends = all.map(({ toUs }) => toUs).toSorted((a, b) => a - b);
          assert.deepEqual(begins, [...all.slice(0, lanes).map(() => 0), ...ends].slice(0, all.length));
        },
      ),
      { numRuns: 300 },
    ));

  it('the time before the start of a run is not idle', async () => {
    const clock = new WallClock();
    clock.startAt(machineUs() + 30_000);
    const request: Request = { id: 'a', traceRow: 1, dueUs: 0, inputTokens: 1, outputTokens: 1 };
    const { records, cutUs } = await replaySessions([request], clock, () => 10, { thinks: false, idleCapUs: 1000 });
    assert.deepEqual([cutUs, records.get('a')?.due_us], [0, 0]);
  });

  it('idle time beyond the cap is cut out: no gap with nothing in flight is longer, and no other time changes', () =>
    fc.assert(
      fc.asyncProperty(anySessions, fc.integer({ min: 1, max: 400_000 }), async (rows, idleCapUs) => {
        const answers = new Map(rows.map(({ request, answerUs }) => [request.id, answerUs]));
        const requests = rows.map(({ request }) => request);
        const of = ({ id }: Request): number | null => answers.get(id) ?? null;
        const plain = await replaySessions(requests, new VirtualClock(), of, { thinks: true });
        const capped = await replaySessions(requests, new VirtualClock(), of, { thinks: true, idleCapUs });
        const cut = idleGaps(plain.records).map((gapUs) => Math.max(0, gapUs - idleCapUs));
        assert.equal(
          capped.cutUs,
          cut.reduce((sum, us) => sum + us, 0),
        );
        assert.deepEqual(
          idleGaps(capped.records),
          idleGaps(plain.records).map((gapUs) => Math.min(gapUs, idleCapUs)),
        );
        assert.equal(lastUs(capped.records), lastUs(plain.records) - capped.cutUs);
      }),
      { numRuns: 300 },
    ));
});

/** Times with nothing in flight, from 0 on, in order. */
function idleGaps(records: ReadonlyMap<string, RequestRecord>): number[] {
  const sent = [...records.values()].filter(({ outcome }) => outcome !== 'unsent');
  const inOrder = sent.toSorted((a, b) => (a.sent_us ?? 0) - (b.sent_us ?? 0));
  const gaps: number[] = [];
  let toUs = 0;
  for (const { sent_us, end_us } of inOrder) {
    if ((sent_us ?? 0) > toUs) gaps.push((sent_us ?? 0) - toUs);
    toUs = Math.max(toUs, end_us ?? 0);
  }
  return gaps;
}

function lastUs(records: ReadonlyMap<string, RequestRecord>): number {
  return Math.max(...[...records.values()].map(({ end_us }) => end_us ?? 0));
}

const SESSIONS = 200;
const TURNS = 4;
const TOOL_US = 700_000;
/** 200 sessions with tool times, whose answers took 200 ms in the trace. */
const TOOLS: readonly Request[] = Array.from({ length: SESSIONS * TURNS }, (_, i) => {
  const [session, turn] = [i % SESSIONS, Math.floor(i / SESSIONS)];
  const dueUs = session * 5000 + turn * (200_000 + TOOL_US);
  const after = turn === 0 ? [] : [{ id: `${session}-${turn - 1}`, thinkUs: TOOL_US }];
  return {
    id: `${session}-${turn}`,
    traceRow: i,
    dueUs,
    inputTokens: 1,
    outputTokens: 1,
    session: `${session}`,
    turn,
    after,
  };
}).toSorted((a, b) => a.dueUs - b.dueUs);

/** Mean time from the start of a session until the end of its last answer. */
function meanDurationUs(records: ReadonlyMap<string, RequestRecord>): number {
  let sum = 0;
  for (let session = 0; session < SESSIONS; session++) {
    const [first, last] = [records.get(`${session}-0`), records.get(`${session}-${TURNS - 1}`)];
    sum += (last?.end_us ?? NaN) - (first?.due_us ?? NaN);
  }
  return sum / SESSIONS;
}

describe('200 sessions with tool times, against a server that answers twice as slowly', () => {
  it('in trace mode arrivals do not move; in think mode the mean session lasts longer by the added response time', async () => {
    const run = (thinks: boolean, answerUs: number): ReturnType<typeof replaySessions> =>
      replaySessions(TOOLS, new VirtualClock(), () => answerUs, { thinks });
    const [slowTrace, slow, same] = [await run(false, 400_000), await run(true, 400_000), await run(true, 200_000)];
    for (const request of TOOLS) assert.equal(slowTrace.records.get(request.id)?.due_us, request.dueUs);
    for (const request of TOOLS) assert.equal(same.records.get(request.id)?.due_us, request.dueUs);
    assert.equal(meanDurationUs(slow.records) - meanDurationUs(same.records), TURNS * 200_000);
  });

  it('on the wall clock due times follow the ends to the microsecond', async () => {
    const clock = new WallClock();
    const few = TOOLS.filter(({ session }) => Number(session) < 20).map((request) => ({
      ...request,
      after: (request.after ?? []).map(({ id }) => ({ id, thinkUs: 20_000 })),
    }));
    const { records } = await replaySessions(few, clock, () => 15_000, { thinks: true, isAsync: true });
    for (const { id, after = [] } of few)
      for (const before of after) {
        const endUs = records.get(before.id)?.end_us ?? Number.NaN;
        assert.equal(records.get(id)?.due_us, endUs + before.thinkUs);
      }
  });

  it('lanes: jobs an hour are lanes times an hour over the mean session', async () => {
    const { records } = await replaySessions(TOOLS, new VirtualClock(), ({ turn = 0 }) => 100_000 * (turn + 1), {
      thinks: true,
      lanes: 8,
    });
    const jobsPerH = (SESSIONS / lastUs(records)) * 3600e6;
    const expected = (8 * 3600e6) / meanDurationUs(records);
    assert.ok(Math.abs(jobsPerH / expected - 1) < 0.05, `${jobsPerH} against ${expected}`);
  });
});
