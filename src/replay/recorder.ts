import { ByIndex } from '../core/by-index.ts';
import { latenessUs, MAX_LATENESS_MS, type Outcome, type RecordSink, type RequestRecord } from '../core/record.ts';
import type { HasText, ResponseInfo, ScheduledRequest } from '../core/target.ts';
import type { RunSink } from './replay.ts';
import type { StallLog } from './stalls.ts';
import { followerRecord, heldRecord, unsentRecord, type RecordContext } from './unsent-record.ts';
import { lumpedTokens } from './lumped-tokens.ts';
import { TokenLogs, type TokenLog } from './token-log.ts';
import { settleTokenTimes } from './token-times.ts';

/** Records passed on in one batch; smaller batches go at each `flush`, which is called on a timer. */
const BATCH = 256;
/** An opening one, and one that ends the answer. */
const EVENTS_WITHOUT_TOKEN = 2;

/** Totals since the run's start. */
export interface Progress {
  /** Sent, or waiting for a place in flight. */
  due: number;
  sent: number;
  ok: number;
  failed: number;
  tokens: number;
}

/** Sees requests as they go on: for a live view of the run, or to end it once it is decided. */
export interface RequestWatcher {
  /** A request is due; with a cap it may have to wait for a place. */
  begun?(request: ScheduledRequest): void;
  /** The first token of a request came at `timeUs`. */
  firstToken(request: ScheduledRequest, timeUs: number): void;
  ended(record: RequestRecord, timeUs: number): void;
}

/** The state of a request in flight. */
interface InFlight extends TokenLog {
  readonly scheduled: ScheduledRequest;
  /** When it had a place in flight; null without a cap. */
  readonly placeUs: number | null;
  hasToken: boolean;
  sentUs: number | null;
  connectUs: number | null;
}

/**
 * Turns the reports of a target into one record per request. Times become whole microseconds here and nowhere before.
 */
export class Recorder implements RunSink {
  readonly #store: RecordSink;
  readonly #context: RecordContext;
  readonly #stalls: StallLog | null;
  readonly #watchers: readonly RequestWatcher[];
  readonly #inFlight = new ByIndex<InFlight>();
  readonly #logs = new TokenLogs();
  /** Due, and waiting for a place in flight. */
  readonly #held = new Map<number, ScheduledRequest>();
  #sentBatch: RequestRecord[] = [];
  #finishedBatch: RequestRecord[] = [];
  #maxLatenessUs = 0;
  readonly progress: Progress = { due: 0, sent: 0, ok: 0, failed: 0, tokens: 0 };

  /**
   * `stalls`: the stall log of a client in real time, null in virtual time. With a log, the code that keeps it also
   * calls `flush` after each check: only the next check sees a stall in which a request ended, so no record is passed
   * on between two checks.
   */
  constructor(
    store: RecordSink,
    context: RecordContext,
    stalls: StallLog | null = null,
    watchers: readonly RequestWatcher[] = [],
  ) {
    this.#store = store;
    this.#context = context;
    this.#stalls = stalls;
    this.#watchers = watchers;
  }

  get inFlight(): number {
    return this.#inFlight.size;
  }

  /** Requests that wait for a place in flight. */
  get held(): number {
    return this.#held.size;
  }

  hold(scheduled: ScheduledRequest): void {
    this.#due(scheduled);
    this.#held.set(scheduled.index, scheduled);
  }

  #due(scheduled: ScheduledRequest): void {
    this.progress.due++;
    for (const watcher of this.#watchers) watcher.begun?.(scheduled);
  }

  /** The replay stopped while the request waited for a place. */
  unsent(index: number, timeUs: number): void {
    const scheduled = this.#held.get(index);
    if (scheduled === undefined) throw new Error(`request number ${index} does not wait`);
    this.#held.delete(index);
    this.#finishedBatch.push(heldRecord(scheduled.request, Math.round(scheduled.dueUs), timeUs, this.#context));
  }

  /** A request is never sent, for one that it follows failed. */
  skip(scheduled: ScheduledRequest): void {
    this.#finishedBatch.push(followerRecord(scheduled, this.#context));
  }

  /** Opens a request, just before the target gets it. */
  begin(scheduled: ScheduledRequest, placeUs: number | null = null): void {
    const { index, request } = scheduled;
    if (this.#inFlight.get(index) !== undefined) throw new Error(`request ${request.id} began twice`);
    if (!this.#held.delete(index)) this.#due(scheduled);
    this.#inFlight.set(index, {
      ...this.#logs.open(request.outputTokens + EVENTS_WITHOUT_TOKEN),
      scheduled,
      placeUs,
      hasToken: false,
      sentUs: null,
      connectUs: null,
    });
  }

  /** The largest lateness since the last call, in microseconds. */
  takeMaxLatenessUs(): number {
    const worst = this.#maxLatenessUs;
    this.#maxLatenessUs = 0;
    return worst;
  }

  /** Whether a full batch of ended requests is waiting. */
  get isFull(): boolean {
    return this.#finishedBatch.length >= BATCH;
  }

