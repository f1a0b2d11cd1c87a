import { ByIndex } from '../core/by-index.ts';
import type { Clock } from '../core/clock.ts';
import { messageOf, UserError } from '../core/errors.ts';
import type { Outcome } from '../core/record.ts';
import type { Schedule } from '../core/schedule.ts';
import {
  withAftermath,
  type HasText,
  type ResponseInfo,
  type ScheduledRequest,
  type Sink,
  type Target,
} from '../core/target.ts';
import { deadlines, type AfterArrivals } from './deadlines.ts';
import { DueQueue } from './due-queue.ts';
import { followUps } from './follow-ups.ts';
import { bodyBytes, LOOK_AHEAD_BYTES, LOOK_AHEAD_US, SHORT_LOOK_AHEAD_US } from './look-ahead.ts';

/** The target counts as gone after this time with connect errors alone, and at least so many of them. */
const GONE_AFTER_US = 5e6;
const GONE_AFTER_REQUESTS = 3;

export interface ReplayOptions {
  /** From sent to last byte, and from sent to first token; microseconds, Infinity for no limit. */
  readonly timeoutUs: number;
  readonly ttftTimeoutUs: number;
  /** A request that is due while so many are in flight waits until one of them ends. Absent: no cap. */
  readonly maxInFlight?: number;
  /** When it aborts, sending stops; requests in flight may end within `graceUs`. */
  readonly stop: AbortSignal;
  /** When it aborts, requests in flight are cut at once. */
  readonly cut: AbortSignal;
  readonly graceUs: number;
  /**
   * Time that may pass with nothing in flight and nothing due: what is longer is cut, all due times that follow come
   * earlier by it. Absent: nothing is cut.
   */
  readonly idleCapUs?: number;
  /** Told of each such cut. */
  readonly idleCut?: (us: number) => void;
  /** Ends the replay at once when it returns true; requests in flight then leave no record. */
  readonly isDecided?: () => boolean;
}

/**
 * Receives the events of a replay, for each request in this order: `hold` where it has to wait for a place in flight,
 * `begin`, `sent`, `tokens`, then one `end` or `fail`. With a cap, `unsent` where the replay stops while it waits.
 */
export interface RunSink extends Pick<Sink, 'sent' | 'tokens'> {
  hold?(request: ScheduledRequest): void;
  unsent?(index: number, timeUs: number): void;
  /** The request is never sent, for one that it follows failed. */
  skip?(request: ScheduledRequest): void;
  /** Called just before the target gets the request. `placeUs`: when it had a place in flight; null without a cap. */
  begin(request: ScheduledRequest, placeUs: number | null): void;
  hasToken(index: number): boolean;
  /** Both return the outcome of the record: a response without a token is not `ok`. */
  end(index: number, timeUs: number, response: ResponseInfo): Outcome;
  fail(index: number, timeUs: number, outcome: Outcome, error: string, response: ResponseInfo | null): Outcome;
  /** The replay is over. */
  flush(): void;
}

/** The reason for which a replay stopped; null if every request of the schedule was sent and has ended. */
export type StoppedBecause = string | null;

/**
 * Replays a schedule against a target, open loop: each request is sent when it is due, however slow the responses are,
 * unless a cap on the requests in flight holds it back. Returns when every request that was sent has ended; of requests
 * not sent by then, only those that a cap held back leave a record here. Throws the error of a fault of Reprise, after
 * the requests in flight were cut.
 */
