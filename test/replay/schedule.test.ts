import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Clock } from '../../src/core/clock.ts';
import type { RequestRecord } from '../../src/core/record.ts';
import { NO_FOLLOWERS, scheduledByTrace, type Schedule } from '../../src/core/schedule.ts';
import type { Target } from '../../src/core/target.ts';
import { VirtualClock } from '../../src/core/virtual-clock.ts';
import { WallClock } from '../../src/core/wall-clock.ts';
import { Recorder } from '../../src/replay/recorder.ts';
import { replay } from '../../src/replay/replay.ts';

const THINK_US = 100_000;
const ANSWER_US = 20_000;
const NOTHING = {
  finishReason: null,
  inputTokens: null,
  cachedTokens: null,
  outputTokens: null,
  reasoningTokens: null,
};
const RESPONSE = { ...NOTHING, httpStatus: 200, countSource: 'token_ids', phases: null } as const;

/** Three turns: each is due 100 ms after the end of the one before. */
function turns(): Schedule {
  const request = { traceRow: 1, dueUs: 0, inputTokens: 8, outputTokens: 1, session: 's' };
  let first = true;
  return {
    async next() {
      const begun = first ? [scheduledByTrace(0, { ...request, id: 'turn-0', turn: 0 })] : null;
      first = false;
      return begun;
    },
    ended({ index }, outcome, timeUs, response) {
      assert.deepEqual(response, outcome === 'ok' ? RESPONSE : null);
      if (outcome !== 'ok' || index === 2) return NO_FOLLOWERS;
      const turn = index + 1;
      const next = {
        index: turn,
        request: { ...request, id: `turn-${turn}`, turn },
        dueUs: timeUs + THINK_US,
        calls: [],
      };
      return { due: [next], unsent: [] };
    },
    close: async () => undefined,
  };
}

/** Answers each request with one token after 20 ms. */
function target(clock: Clock): Target {
  return {
    send({ index }, sink) {
      sink.sent(index, clock.now(), null);
      clock.at(clock.now() + ANSWER_US, () => {
        sink.tokens(index, clock.now(), 1);
        sink.end(index, clock.now(), RESPONSE);
      });
    },
    cancel: () => null,
  };
}

async function replayTurns(clock: Clock): Promise<RequestRecord[]> {
  const records: RequestRecord[] = [];
  const recorder = new Recorder(
    { sent: () => undefined, finished: (batch) => void records.push(...batch) },
    { target: 'toy', window: null, worker: 0 },
  );
  const never = new AbortController().signal;
  const options = { timeoutUs: 1e6, ttftTimeoutUs: 1e6, stop: never, cut: never, graceUs: 0 };
  assert.equal(await replay(turns(), target(clock), clock, recorder, options), null);
  return records;
}

describe('a schedule that makes a request due 100 ms after the end of another', () => {
  for (const [name, newClock] of [
    ['virtual', () => new VirtualClock()],
    ['wall', () => new WallClock()],
  ] as const)
    it(`is kept on the ${name} clock, and its due times stand in the records`, async () => {
      const clock = newClock();
      const records = await replayTurns(clock);
      assert.deepEqual(
        records.map(({ request_id, turn, outcome }) => [request_id, turn, outcome]),
        [0, 1, 2].map((turn) => [`turn-${turn}`, turn, 'ok']),
      );
      for (const [i, record] of records.entries()) {
        const before = records[i - 1];
        if (before?.end_us !== null && before !== undefined) assert.equal(record.due_us, before.end_us + THINK_US);
        assert.ok((record.sent_us ?? 0) >= record.due_us && record.token_times_us.length === 1);
      }
    });
});

it('a request that has failed releases nothing, and the replay ends', async () => {
  const clock = new VirtualClock();
  const refusing: Target = {
    send: ({ index }, sink) => sink.fail(index, clock.now(), 'rejected', 'no', null),
    cancel: () => null,
  };
  const records: RequestRecord[] = [];
  const recorder = new Recorder(
    { sent: () => undefined, finished: (batch) => void records.push(...batch) },
    { target: 'toy', window: null, worker: 0 },
  );
  const never = new AbortController().signal;
  const options = { timeoutUs: 1e6, ttftTimeoutUs: 1e6, stop: never, cut: never, graceUs: 0 };
  assert.equal(await replay(turns(), refusing, clock, recorder, options), null);
  assert.deepEqual(
    records.map(({ outcome }) => outcome),
    ['rejected'],
  );
});

it('a target that never answers, without a timeout, is a fault: nothing is left on the clock', async () => {
  const clock = new VirtualClock();
  const mute: Target = { send: () => undefined, cancel: () => null };
  const recorder = new Recorder(
    { sent: () => undefined, finished: () => undefined },
    { target: 'toy', window: null, worker: 0 },
  );
  const never = new AbortController().signal;
  const options = { timeoutUs: Infinity, ttftTimeoutUs: Infinity, stop: never, cut: never, graceUs: 0 };
  await assert.rejects(replay(turns(), mute, clock, recorder, options), /1 requests never ended/);
});
