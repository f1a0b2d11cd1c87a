import type { Outcome, RequestRecord } from '../../src/core/record.ts';

/** Requests that ended the same way with the same message, but for the numbers in it. */
export interface FailureKind {
  readonly outcome: Outcome;
  readonly http_status: number | null;
  /** Of the first of them. */
  readonly error: string | null;
  /** Whether others had other numbers. */
  readonly numbers_differ: boolean;
  readonly count: number;
}

/** Messages may hold ids and so be different each time: beyond this many they are not told apart. */
const MAX_KINDS = 1000;
const MAX_ERROR_CHARACTERS = 200;

/** Counts failures by what they said. */
export class FailureCounts {
  readonly #kinds = new Map<string, FailureKind>();

  add({ outcome, http_status, error }: RequestRecord): void {
    if (outcome === 'ok') return;
    const said = error === null ? null : error.slice(0, MAX_ERROR_CHARACTERS);
    const key = JSON.stringify([outcome, http_status, said?.replaceAll(/\d+/g, '0')]);
    const known = this.#kinds.get(key);
    if (known !== undefined) {
      const numbers_differ = known.numbers_differ || known.error !== said;
      this.#kinds.set(key, { ...known, numbers_differ, count: known.count + 1 });
    } else if (this.#kinds.size < MAX_KINDS)
      this.#kinds.set(key, { outcome, http_status, error: said, numbers_differ: false, count: 1 });
  }

  /** The most common first; equals in the order in which they came. */
  mostCommon(limit: number): readonly FailureKind[] {
    return [...this.#kinds.values()].sort((a, b) => b.count - a.count).slice(0, limit);
  }
}
