import type { Clock } from '../core/clock.ts';
import { messageOf } from '../core/errors.ts';
import type { Outcome } from '../core/record.ts';
import type { Planned, Target } from '../core/target.ts';
import type { Recorder } from './recorder.ts';

/** Requests are taken from the feed this long before they are due, or less when their bodies are large. */
const LOOK_AHEAD_US = 10e6;
const SHORT_LOOK_AHEAD_US = 1e6;
const LOOK_AHEAD_BYTES = 64e6;
/** Nothing but refused connections for this long, and so many of them: the target is gone. */
const GONE_AFTER_US = 5e6;
const GONE_AFTER_REQUESTS = 3;

export interface ReplayOptions {
  /** From sent to last byte, and from sent to first token; microseconds. */
  readonly timeoutUs: number;
  readonly ttftTimeoutUs: number;
  /** When it aborts, sending stops; what is in flight may end within `graceUs`. A second abort cuts at once. */
  readonly stop: AbortSignal;
  readonly cut: AbortSignal;
  readonly graceUs: number;
}

/** How a replay ended: `null` if every request of the feed was sent and has ended, else why not. */
export type StoppedBecause = string | null;

/**
 * Replays a feed of requests against a target, open loop: each leaves when the trace says, however slow the answers
 * are. Returns when every request that was sent has ended; what was not sent by then leaves no record here.
 */
export async function replay(
  feed: AsyncIterable<readonly Planned[]>,
  target: Target,
  clock: Clock,
  recorder: Recorder,
  options: ReplayOptions,
): Promise<StoppedBecause> {
  const batches = feed[Symbol.asyncIterator]();
  const inFlight = new Set<number>();
  let waiting = 0;
  let waitingBytes = 0;
  let allFed = false;
  let stopped: StoppedBecause = null;
  const done = (): boolean => inFlight.size === 0 && (stopped !== null || (allFed && waiting === 0));
  const lookAgain = (): void => clock.at(clock.now(), () => undefined);

  // Taking: batches come a look-ahead before they are due; each request is put on the clock at its due time.
  const takeBatch = async (): Promise<void> => {
    try {
      const next = await batches.next();
      if (next.done === true) allFed = true;
      else schedule(next.value);
    } catch (thrown) {
      stopSending(`the trace could not be read to its end: ${messageOf(thrown)}`);
    }
    lookAgain();
  };
  const schedule = (batch: readonly Planned[]): void => {
    for (const planned of batch) {
      waiting++;
      waitingBytes += bodyBytes(planned);
      clock.at(planned.request.dueUs, () => send(planned));
    }
    const aheadUs = waitingBytes > LOOK_AHEAD_BYTES ? SHORT_LOOK_AHEAD_US : LOOK_AHEAD_US;
    const lastDueUs = batch.at(-1)?.request.dueUs ?? 0;
    clock.at(lastDueUs - aheadUs, () => {
      if (stopped === null) clock.wait(takeBatch());
    });
  };

  // Sending: when the trace says, whatever the target does.
  const send = (planned: Planned): void => {
    waiting--;
    waitingBytes -= bodyBytes(planned);
    if (stopped !== null) return;
    inFlight.add(planned.index);
    recorder.begin(planned);
    target.send(planned, recorder);
    watch(planned.index);
  };

  // Timeouts: counted from the hand-over, because a target need never report a request as sent.
  const watch = (index: number): void => {
    const startUs = clock.now();
    const tooLate = (): void =>
      giveUp(index, 'timeout', `not finished within ${options.timeoutUs / 1e6} s (--timeout)`);
    if (options.ttftTimeoutUs >= options.timeoutUs) {
      clock.at(startUs + options.timeoutUs, tooLate);
      return;
    }
    clock.at(startUs + options.ttftTimeoutUs, () => {
      if (!inFlight.has(index)) return;
      if (recorder.hasToken(index)) clock.at(startUs + options.timeoutUs, tooLate);
      else giveUp(index, 'timeout', `no token within ${options.ttftTimeoutUs / 1e6} s (--ttft-timeout)`);
    });
  };
  const giveUp = (index: number, outcome: Outcome, why: string): void => {
    if (!inFlight.has(index)) return;
    const answer = target.cancel(index);
    // What had come by now, and was not read yet, may have been the end of the answer.
    if (inFlight.has(index)) recorder.fail(index, clock.now(), outcome, why, answer);
  };

  // Ending: each request once; a target that refuses every connection for a while is gone.
  let refused = 0;
  let refusedSinceUs = 0;
  recorder.onEnd = (index, outcome) => {
    inFlight.delete(index);
    refused = outcome === 'connect_error' ? refused + 1 : 0;
    if (refused === 1) refusedSinceUs = clock.now();
    if (refused >= GONE_AFTER_REQUESTS && clock.now() - refusedSinceUs >= GONE_AFTER_US)
      stopSending(`the target is gone: the last ${refused} requests found nothing to connect to`);
    if (done()) lookAgain();
  };

  // Stopping: no more is sent; what is in flight may end within the grace period, then it is cut.
  const stopSending = (why: string): void => {
    stopped ??= why;
  };
  const cutAll = (): void => {
    for (const index of inFlight) giveUp(index, 'cut', stopped ?? 'interrupted');
  };
  const onStop = (): void => {
    stopSending(messageOf(options.stop.reason));
    clock.at(clock.now() + options.graceUs, cutAll);
    lookAgain();
  };
  const onCut = (): void => clock.at(clock.now(), cutAll);
  options.stop.addEventListener('abort', onStop, { once: true });
  options.cut.addEventListener('abort', onCut, { once: true });

  clock.wait(takeBatch());
  if (options.stop.aborted) onStop();
  await clock.run(done);
  options.stop.removeEventListener('abort', onStop);
  options.cut.removeEventListener('abort', onCut);
  recorder.flush();
  await batches.return?.();
  return stopped;
}

function bodyBytes(planned: Planned): number {
  let bytes = 0;
  for (const call of planned.calls) bytes += call.body.length;
  return bytes;
}
