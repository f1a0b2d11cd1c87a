import type { BucketQuantile } from '../schema/server-latency.ts';

/** Counts of a Prometheus histogram: observations up to each bound, added up over series. */
export class BucketCounts {
  /** Observations up to and including a bound, in seconds. */
  readonly #upTo = new Map<number, number>();
  sumS = 0;
  count = 0;

  add(boundS: number, count: number): void {
    this.#upTo.set(boundS, (this.#upTo.get(boundS) ?? 0) + count);
  }

  /**
   * A quantile in milliseconds, interpolated linearly within its bucket as Prometheus does, with the bucket's bounds,
   * which are the only exact part. Null without observations.
   */
  quantile(q: number): BucketQuantile | null {
    const total = this.#upTo.get(Number.POSITIVE_INFINITY) ?? 0;
    if (total <= 0) return null;
    const rank = q * total;
    let [fromS, before] = [0, 0];
    for (const [boundS, upTo] of [...this.#upTo].sort(([a], [b]) => a - b)) {
      if (boundS === Number.POSITIVE_INFINITY) break;
      if (upTo >= rank && upTo > before) {
        // Rounding must not move the value out of its bucket.
        const atS = Math.min(boundS, Math.max(fromS, fromS + (boundS - fromS) * ((rank - before) / (upTo - before))));
        return { ms: atS * 1000, bucket_ms: [fromS * 1000, boundS * 1000] };
      }
      [fromS, before] = [boundS, upTo];
    }
    return { ms: null, bucket_ms: [fromS * 1000, null] };
  }
}
