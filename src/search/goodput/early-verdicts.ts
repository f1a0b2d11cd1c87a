import { isMeasured, type MeasurementWindow } from '../../core/measurement-window.ts';
import type { RequestRecord } from '../../core/record.ts';
import { limitsOf, type SloSpec } from '../../core/slo.ts';
import type { ScheduledRequest } from '../../core/target.ts';
import { limitUs, meetsAll } from '../../metrics/judge.ts';
import type { RequestWatcher } from '../../replay/recorder.ts';

/** Requests that are due without a first token, in order of due time; those that have one are dropped when they come to the front. */
interface Waiting {
  readonly due: { readonly id: string; readonly dueUs: number }[];
  front: number;
}

/**
 * Says of each measured request whether it met the SLO as soon as that is certain, once. A request without a first token
 * misses as soon as its limit has passed: a server that is overloaded would take a time-out to say so. Of a request that
 * was cut nothing is said.
 */
export class EarlyVerdicts implements RequestWatcher {
  readonly #slo: SloSpec;
  readonly #window: MeasurementWindow | null;
  readonly #onVerdict: (index: number, isMet: boolean) => void;
  /** By limit on TTFT. */
  readonly #waiting = new Map<number, Waiting>();
  /** By id: measured and without a verdict. */
  readonly #open = new Map<string, { readonly index: number; hasToken: boolean }>();

  constructor(slo: SloSpec, window: MeasurementWindow | null, onVerdict: (index: number, isMet: boolean) => void) {
    this.#slo = slo;
    this.#window = window;
    this.#onVerdict = onVerdict;
  }

  begun({ index, dueUs, request: { id, sloClass } }: ScheduledRequest): void {
    if (!isMeasured(this.#window, dueUs)) return;
    this.#open.set(id, { index, hasToken: false });
    const limit = this.#ttftUs(sloClass);
    if (limit === Infinity) return;
    const waiting = this.#waiting.get(limit) ?? { due: [], front: 0 };
    this.#waiting.set(limit, waiting);
    waiting.due.push({ id, dueUs });
    this.#look(dueUs);
  }

  firstToken({ dueUs, request }: ScheduledRequest, timeUs: number): void {
    const open = this.#open.get(request.id);
    if (open !== undefined) open.hasToken = true;
    if (Math.round(timeUs) - Math.round(dueUs) > this.#ttftUs(request.sloClass)) this.#settle(request.id, false);
    this.#look(timeUs);
  }

  ended(record: RequestRecord, timeUs: number): void {
    this.#look(timeUs);
    if (record.outcome === 'cut') this.#open.delete(record.request_id);
    // Every request of a search has limits (`checkAllJudged`).
    else this.#settle(record.request_id, meetsAll(record, this.#slo.limits) === true);
  }

  #ttftUs(sloClass: string | undefined): number {
    return limitUs(limitsOf(this.#slo.limits, sloClass ?? null)?.ttft ?? Infinity);
  }

  /** Settles those whose limit has passed without a token. */
  #look(nowUs: number): void {
    for (const [limit, waiting] of this.#waiting)
      for (let next = waiting.due[waiting.front]; next !== undefined; next = waiting.due[waiting.front]) {
        const isWaiting = this.#open.get(next.id)?.hasToken === false;
        if (isWaiting && nowUs - next.dueUs <= limit) break;
        waiting.front++;
        if (isWaiting) this.#settle(next.id, false);
      }
  }

  #settle(id: string, isMet: boolean): void {
    const open = this.#open.get(id);
    if (open === undefined) return;
    this.#open.delete(id);
    this.#onVerdict(open.index, isMet);
  }
}
