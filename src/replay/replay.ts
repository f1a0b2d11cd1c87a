import type { Clock } from '../core/clock.ts';
import { messageOf, UserError } from '../core/errors.ts';
import type { Outcome } from '../core/record.ts';
import type { Schedule } from '../core/schedule.ts';
import type { ResponseInfo, ScheduledRequest, Sink, Target } from '../core/target.ts';
import { DueQueue } from './due-queue.ts';

/** Requests are taken from the schedule this long before they are due, or less when their bodies are large. */
const LOOK_AHEAD_US = 10e6;
const SHORT_LOOK_AHEAD_US = 1e6;
const LOOK_AHEAD_BYTES = 64e6;
/** Nothing but refused connections for this long, and so many of them: the target is gone. */
const GONE_AFTER_US = 5e6;
const GONE_AFTER_REQUESTS = 3;

export interface ReplayOptions {
  /** From sent to last byte, and from sent to first token; microseconds, Infinity for no limit. */
  readonly timeoutUs: number;
  readonly ttftTimeoutUs: number;
  /** When it aborts, sending stops; what is in flight may end within `graceUs`. */
  readonly stop: AbortSignal;
  /** When it aborts, what is in flight is cut at once. */
  readonly cut: AbortSignal;
  readonly graceUs: number;
  /** Ends the replay at once where it says so; what is in flight then leaves no record. */
  readonly isDecided?: () => boolean;
}

/** What a replay reports to, of each request in this order: `begin`, `sent`, `tokens`, then one `end` or `fail`. */
export interface RunSink extends Pick<Sink, 'sent' | 'tokens'> {
  /** Just before the request is handed to the target. */
  begin(request: ScheduledRequest): void;
  hasToken(index: number): boolean;
  /** Both return the outcome that is kept: an answer without a token is none. */
  end(index: number, timeUs: number, response: ResponseInfo): Outcome;
  fail(index: number, timeUs: number, outcome: Outcome, error: string, response: ResponseInfo | null): Outcome;
  /** The replay is over. */
  flush(): void;
}

/** How a replay ended: `null` if every request of the schedule was sent and has ended, else why not. */
export type StoppedBecause = string | null;

/**
 * Replays a schedule against a target, open loop: each request leaves when it is due, however slow the answers are.
 * Returns when every request that was sent has ended; what was not sent by then leaves no record here. Throws what a
 * fault of ours threw, after the requests in flight were cut.
 */
