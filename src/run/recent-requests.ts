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
/** Numbers of a ring: how many were pushed, their times, their values. */
const RING = 1 + 2 * KEPT;
export const RECENT_BYTES = 2 * RING * Float64Array.BYTES_PER_ELEMENT;

/**
 * Keeps the TTFT of the latest requests, and whether they met the SLO: one step a request, none a token. `memory`: where,
 * `RECENT_BYTES` long; another thread may read it there while this one writes.
 */
export class RecentRequests implements RequestWatcher {
  readonly #slo: Slo | null;
  readonly #ttftUs: Latest;
  readonly #met: Latest;

  constructor(slo: Slo | null, memory: ArrayBufferLike = new ArrayBuffer(RECENT_BYTES)) {
    this.#slo = slo;
    this.#ttftUs = new Latest(new Float64Array(memory, 0, RING));
    this.#met = new Latest(new Float64Array(memory, RING * Float64Array.BYTES_PER_ELEMENT, RING));
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

  /** TTFTs in microseconds, and 1 or 0 for each request that was judged. */
  since(fromUs: number): { readonly ttftUs: readonly number[]; readonly met: readonly number[] } {
    return { ttftUs: this.#ttftUs.since(fromUs), met: this.#met.since(fromUs) };
  }
}

/** What the latest requests of all clients of a run got. */
export function recentLatency(clients: readonly RecentRequests[], nowUs: number): RecentLatency {
  const recent = clients.map((client) => client.since(nowUs - WINDOW_US));
  const ttfts = Float64Array.from(recent.flatMap(({ ttftUs }) => ttftUs)).sort();
  const met = recent.flatMap((each) => each.met);
  const ms = (permille: number): number => (nearestRank(ttfts, permille) ?? 0) / 1000;
  return {
    ttftMs: ttfts.length === 0 ? null : { p50: ms(500), p99: ms(990) },
    met: met.length === 0 ? null : met.reduce((sum, each) => sum + each, 0) / met.length,
  };
}

/** The latest values of requests, in a ring. The ids are the writer's alone. */
class Latest {
  readonly #ids: string[] = [];
  readonly #ring: Float64Array;
  #pushed = 0;

  /** `ring`: how many were pushed, then times and values. */
  constructor(ring: Float64Array) {
    this.#ring = ring;
  }

  push(id: string, timeUs: number, value: number): void {
    const place = this.#pushed++ % KEPT;
    this.#ids[place] = id;
    this.#ring[1 + place] = timeUs;
    this.#ring[1 + KEPT + place] = value;
    this.#ring[0] = this.#pushed;
  }

  /** Whether the request is among the latest, and its value was changed. */
  change(id: string, value: number): boolean {
    const place = this.#ids.indexOf(id);
    if (place >= 0) this.#ring[1 + KEPT + place] = value;
    return place >= 0;
  }

  /** The values since `fromUs`, or the last few. */
  since(fromUs: number): number[] {
    const values: number[] = [];
    const pushed = this.#ring[0] ?? 0;
    for (let i = pushed - 1; i >= Math.max(0, pushed - KEPT); i--) {
      if (values.length >= LEAST && (this.#ring[1 + (i % KEPT)] ?? 0) < fromUs) break;
      values.push(this.#ring[1 + KEPT + (i % KEPT)] ?? 0);
    }
    return values;
  }
}