export async function replay(
  schedule: Schedule,
  target: Target,
  clock: Clock,
  run: RunSink,
  options: ReplayOptions,
): Promise<StoppedBecause> {
  const { maxInFlight = Infinity } = options;
  const inFlight = new ByIndex<ScheduledRequest>();
  const due = new DueQueue();
  /** Due requests that wait for a place in flight. */
  const held = new DueQueue();
  /** Of the bodies of requests in both queues. */
  let queuedBytes = 0;
  let allScheduled = false;
  let stopped: StoppedBecause = null;
  let fault: { readonly error: unknown } | null = null;
  const done = (): boolean =>
    fault !== null ||
    options.isDecided?.() === true ||
    (inFlight.size === 0 && (stopped !== null || (allScheduled && due.size + following.size + held.size === 0)));
  // The clock calls `done` after each of its events: an empty event makes it call `done` now.
  const checkDone = (): void => clock.at(clock.now(), () => undefined);

  // Taking: each batch comes a look-ahead before it is due. While a cap holds large bodies back, none is taken: those
  // that follow would wait behind them.
  let isTakingPaused = false;
  /** Whether a request has ended since the schedule was asked last. */
  let hasEnded = false;
  /** Whether one of those that ended since then had the schedule ask to be asked again. */
  let asksForNext = false;
  let isTaking = false;
  let takesAtUs = 0;
  const takeMore = (): void => {
    if (stopped !== null || isTaking) return;
    isTakingPaused = held.size > 0 && queuedBytes > LOOK_AHEAD_BYTES;
    if (!isTakingPaused) clock.wait(takeBatch());
  };
  const takeBatch = async (): Promise<void> => {
    isTaking = true;
    try {
      let batch: readonly ScheduledRequest[] | null;
      do {
        hasEnded = false;
        asksForNext = false;
        batch = await schedule.next();
      } while (batch === null && endedSince());
      if (batch === null) allScheduled = true;
      else {
        put(batch);
        const { aheadUs = LOOK_AHEAD_US } = schedule;
        const soonUs = queuedBytes > LOOK_AHEAD_BYTES ? Math.min(aheadUs, SHORT_LOOK_AHEAD_US) : aheadUs;
        takesAtUs = (batch.at(-1)?.dueUs ?? 0) - soonUs;
        clock.at(takesAtUs, takeMore);
      }
    } catch (thrown) {
      scheduleFailed(thrown);
    }
    isTaking = false;
    if (asksForNext) takeMore();
    cutIdleTime();
    checkDone();
  };
  const endedSince = (): boolean => hasEnded;
  const scheduleFailed = (thrown: unknown): void => {
    if (thrown instanceof UserError) stopSending(`the trace could not be read to its end: ${thrown.message}`);
    else fault ??= { error: thrown };
  };
  const put = (batch: readonly ScheduledRequest[]): void => {
    for (const request of batch) {
      queuedBytes += bodyBytes(request);
      due.push(request);
    }
    wait();
  };

  const following = followUps(
    schedule,
    clock,
    LOOK_AHEAD_US,
    (prepared) => {
      put(prepared);
      cutIdleTime();
    },
    (thrown) => scheduleFailed(thrown),
  );

  // Idle time: with nothing in flight, all that is to come may come earlier. What comes next has to be known for that.
  const { idleCapUs = Infinity } = options;
  const cutIdleTime = (): void => {
    if (idleCapUs === Infinity || inFlight.size + held.size > 0 || stopped !== null || isTaking) return;
    if (due.size === 0 && !allScheduled) {
      takeMore();
      return;
    }
    // Before the start of the run no time is idle.
    const us = Math.floor(Math.min(due.nextUs, following.nextUs) - Math.max(clock.now(), 0) - idleCapUs);
    if (us >= 1 && us < Infinity) {
      schedule.advance?.(us);
      options.idleCut?.(us);
      due.advance(us);
      following.advance(us);
      wait();
      takesAtUs -= us;
      clock.at(takesAtUs, takeMore);
    }
  };

  // Waiting: only the next due time is on the clock, which is faster with fewer events.
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

  // Sending: at the due time, whatever the target does, or when there is a place.
  const send = (request: ScheduledRequest): void => {
    if (stopped !== null) return;
    if (held.size === 0 && inFlight.size < maxInFlight) start(request, request.dueUs);
    else {
      held.push(request);
      run.hold?.(request);
    }
  };
  const start = (request: ScheduledRequest, placeUs: number): void => {
    queuedBytes -= bodyBytes(request);
    inFlight.set(request.index, request);
    run.begin(request, maxInFlight === Infinity ? null : placeUs);
    target.send(request, sink);
    watch(request.index);
  };

  // Holding: first come, first served. The places come free while the target is in the middle of its own work, so that
  // they are filled in an event of their own.
  const placesUs: number[] = [];
  const freePlace = (): void => {
    if (held.size === 0 || stopped !== null) return;
    placesUs.push(clock.now());
    if (placesUs.length === 1) clock.at(clock.now(), fillPlaces);
  };
  const canSendHeld = (): boolean => stopped === null && held.size > 0 && inFlight.size < maxInFlight;
  const fillPlaces = (): void => {
    while (canSendHeld()) start(held.shift(), placesUs.shift() ?? clock.now());
    placesUs.length = 0;
    if (isTakingPaused) takeMore();
  };

  // Timeouts: counted from `target.send`, because a target need not report a request as sent.
  const { timeoutUs, ttftTimeoutUs } = options;
  const isInFlight = (index: number): boolean => inFlight.has(index);
  const afterArrivals: AfterArrivals = (then) =>
    target.afterArrivals === undefined ? then() : target.afterArrivals(then);
  const finished = deadlines(
    clock,
    timeoutUs,
    isInFlight,
    (index) => abort(index, 'timeout', `not finished within ${timeoutUs / 1e6} s (--timeout)`),
    afterArrivals,
  );
  const begun = deadlines(
    clock,
    ttftTimeoutUs,
    (index) => isInFlight(index) && !run.hasToken(index),
    (index) => abort(index, 'timeout', `no token within ${ttftTimeoutUs / 1e6} s (--ttft-timeout)`),
    afterArrivals,
  );
  const watch = (index: number): void => {
    if (timeoutUs < Infinity) finished.add(index);
    if (ttftTimeoutUs < timeoutUs) begun.add(index);
  };
  const abort = (index: number, outcome: Outcome, why: string): void => {
    if (!inFlight.has(index)) return;
    const response = target.cancel(index);
    // Bytes that have arrived but were not read yet may have completed the response.
    if (inFlight.has(index)) sink.fail(index, clock.now(), outcome, why, response);
  };

  // Ending: each request once; the schedule may have waited for it. A target that refuses every connection for a while
  // is gone.
  let connectErrors = 0;
  let connectErrorsSinceUs = 0;
  const ended = (index: number, timeUs: number, outcome: Outcome, response: ResponseInfo | null): void => {
    const request = inFlight.get(index);
    inFlight.delete(index);
    connectErrors = outcome === 'connect_error' ? connectErrors + 1 : 0;
    if (connectErrors === 1) connectErrorsSinceUs = clock.now();
    if (connectErrors >= GONE_AFTER_REQUESTS && clock.now() - connectErrorsSinceUs >= GONE_AFTER_US)
      stopSending(`the target is gone: the last ${connectErrors} requests found nothing to connect to`);
    if (request !== undefined && stopped === null) release(request, outcome, timeUs, response);
    freePlace();
    if (done()) checkDone();
  };
  const release = (
    request: ScheduledRequest,
    outcome: Outcome,
    timeUs: number,
    response: ResponseInfo | null,
  ): void => {
    try {
      const followers = schedule.ended(request, outcome, timeUs, response);
      for (const unsent of followers.unsent) run.skip?.(unsent);
      following.add(followers.due);
      hasEnded = true;
      asksForNext ||= followers.asksForNext === true;
      if (allScheduled || asksForNext) {
        allScheduled = false;
        takeMore();
      } else cutIdleTime();
    } catch (thrown) {
      scheduleFailed(thrown);
    }
  };
  const sink = new ReplaySink(run, ended, (error) => {
    fault ??= { error };
    checkDone();
  });

  // Stopping: no more requests are sent; those in flight may end within the grace period, then they are cut.
  const stopSending = (why: string): void => {
    if (stopped !== null) return;
    stopped = why;
    for (const request of held.all()) run.unsent?.(request.index, clock.now());
  };
  const cutAll = (): void => {
    for (const index of inFlight.indices()) abort(index, 'cut', stopped ?? 'interrupted');
  };
  const onStop = (): void => {
    stopSending(messageOf(options.stop.reason));
    clock.at(clock.now() + options.graceUs, () => afterArrivals(cutAll));
    checkDone();
  };
  const onCut = (): void => clock.at(clock.now(), cutAll);
  options.stop.addEventListener('abort', onStop, { once: true });
  options.cut.addEventListener('abort', onCut, { once: true });

  try {
    clock.wait(takeBatch());
    if (options.stop.aborted) onStop();
    await clock.run(done);
    if (!done()) throw new Error(`${inFlight.size} requests never ended, and nothing is left on the clock`);
  } catch (thrown) {
    fault ??= { error: thrown };
  }
  options.stop.removeEventListener('abort', onStop);
  options.cut.removeEventListener('abort', onCut);
  await schedule.close().catch((thrown: unknown) => (fault ??= { error: thrown }));
  if (fault !== null) cutAfterFault(run, inFlight.indices(), clock.now());
  run.flush();
  if (fault !== null) throw fault.error;
  return stopped;
}

