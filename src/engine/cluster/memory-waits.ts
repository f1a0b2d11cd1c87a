import type { KvCache } from '../kv/kv-cache.ts';

/**
 * Which memory waits for which: a request that is offered holds memory where it was computed until it has some where it
 * goes, so that the first comes free no sooner than the second has room. Where roles change, or a router sends requests
 * from one prefill instance to another, that may be a circle, in which nothing ever comes free.
 */
export class MemoryWaits {
  /** By memory that is held: the memories that its requests are offered to, and how many to each. */
  readonly #offered = new Map<KvCache, Map<KvCache, number>>();

  add(held: KvCache, wanted: KvCache): void {
    const wants = this.#offered.get(held) ?? new Map<KvCache, number>();
    wants.set(wanted, (wants.get(wanted) ?? 0) + 1);
    this.#offered.set(held, wants);
  }

  remove(held: KvCache, wanted: KvCache): void {
    const wants = this.#offered.get(held);
    const left = (wants?.get(wanted) ?? 0) - 1;
    if (left > 0) wants?.set(wanted, left);
    else wants?.delete(wanted);
    if (wants?.size === 0) this.#offered.delete(held);
  }

  /** Whether `held` waits, directly or by way of others, for room in `wanted`. */
  isWaiting(held: KvCache, wanted: KvCache): boolean {
    const reached = new Set([held]);
    for (const memory of reached)
      for (const next of this.#offered.get(memory)?.keys() ?? []) {
        if (next === wanted) return true;
        reached.add(next);
      }
    return false;
  }
}