export async function replay(
  schedule: Schedule,
  target: Target,
  clock: Clock,
  run: RunSink,
  options: ReplayOptions,
): Promise<StoppedBecause> {
  const inFlight = new Map<number, ScheduledRequest>();
  const due = new DueQueue();
  let dueBytes = 0;
  let allScheduled = false;
  let stopped: StoppedBecause = null;
  let fault: { readonly error: unknown } | null = null;
  const done = (): boolean =>
    fault !== null ||
    options.isDecided?.() === true ||
    (inFlight.size === 0 && (stopped !== null || (allScheduled && due.size === 0)));
  // The clock asks `done` after each of its events: an event that does nothing makes it ask now.
  const askDone = (): void => clock.at(clock.now(), () => undefined);

  // Taking: batches come a look-ahead before they are due.
  const takeBatch = async (): Promise<void> => {
    try {
      const batch = await schedule.next();
      if (batch === null) allScheduled = true;
      else {
        put(batch);
        const aheadUs = dueBytes > LOOK_AHEAD_BYTES ? SHORT_LOOK_AHEAD_US : LOOK_AHEAD_US;
        clock.at((batch.at(-1)?.dueUs ?? 0) - aheadUs, () => {
          if (stopped === null) clock.wait(takeBatch());
        });
      }
    } catch (thrown) {
      if (thrown instanceof UserError) stopSending(`the trace could not be read to its end: ${thrown.message}`);
      else fault ??= { error: thrown };
    }
    askDone();
  };
  const put = (batch: readonly ScheduledRequest[]): void => {
    for (const request of batch) {
      dueBytes += bodyBytes(request);
      due.push(request);
    }
    wait();
  };

  // Waiting: only the next due time is on the clock, which is the faster the fewer events it has.
  let waitsUntilUs = Infinity;
  const wait = (): void => {
    if (due.nextUs >= waitsUntilUs) return;
    waitsUntilUs = due.nextUs;
    clock.at(waitsUntilUs, () => {
      waitsUntilUs = Infinity;
      const nowUs = clock.now();
      while (due.nextUs <= nowUs) send(due.shift());
      wait();
    });
  };

  // Sending: when it is due, whatever the target does.
  const send = (request: ScheduledRequest): void => {
    dueBytes -= bodyBytes(request);
    if (stopped !== null) return;
    inFlight.set(request.index, request);
    run.begin(request);
    target.send(request, sink);
    if (options.timeoutUs < Infinity) watch(request.index);
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
      if (run.hasToken(index)) clock.at(startUs + options.timeoutUs, tooLate);
      else giveUp(index, 'timeout', `no token within ${options.ttftTimeoutUs / 1e6} s (--ttft-timeout)`);
    });
  };
  const giveUp = (index: number, outcome: Outcome, why: string): void => {
    if (!inFlight.has(index)) return;
    const response = target.cancel(index);
    // What had come by now, and was not read yet, may have been the end of the answer.
    if (inFlight.has(index)) sink.fail(index, clock.now(), outcome, why, response);
  };

  // Ending: each request once; the schedule may have waited for it. A target that refuses every connection for a while
  // is gone.
  let refused = 0;
  let refusedSinceUs = 0;
  const ended = (index: number, timeUs: number, outcome: Outcome): void => {
    const request = inFlight.get(index);
    inFlight.delete(index);
    refused = outcome === 'connect_error' ? refused + 1 : 0;
    if (refused === 1) refusedSinceUs = clock.now();
    if (refused >= GONE_AFTER_REQUESTS && clock.now() - refusedSinceUs >= GONE_AFTER_US)
      stopSending(`the target is gone: the last ${refused} requests found nothing to connect to`);
    if (request !== undefined && stopped === null) put(schedule.ended(request, outcome, timeUs));
    if (done()) askDone();
  };
  const sink = new ReplaySink(run, ended, (error) => {
    fault ??= { error };
    askDone();
  });

  // Stopping: no more is sent; what is in flight may end within the grace period, then it is cut.
  const stopSending = (why: string): void => {
    stopped ??= why;
  };
  const cutAll = (): void => {
    for (const index of inFlight.keys()) giveUp(index, 'cut', stopped ?? 'interrupted');
  };
  const onStop = (): void => {
    stopSending(messageOf(options.stop.reason));
    clock.at(clock.now() + options.graceUs, cutAll);
    askDone();
  };
  const onCut = (): void => clock.at(clock.now(), cutAll);
  options.stop.addEventListener('abort', onStop, { once: true });
  options.cut.addEventListener('abort', onCut, { once: true });

  try {
    clock.wait(takeBatch());
    if (options.stop.aborted) onStop();
    await clock.run(done);
  } catch (thrown) {
    fault ??= { error: thrown };
  } finally {
    options.stop.removeEventListener('abort', onStop);
    options.cut.removeEventListener('abort', onCut);
    await schedule.close();
  }
  if (fault !== null)
    // The target may be what is at fault: it is not asked any more.
    for (const index of inFlight.keys())
      run.fail(index, clock.now(), 'cut', 'the run ended by a fault of Reprise', null);
  run.flush();
  if (fault !== null) throw fault.error;
  return stopped;
}

/**
 * Passes on what the target reports, and lets the replay know of ends and faults. A class, so that the functions that are
 * called for each token are the same in every replay: closures would be compiled anew for each.
 */
class ReplaySink implements Sink {
  readonly #run: RunSink;
  readonly #ended: (index: number, timeUs: number, outcome: Outcome) => void;
  readonly #fault: (error: unknown) => void;

  constructor(
    run: RunSink,
    ended: (index: number, timeUs: number, outcome: Outcome) => void,
    fault: (error: unknown) => void,
  ) {
    this.#run = run;
    this.#ended = ended;
    this.#fault = fault;
  }

  sent(index: number, timeUs: number, connectUs: number | null): void {
    this.#run.sent(index, timeUs, connectUs);
  }

  tokens(index: number, timeUs: number, count: number): void {
    this.#run.tokens(index, timeUs, count);
  }

  end(index: number, timeUs: number, response: ResponseInfo): void {
    this.#ended(index, timeUs, this.#run.end(index, timeUs, response));
  }

  fail(index: number, timeUs: number, outcome: Outcome, error: string, response: ResponseInfo | null): void {
    this.#ended(index, timeUs, this.#run.fail(index, timeUs, outcome, error, response));
  }

  fault(_index: number, error: unknown): void {
    this.#fault(error);
  }
}

function bodyBytes(request: ScheduledRequest): number {
  let bytes = 0;
  for (const call of request.calls) bytes += call.body.length;
  return bytes;
}
