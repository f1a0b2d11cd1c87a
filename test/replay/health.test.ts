import assert from 'node:assert/strict';
import { it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { latenessUs } from '../../src/core/record.ts';
import type { RequestRecord } from '../../src/core/record.ts';
import { WallClock } from '../../src/core/wall-clock.ts';
import { HealthMonitor } from '../../src/replay/health.ts';
import { StallLog } from '../../src/replay/stalls.ts';
import { scheduledByTrace } from '../../src/core/schedule.ts';
import { Recorder } from '../../src/replay/recorder.ts';

const NO_ANSWER = {
  httpStatus: 200,
  finishReason: null,
  inputTokens: null,
  cachedTokens: null,
  outputTokens: null,
  reasoningTokens: null,
  countSource: 'token_ids',
  phases: null,
} as const;

it('requests that a pause of the client or its lateness touched are marked, whenever they ended', async () => {
  const clock = new WallClock();
  const stalls = new StallLog(() => clock.read());
  const records: RequestRecord[] = [];
  const recorder = new Recorder(
    { sent: () => undefined, finished: (batch) => void records.push(...batch) },
    { target: 'test', window: null, worker: 0 },
    stalls,
  );
  const monitor = new HealthMonitor(clock, recorder, stalls);
  let index = 0;
  const begin = (lateUs: number): number => {
    const dueUs = Math.max(0, clock.read() - lateUs);
    const request = { id: `r${index}`, traceRow: index + 2, dueUs, inputTokens: 1, outputTokens: 1 };
    recorder.begin(scheduledByTrace(index, request));
    recorder.sent(index, clock.read(), null);
    return index++;
  };
  const end = (which: number): void => {
    recorder.tokens(which, clock.read(), 1);
    recorder.end(which, clock.read(), NO_ANSWER);
  };

  await sleep(30);
  monitor.start();
  const before = begin(0);
  end(before);
  await sleep(30);
  // More than are handed on at a time, and all of them end before the monitor can look.
  const during = Array.from({ length: 300 }, () => begin(0));
  const across = begin(0);
  const untilUs = clock.read() + 60_000;
  while (clock.read() < untilUs);
  for (const which of during) end(which);
  assert.equal(records.filter(({ request_id }) => request_id !== 'r0').length, 0, 'handed on before the look');
  await sleep(150);
  assert.ok(records.length >= 300, 'not handed on after the look');
  end(across);
  const after = begin(0);
  end(after);
  const late = begin(20_000);
  end(late);
  const { stalls: seen } = monitor.stop();
  recorder.flush();

  assert.ok(seen.some(({ from_us, to_us }) => to_us - from_us > 40_000));
  const marks = new Map(records.map((record) => [record.request_id, record.client_stalled]));
  assert.equal(marks.size, 304);
  for (const which of [...during, across, late]) assert.equal(marks.get(`r${which}`), true, `r${which}`);
  // A busy machine may stop this process at other times too: the marks are those of the stalls it saw.
  for (const record of records) {
    const [sentUs, endUs] = [record.sent_us ?? Number.NaN, record.end_us ?? Number.NaN];
    const stalled = seen.some(({ from_us, to_us }) => from_us <= endUs && to_us >= sentUs);
    assert.equal(record.client_stalled, stalled || (latenessUs(record) ?? 0) > 10_000, record.request_id);
  }
});