  hasToken(index: number): boolean {
    return (this.#inFlight.get(index)?.events ?? 0) > 0;
  }

  sent(index: number, timeUs: number, connectUs: number | null): void {
    const request = this.#get(index);
    request.sentUs = timeUs;
    request.connectUs = connectUs;
    this.progress.sent++;
    const record = this.#record(request, null, 'cut', 'the client ended first', null);
    this.#maxLatenessUs = Math.max(this.#maxLatenessUs, latenessUs(record) ?? 0);
    this.#sentBatch.push({ ...record, client_stalled: null });
  }

  tokens(index: number, timeUs: number, count: number, hasText: HasText = count > 0): void {
    const request = this.#get(index);
    this.#logs.add(request, timeUs, count, hasText);
    this.progress.tokens += count;
    if (count === 0 || request.hasToken) return;
    request.hasToken = true;
    for (const watcher of this.#watchers) watcher.firstToken(request.scheduled, timeUs);
  }

  end(index: number, timeUs: number, response: ResponseInfo): Outcome {
    return this.#close(index, timeUs, 'ok', null, response);
  }

  fail(index: number, timeUs: number, outcome: Outcome, error: string, response: ResponseInfo | null): Outcome {
    return this.#close(index, timeUs, outcome, error, response);
  }

  /** Passes on all waiting records, so that little is lost if the process is killed. */
  flush(): void {
    if (this.#sentBatch.length > 0) this.#store.sent(this.#sentBatch);
    if (this.#finishedBatch.length > 0) this.#store.finished(this.#finishedBatch.map((record) => this.#marked(record)));
    this.#sentBatch = [];
    this.#finishedBatch = [];
  }

  #close(
    index: number,
    timeUs: number,
    outcome: Outcome,
    error: string | null,
    response: ResponseInfo | null,
  ): Outcome {
    const request = this.#get(index);
    this.#inFlight.delete(index);
    const record = this.#record(request, timeUs, outcome, error, response);
    this.#logs.close(request);
    if (record.outcome === 'ok') this.progress.ok++;
    else this.progress.failed++;
    this.#finishedBatch.push(record);
    for (const watcher of this.#watchers) watcher.ended(record, timeUs);
    if (this.isFull && this.#stalls === null) this.flush();
    return record.outcome;
  }

  #marked(record: RequestRecord): RequestRecord {
    const { sent_us, end_us } = record;
    if (this.#stalls === null || sent_us === null || end_us === null) return record;
    const isLate = (latenessUs(record) ?? 0) > MAX_LATENESS_MS * 1000;
    return isLate || this.#stalls.during(sent_us, end_us) ? { ...record, client_stalled: true } : record;
  }

  #get(index: number): InFlight {
    const request = this.#inFlight.get(index);
    if (request === undefined) throw new Error(`request number ${index} is not in flight`);
    return request;
  }

  #record(
    request: InFlight,
    endUs: number | null,
    outcome: Outcome,
    error: string | null,
    response: ResponseInfo | null,
  ): RequestRecord {
    const { scheduled, sentUs } = request;
    const events = this.#logs.eventsOf(request);
    const dueUs = Math.round(scheduled.dueUs);
    const { times, source, hidden, reported } = settleTokenTimes(
      events,
      scheduled.request.outputTokens,
      dueUs,
      response,
    );
    const noTokens = outcome === 'ok' && times.length === 0;
    const firstTokenUs = times[0] === undefined ? null : dueUs + times[0];
    return {
      ...unsentRecord(scheduled.request, dueUs, this.#context),
      sent_us: wholeUs(sentUs),
      connect_us: wholeUs(request.connectUs),
      first_token_us: firstTokenUs,
      end_us: wholeUs(endUs),
      input_tokens: response?.inputTokens ?? null,
      cached_tokens: response?.cachedTokens ?? null,
      output_tokens: source === null ? null : times.length,
      reasoning_tokens: response?.reasoningTokens ?? null,
      token_times_us: times,
      token_count_source: source,
      token_time_source: source === null ? null : (response?.tokenTimeSource ?? 'client'),
      outcome: noTokens ? 'protocol_error' : outcome,
      http_status: response?.httpStatus ?? null,
      error: noTokens ? noTokenText(reported) : error,
      finish_reason: response?.finishReason ?? null,
      prefill_queue_us: wholeUs(response?.phases?.prefill_queue_us),
      prefill_us: wholeUs(response?.phases?.prefill_us),
      transfer_us: wholeUs(response?.phases?.transfer_us),
      decode_queue_us: wholeUs(response?.phases?.decode_queue_us),
      decode_us: wholeUs(response?.phases?.decode_us),
      hidden_tokens: hidden,
      output_tokens_reported: reported,
      // In virtual time, and by the server's clock, nothing lies between the engine and the record.
      lumped_tokens: this.#stalls === null || response?.tokenTimeSource === 'server' ? null : lumpedTokens(events),
      held_us: request.placeUs === null ? null : heldUs(dueUs, request.placeUs),
      prefill_call_us: wholeUs(response?.handover?.prefill_call_us),
      handover_us: wholeUs(response?.handover?.handover_us),
      first_decode_us: wholeUs(response?.handover?.first_decode_us),
      planned_us: wholeUs(scheduled.plannedUs),
    };
  }
}

function noTokenText(reported: number | null): string {
  if (reported === null || reported === 0) return 'the answer held no token';
  return `the answer held no text and no token id, though the server counts ${reported} tokens in it`;
}

function heldUs(dueUs: number, placeUs: number): number {
  return Math.max(0, Math.round(placeUs) - dueUs);
}

function wholeUs(us: number | null | undefined): number | null {
  return us === null || us === undefined ? null : Math.round(us);
}
