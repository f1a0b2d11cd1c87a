import { randomStream } from '../../src/core/random.ts';
import type { RequestRecord } from '../../src/core/record.ts';
import { timeInSystemUs } from './request-spans.ts';

/** Single requests for the waterfalls. */
export interface RequestSample {
  /** Requests that were in the system longest, failed ones too, longest first. */
  readonly slowest: readonly RequestRecord[];
  /** Any requests, failed ones too, in the order of their due times. */
  readonly random: readonly RequestRecord[];
}

const SIZE = 20;

/** Keeps the slowest requests and a random sample. It is drawn by request id, so the order of the records does not matter. */
export class RequestSampler {
  readonly #slowest = new Largest();
  readonly #random = new Largest();

  add(record: RequestRecord): void {
    if (record.sent_us !== null) this.#slowest.offer(timeInSystemUs(record), record);
    this.#random.offer(randomStream(1, 'report sample', record.request_id)(), record);
  }

  result(): RequestSample {
    return {
      slowest: this.#slowest.records(),
      random: this.#random.records().toSorted((a, b) => a.due_us - b.due_us || (a.request_id < b.request_id ? -1 : 1)),
    };
  }
}

/** The records with the largest keys; of equal keys the one with the smaller id. */
class Largest {
  readonly #kept: { readonly key: number; readonly record: RequestRecord }[] = [];

  offer(key: number, record: RequestRecord): void {
    if (this.#kept.length === SIZE && key < (this.#kept.at(-1)?.key ?? 0)) return;
    // Its own times: those of a part of the run are in one array.
    this.#kept.push({ key, record: { ...record, token_times_us: record.token_times_us.slice() } });
    this.#kept.sort((a, b) => b.key - a.key || (a.record.request_id < b.record.request_id ? -1 : 1));
    this.#kept.length = Math.min(this.#kept.length, SIZE);
  }

  records(): RequestRecord[] {
    return this.#kept.map(({ record }) => record);
  }
}
