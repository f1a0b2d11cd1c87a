import { isMeasured, type MeasurementWindow } from '../../core/measurement-window.ts';
import type { RequestRecord } from '../../core/record.ts';
import type { SloSpec } from '../../core/slo.ts';
import type { ScheduledRequest } from '../../core/target.ts';
import { limitsUs, meetsAll } from '../../metrics/attainment.ts';
import type { RequestWatcher } from '../../replay/recorder.ts';

/** How many of the measured requests of a run have met the SLO, and missed it, so far. */
export interface Counted {
  readonly met: number;
  readonly missed: number;
}

/** Requests of a run that is judged by shares: `of` are measured, if it runs to its end. */
export interface Judged extends Counted {
  readonly of: number;
}

/** The fewest requests that attain a share. A share such as 0.9 is no exact double: 0.9 of 1,000 requests are 900. */
export function needed(at: number, of: number): number {
  return Math.ceil(at * of - 1e-6);
}

/** Whether a share is met or missed whatever the other requests will do; null: not decided. */
export function decided({ met, missed, of }: Judged, at: number): boolean | null {
  if (met >= needed(at, of)) return true;
  return missed > of - needed(at, of) ? false : null;
}

/**
 * Counts as a run goes on. A request without a first token misses as soon as its limit has passed: a server that is
 * overloaded would take a time-out to say so.
 */
export class ProbeTally implements RequestWatcher {
  readonly #slo: SloSpec;
  readonly #ttftUs: number;
  readonly #window: MeasurementWindow | null;
  readonly #onCount: (counted: Counted) => void;
  /** Due, without a first token, in order of due time; those that have one are dropped when they come to the front. */
  readonly #waiting: ScheduledRequest[] = [];
  #front = 0;
  /** Ids of those. */
  readonly #withoutToken = new Set<string>();
  /** Ids of requests that were counted as missed before they ended. */
  readonly #late = new Set<string>();
  #due = 0;
  #lost = 0;
  #met = 0;
  #missed = 0;

  constructor(slo: SloSpec, window: MeasurementWindow | null, onCount: (counted: Counted) => void) {
    this.#slo = slo;
    this.#ttftUs = limitsUs(slo.limits).ttft;
    this.#window = window;
    this.#onCount = onCount;
  }

  /** What has been counted so far. */
  get counted(): Counted {
    return { met: this.#met, missed: this.#missed };
  }

  /** Requests whose connection could not be made, or broke: an overload does so, and a server that has ended. */
  get lost(): number {
    return this.#lost;
  }

  /** Requests that came due, measured or not. */
  get due(): number {
    return this.#due;
  }

  begun(scheduled: ScheduledRequest): void {
    this.#due++;
    if (this.#ttftUs === Infinity || !isMeasured(this.#window, scheduled.dueUs)) return;
    this.#waiting.push(scheduled);
    this.#withoutToken.add(scheduled.request.id);
    this.#look(scheduled.dueUs);
  }

  firstToken({ dueUs, request }: ScheduledRequest, timeUs: number): void {
    if (this.#withoutToken.delete(request.id) && Math.round(timeUs) - Math.round(dueUs) > this.#ttftUs)
      this.#miss(request.id);
    this.#look(timeUs);
  }

  ended(record: RequestRecord, timeUs: number): void {
    this.#look(timeUs);
    if (record.outcome === 'connect_error' || record.outcome === 'stream_broken') this.#lost++;
    // It may have failed without a token: it misses once.
    this.#withoutToken.delete(record.request_id);
    if (!record.measured || record.outcome === 'cut' || this.#late.has(record.request_id)) return;
    if (meetsAll(record, this.#slo.limits)) this.#met++;
    else this.#missed++;
    this.#onCount(this.counted);
  }

  /** Counts those whose limit has passed without a token. */
  #look(nowUs: number): void {
    for (let next = this.#waiting[this.#front]; next !== undefined; next = this.#waiting[this.#front]) {
      const isWaiting = this.#withoutToken.has(next.request.id);
      if (isWaiting && nowUs - next.dueUs <= this.#ttftUs) return;
      this.#front++;
      if (isWaiting) {
        this.#withoutToken.delete(next.request.id);
        this.#miss(next.request.id);
      }
    }
  }

  #miss(id: string): void {
    this.#late.add(id);
    this.#missed++;
    this.#onCount(this.counted);
  }
}
