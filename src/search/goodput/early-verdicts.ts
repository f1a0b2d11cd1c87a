import { isMeasured, type MeasurementWindow } from '../../core/measurement-window.ts';
import type { RequestRecord } from '../../core/record.ts';
import type { SloSpec } from '../../core/slo.ts';
import type { ScheduledRequest } from '../../core/target.ts';
import { limitsUs, meetsAll } from '../../metrics/attainment.ts';
import type { RequestWatcher } from '../../replay/recorder.ts';

/**
 * Says of each measured request whether it met the SLO as soon as that is certain, once. A request without a first token
 * misses as soon as its limit has passed: a server that is overloaded would take a time-out to say so. Of a request that
 * was cut nothing is said.
 */
export class EarlyVerdicts implements RequestWatcher {
  readonly #slo: SloSpec;
  readonly #ttftUs: number;
  readonly #window: MeasurementWindow | null;
  readonly #onVerdict: (index: number, isMet: boolean) => void;
  /** Due, without a first token, in order of due time; those that have one are dropped when they come to the front. */
  readonly #waiting: { readonly id: string; readonly dueUs: number }[] = [];
  #front = 0;
  /** By id: measured and without a verdict. */
  readonly #open = new Map<string, { readonly index: number; hasToken: boolean }>();

  constructor(slo: SloSpec, window: MeasurementWindow | null, onVerdict: (index: number, isMet: boolean) => void) {
    this.#slo = slo;
    this.#ttftUs = limitsUs(slo.limits).ttft;
    this.#window = window;
    this.#onVerdict = onVerdict;
  }

  begun({ index, dueUs, request: { id } }: ScheduledRequest): void {
    if (!isMeasured(this.#window, dueUs)) return;
    this.#open.set(id, { index, hasToken: false });
    if (this.#ttftUs === Infinity) return;
    this.#waiting.push({ id, dueUs });
    this.#look(dueUs);
  }

  firstToken({ dueUs, request }: ScheduledRequest, timeUs: number): void {
    const open = this.#open.get(request.id);
    if (open !== undefined) open.hasToken = true;
    if (Math.round(timeUs) - Math.round(dueUs) > this.#ttftUs) this.#settle(request.id, false);
    this.#look(timeUs);
  }

  ended(record: RequestRecord, timeUs: number): void {
    this.#look(timeUs);
    if (record.outcome === 'cut') this.#open.delete(record.request_id);
    else this.#settle(record.request_id, meetsAll(record, this.#slo.limits));
  }

  /** Settles those whose limit has passed without a token. */
  #look(nowUs: number): void {
    for (let next = this.#waiting[this.#front]; next !== undefined; next = this.#waiting[this.#front]) {
      const open = this.#open.get(next.id);
      const isWaiting = open?.hasToken === false;
      if (isWaiting && nowUs - next.dueUs <= this.#ttftUs) return;
      this.#front++;
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
