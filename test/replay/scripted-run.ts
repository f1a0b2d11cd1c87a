import { scheduledByTrace, traceOrder } from '../../src/core/schedule.ts';
import type { RequestRecord } from '../../src/core/record.ts';
import type { ResponseInfo, ScheduledRequest, Sink, Target } from '../../src/core/target.ts';
import { VirtualClock } from '../../src/core/virtual-clock.ts';
import { Recorder } from '../../src/replay/recorder.ts';
import { replay, type ReplayOptions } from '../../src/replay/replay.ts';

export const ANSWER: ResponseInfo = {
  httpStatus: 200,
  finishReason: 'length',
  inputTokens: 1,
  cachedTokens: null,
  outputTokens: null,
  reasoningTokens: null,
  countSource: 'token_ids',
  phases: null,
};

export const CONTEXT = { target: 'test', window: null, worker: 0 };

/**
 * A target that answers request i as `behave` says: microseconds from sent to first token and to the end; null: never.
 * One that refuses a request does so at the end.
 */
export function scripted(
  clock: VirtualClock,
  behave: (index: number) => { first: number | null; end: number | null; refuse?: boolean },
): Target & { cancelled: number[] } {
  const cancelled: number[] = [];
  return {
    cancelled,
    cancel: (index) => {
      cancelled.push(index);
      return null;
    },
    send: ({ index }: ScheduledRequest, sink: Sink) => {
      const now = clock.now();
      const { first, end, refuse } = behave(index);
      const alive = (action: () => void) => (): void => (cancelled.includes(index) ? undefined : action());
      if (refuse === true) {
        clock.at(
          now + (end ?? 1),
          alive(() => sink.fail(index, clock.now(), 'connect_error', 'refused', null)),
        );
        return;
      }
      sink.sent(index, now, null);
      if (first !== null)
        clock.at(
          now + first,
          alive(() => sink.tokens(index, clock.now(), 1)),
        );
      if (end !== null)
        clock.at(
          now + end,
          alive(() => sink.end(index, clock.now(), ANSWER)),
        );
    },
  };
}

export const planned = (index: number, dueUs: number): ScheduledRequest =>
  scheduledByTrace(index, { id: `r${index}`, traceRow: index + 2, dueUs, inputTokens: 1, outputTokens: 1 });
export async function* feedOf(due: readonly number[], size = 3): AsyncGenerator<ScheduledRequest[]> {
  for (let i = 0; i < due.length; i += size) {
    await new Promise((resolve) => setImmediate(resolve));
    yield due.slice(i, i + size).map((dueUs, k) => planned(i + k, dueUs));
  }
}

/** Replays requests, or some that are due at these times, against a scripted target in virtual time. */
export async function run(
  due: readonly number[] | AsyncIterable<readonly ScheduledRequest[]>,
  behave: Parameters<typeof scripted>[1],
  options: Partial<ReplayOptions> = {},
) {
  const clock = new VirtualClock();
  const records: RequestRecord[] = [];
  const sent: RequestRecord[] = [];
  const store = {
    sent: (batch: readonly RequestRecord[]) => void sent.push(...batch),
    finished: (batch: readonly RequestRecord[]) => void records.push(...batch),
  };
  const recorder = new Recorder(store, CONTEXT);
  const target = scripted(clock, behave);
  const never = new AbortController().signal;
  const stopped = await replay(traceOrder('length' in due ? feedOf(due) : due), target, clock, recorder, {
    timeoutUs: 600e6,
    ttftTimeoutUs: 60e6,
    stop: never,
    cut: never,
    graceUs: 1e6,
    ...options,
  });
  return { clock, records, sent, target, stopped };
}
