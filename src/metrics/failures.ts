import type { RequestRecord } from '../core/record.ts';
import type { FailureKind } from '../schema/summary.ts';

/** Messages may hold ids and differ each time: only so many kinds are kept. */
const MAX_KINDS = 1000;
const MAX_ERROR_CHARACTERS = 200;
/** Kinds in a summary. */
const SHOWN = 8;

/** Counts failures by outcome, status and message, apart from numbers in the message. */
export class FailureCounts {
  readonly #kinds = new Map<string, FailureKind>();

  /** A request that failed. */
  add({ outcome, http_status, error }: RequestRecord): void {
    const message = error === null ? null : error.slice(0, MAX_ERROR_CHARACTERS);
    const key = JSON.stringify([outcome, http_status, message?.replaceAll(/\d+/g, '0')]);
    const known = this.#kinds.get(key);
    if (known !== undefined) {
      const numbers_differ = known.numbers_differ || known.error !== message;
      // Of messages that differ in numbers the least in order of text, so that the order of the records changes nothing.
      const least = (known.error ?? '') < (message ?? '') ? known.error : message;
      this.#kinds.set(key, { ...known, error: least, numbers_differ, count: known.count + 1 });
    } else if (this.#kinds.size < MAX_KINDS)
      this.#kinds.set(key, { outcome, http_status, error: message, numbers_differ: false, count: 1 });
  }

  /** The most common first. */
  result(): FailureKind[] {
    const sorted = [...this.#kinds].sort(([a, x], [b, y]) => y.count - x.count || (a < b ? -1 : 1));
    return sorted.slice(0, SHOWN).map(([, kind]) => kind);
  }
}