/** The target and the sink may be at fault: the one is not asked any more, and what the other throws now tells nothing. */
function cutAfterFault(run: RunSink, inFlight: Iterable<number>, nowUs: number): void {
  for (const index of inFlight)
    try {
      run.fail(index, nowUs, 'cut', 'the run ended by a fault of Reprise', null);
    } catch {
      // The first fault is the one that is thrown.
    }
}

type EndOfRequest = (index: number, timeUs: number, outcome: Outcome, response: ResponseInfo | null) => void;

/**
 * Passes on what the target reports, and lets the replay know of ends and faults. A class, so that the functions that are
 * called for each token are the same in every replay: closures would be compiled anew for each.
 */
class ReplaySink implements Sink {
  readonly #run: RunSink;
  readonly #ended: EndOfRequest;
  readonly #fault: (error: unknown) => void;

  constructor(run: RunSink, ended: EndOfRequest, fault: (error: unknown) => void) {
    this.#run = run;
    this.#ended = ended;
    this.#fault = fault;
  }

  sent(index: number, timeUs: number, connectUs: number | null): void {
    this.#run.sent(index, timeUs, connectUs);
  }

  tokens(index: number, timeUs: number, count: number, hasText?: HasText): void {
    this.#run.tokens(index, timeUs, count, hasText);
  }

  end(index: number, timeUs: number, response: ResponseInfo): void {
    this.#ended(index, timeUs, this.#run.end(index, timeUs, response), response);
  }

  fail(index: number, timeUs: number, outcome: Outcome, error: string, response: ResponseInfo | null): void {
    const whole = withAftermath(error, response);
    this.#ended(index, timeUs, this.#run.fail(index, timeUs, outcome, whole, response), response);
  }

  fault(_index: number, error: unknown): void {
    this.#fault(error);
  }
}
