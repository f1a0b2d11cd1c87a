import type { RequestRecord } from '../core/record.ts';
import type { Slo } from '../core/slo.ts';
import type { ScheduledRequest } from '../core/target.ts';
import { meetsAll } from '../metrics/judge.ts';
import { nearestRank } from '../metrics/samples.ts';
import type { RequestWatcher } from '../replay/recorder.ts';

/** What the latest requests got, for the progress of a run. */
export interface RecentLatency {
  /** Infinity: the percentile falls on a failed request. Null: no request has got a token or failed yet. */
  readonly ttftMs: { readonly p50: number; readonly p99: number } | null;
  /** Share that met the SLO, of requests that have ended; null without an SLO, or where none has. */
  readonly met: number | null;
}

/** The latest requests are those of this time, and at least so many where there were fewer. */
const WINDOW_US = 10e6;
const LEAST = 20;
/** More are not kept: a p99 needs no more. */
const KEPT = 1024;

/** Keeps the TTFT of the latest requests, and whether they met the SLO: one step a request, none a token. */
export class RecentRequests implements RequestWatcher {
  readonly #slo: Slo | null;
  readonly #ttftUs = new Latest();
  readonly #met = new Latest();

  constructor(slo: Slo | null) {
    this.#slo = slo;
  }

  firstToken({ request, dueUs }: ScheduledRequest, timeUs: number): void {
    this.#ttftUs.push(request.id, timeUs, timeUs - dueUs);
  }

  /** What the user cut says nothing. A failed request is infinitely late, whatever of it had come. */
  ended(record: RequestRecord, timeUs: number): void {
    const { request_id: id, outcome } = record;
    if (outcome === 'cut') return;
    if (outcome !== 'ok' && !this.#ttftUs.change(id, Infinity)) this.#ttftUs.push(id, timeUs, Infinity);
    const isMet = this.#slo === null ? null : meetsAll(record, this.#slo);
    if (isMet !== null) this.#met.push(id, timeUs, isMet ? 1 : 0);
  }

  at(nowUs: number): RecentLatency {
    const ttfts = Float64Array.from(this.#ttftUs.since(nowUs - WINDOW_US)).sort();
    const met = this.#met.since(nowUs - WINDOW_US);
    const ms = (permille: number): number => (nearestRank(ttfts, permille) ?? 0) / 1000;
    return {
      ttftMs: ttfts.length === 0 ? null : { p50: ms(500), p99: ms(990) },
      met: met.length === 0 ? null : met.reduce((sum, each) => sum + each, 0) / met.length,
    };
  }
}

/** The latest values of requests, in a ring. */
class Latest {
  readonly #ids: string[] = [];
  readonly #timesUs = new Float64Array(KEPT);
  readonly #values = new Float64Array(KEPT);
  #pushed = 0;

  push(id: string, timeUs: number, value: number): void {
    const place = this.#pushed++ % KEPT;
    this.#ids[place] = id;
    this.#timesUs[place] = timeUs;
    this.#values[place] = value;
  }

  /** Whether the request is among the latest, and its value was changed. */
  change(id: string, value: number): boolean {
    const place = this.#ids.indexOf(id);
    if (place >= 0) this.#values[place] = value;
    return place >= 0;
  }

  /** The values since `fromUs`, or the last few. */
  since(fromUs: number): number[] {
    const values: number[] = [];
    for (let i = this.#pushed - 1; i >= Math.max(0, this.#pushed - KEPT); i--) {
      if (values.length >= LEAST && (this.#timesUs[i % KEPT] ?? 0) < fromUs) break;
      values.push(this.#values[i % KEPT] ?? 0);
    }
    return values;
  }
}
