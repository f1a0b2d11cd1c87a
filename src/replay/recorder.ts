import { latenessUs, MAX_LATENESS_MS } from '../core/lateness.ts';
import type { MeasuredSpan } from '../core/measurement-window.ts';
import type { Outcome, RequestRecord } from '../core/record.ts';
import type { RecordStore } from '../core/store.ts';
import type { Answer, Planned, Sink } from '../core/target.ts';
import { blankRecord } from './unsent-record.ts';
import { settleTokenTimes } from './token-times.ts';

/** Records handed on at once; between full batches `flush` is called on a timer. */
const BATCH = 256;

/** Whether the client stood still at any time from `fromUs` to `toUs`. */
export type StoodStill = (fromUs: number, toUs: number) => boolean;

/** Totals since the run's start. */
export interface Progress {
  due: number;
  sent: number;
  ok: number;
  failed: number;
  tokens: number;
}

/** What is known of a request in flight. Token times go into a slab of the planned length: nothing grows per token. */
interface InFlight {
  readonly planned: Planned;
  sentUs: number | null;
  connectUs: number | null;
  /** One entry an event, in microseconds of the run. */
  times: Float64Array;
  /** Tokens of each event. */
  counts: Uint32Array;
  events: number;
}

/** Turns what a target reports into one record a request. Times become whole microseconds here and nowhere before. */
export class Recorder implements Sink {
  readonly #store: RecordStore;
  readonly #target: string;
  readonly #measured: MeasuredSpan | null;
  readonly #inFlight = new Map<number, InFlight>();
  #sentBatch: RequestRecord[] = [];
  #finishedBatch: RequestRecord[] = [];
  #maxLatenessUs = 0;
  readonly progress: Progress = { due: 0, sent: 0, ok: 0, failed: 0, tokens: 0 };
  /** Called when a request has ended, with its outcome. */
  onEnd: (index: number, outcome: Outcome) => void = () => undefined;
  /**
   * Of whoever watches the client in real time, and then has to call `flush`: only at its next look does it know of a
   * pause that a request ended in, so that no record is handed on between two looks.
   */
  stoodStill: StoodStill | null = null;

  constructor(store: RecordStore, target: string, measured: MeasuredSpan | null = null) {
    this.#store = store;
    this.#target = target;
    this.#measured = measured;
  }

  get inFlight(): number {
    return this.#inFlight.size;
  }

  /** Opens a request, just before it is handed to the target. */
  begin(planned: Planned): void {
    if (this.#inFlight.has(planned.index)) throw new Error(`request ${planned.request.id} began twice`);
    this.progress.due++;
    const slab = planned.request.outputTokens + 2;
    this.#inFlight.set(planned.index, {
      planned,
      sentUs: null,
      connectUs: null,
      times: new Float64Array(slab),
      counts: new Uint32Array(slab),
      events: 0,
    });
  }

  /** The worst lateness since this was last asked. */
  takeMaxLatenessUs(): number {
    const worst = this.#maxLatenessUs;
    this.#maxLatenessUs = 0;
    return worst;
  }

  /** Whether as many have gathered as are handed on at a time. */
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
    this.#maxLatenessUs = Math.max(this.#maxLatenessUs, timeUs - request.planned.request.dueUs - (connectUs ?? 0));
    this.#sentBatch.push({ ...this.#record(request, null, 'cut', 'the client was killed', null), touched: null });
  }

  tokens(index: number, timeUs: number, count: number): void {
    const request = this.#get(index);
    if (request.events === request.times.length) grow(request);
    request.times[request.events] = timeUs;
    request.counts[request.events] = count;
    request.events++;
    this.progress.tokens += count;
  }

  end(index: number, timeUs: number, answer: Answer): void {
    this.#close(index, timeUs, 'ok', null, answer);
  }

  fail(index: number, timeUs: number, outcome: Outcome, error: string, answer: Answer | null): void {
    this.#close(index, timeUs, outcome, error, answer);
  }

  /** Hands on what has gathered, so that little is lost if the process is killed. */
  flush(): void {
    if (this.#sentBatch.length > 0) this.#store.sent(this.#sentBatch);
    if (this.#finishedBatch.length > 0) this.#store.finished(this.#finishedBatch.map((record) => this.#marked(record)));
    this.#sentBatch = [];
    this.#finishedBatch = [];
  }

  #close(index: number, timeUs: number, outcome: Outcome, error: string | null, answer: Answer | null): void {
    const request = this.#get(index);
    this.#inFlight.delete(index);
    const record = this.#record(request, timeUs, outcome, error, answer);
    if (record.outcome === 'ok') this.progress.ok++;
    else this.progress.failed++;
    this.#finishedBatch.push(record);
    if (this.isFull && this.stoodStill === null) this.flush();
    this.onEnd(index, record.outcome);
  }

  #marked(record: RequestRecord): RequestRecord {
    const { sent_us, end_us } = record;
    if (this.stoodStill === null || sent_us === null || end_us === null) return record;
    const isLate = (latenessUs(record) ?? 0) > MAX_LATENESS_MS * 1000;
    return isLate || this.stoodStill(sent_us, end_us) ? { ...record, touched: true } : record;
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
    answer: Answer | null,
  ): RequestRecord {
    const { planned, sentUs } = request;
    const { times, source } = settleTokenTimes(request, planned.request.dueUs, answer);
    const noTokens = outcome === 'ok' && times.length === 0;
    const firstTokenUs = times[0] === undefined ? null : planned.request.dueUs + times[0];
    return {
      ...blankRecord(planned.request, this.#target, this.#measured),
      sent_us: wholeUs(sentUs),
      connect_us: wholeUs(request.connectUs),
      first_token_us: firstTokenUs,
      end_us: wholeUs(endUs),
      input_tokens: answer?.inputTokens ?? null,
      cached_tokens: answer?.cachedTokens ?? null,
      output_tokens: source === null ? (answer?.outputTokens ?? null) : times.length,
      reasoning_tokens: answer?.reasoningTokens ?? null,
      token_times_us: times,
      token_count_source: source,
      token_time_source: source === null ? null : 'client',
      outcome: noTokens ? 'protocol_error' : outcome,
      http_status: answer?.httpStatus ?? null,
      error: noTokens ? 'the answer held no token' : error,
      finish_reason: answer?.finishReason ?? null,
      prefill_queue_us: wholeUs(answer?.phases?.prefill_queue_us),
      prefill_us: wholeUs(answer?.phases?.prefill_us),
      transfer_us: wholeUs(answer?.phases?.transfer_us),
      decode_queue_us: wholeUs(answer?.phases?.decode_queue_us),
      decode_us: wholeUs(answer?.phases?.decode_us),
    };
  }
}

function wholeUs(us: number | null | undefined): number | null {
  return us === null || us === undefined ? null : Math.round(us);
}

function grow(request: InFlight): void {
  const times = new Float64Array(request.times.length * 2);
  times.set(request.times);
  request.times = times;
  const counts = new Uint32Array(request.counts.length * 2);
  counts.set(request.counts);
  request.counts = counts;
}
