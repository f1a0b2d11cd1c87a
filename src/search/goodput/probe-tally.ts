import type { MeasurementWindow } from '../../core/measurement-window.ts';
import type { RequestRecord } from '../../core/record.ts';
import type { SloSpec } from '../../core/slo.ts';
import type { ScheduledRequest } from '../../core/target.ts';
import type { RequestWatcher } from '../../replay/recorder.ts';
import { EarlyVerdicts } from './early-verdicts.ts';

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

/** Counts the verdicts on the requests of a run as it goes on. */
export class ProbeTally implements RequestWatcher {
  readonly #verdicts: EarlyVerdicts;
  #due = 0;
  #lost = 0;
  #met = 0;
  #missed = 0;

  constructor(slo: SloSpec, window: MeasurementWindow | null, onCount: (counted: Counted) => void) {
    this.#verdicts = new EarlyVerdicts(slo, window, (_index, isMet) => {
      if (isMet) this.#met++;
      else this.#missed++;
      onCount(this.counted);
    });
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

  begun(request: ScheduledRequest): void {
    this.#due++;
    this.#verdicts.begun(request);
  }

  firstToken(request: ScheduledRequest, timeUs: number): void {
    this.#verdicts.firstToken(request, timeUs);
  }

  ended(record: RequestRecord, timeUs: number): void {
    if (record.outcome === 'connect_error' || record.outcome === 'stream_broken') this.#lost++;
    this.#verdicts.ended(record, timeUs);
  }
}
