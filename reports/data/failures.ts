import type { Outcome, RequestRecord } from '../../src/core/record.ts';

/** Failed requests with the same outcome, status and message, apart from numbers in the message. */
export interface FailureKind {
  readonly outcome: Outcome;
  readonly http_status: number | null;
  /** Message of the first of them. */
  readonly error: string | null;
  /** Whether the messages of others have other numbers. */
  readonly numbers_differ: boolean;
  readonly count: number;
}

/** Messages may hold ids and differ each time: only so many kinds are kept. */
const MAX_KINDS = 1000;
const MAX_ERROR_CHARACTERS = 200;

/** Counts failures by outcome, status and message. */
export class FailureCounts {
  readonly #kinds = new Map<string, FailureKind>();

  add({ outcome, http_status, error }: RequestRecord): void {
    if (outcome === 'ok') return;
    const message = error === null ? null : error.slice(0, MAX_ERROR_CHARACTERS);
    const key = JSON.stringify([outcome, http_status, message?.replaceAll(/\d+/g, '0')]);
    const known = this.#kinds.get(key);
    if (known !== undefined) {
      const numbers_differ = known.numbers_differ || known.error !== message;
      this.#kinds.set(key, { ...known, numbers_differ, count: known.count + 1 });
    } else if (this.#kinds.size < MAX_KINDS)
      this.#kinds.set(key, { outcome, http_status, error: message, numbers_differ: false, count: 1 });
  }

  /** The most common first; equal counts in the order in which they came. */
  mostCommon(limit: number): readonly FailureKind[] {
    return [...this.#kinds.values()].sort((a, b) => b.count - a.count).slice(0, limit);
  }
}
