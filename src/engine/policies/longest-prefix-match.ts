import type { SequenceView } from '../instance/sequence.ts';
import type { Scheduler } from './policy.ts';

/** SGLang's thresholds (`IN_BATCH_PREFIX_CACHING_*`), tokens. */
const SHORT_MATCH = 32;
const SHARED_BEGINNING = 32;

/**
 * Sorts the waiting requests by cached tokens, the longest match first (LPM). Of requests with next to no match that
 * begin alike, all but the first go to the end: the first one computes their common prefix.
 */
export function sortByLongestPrefixMatch<S extends SequenceView>(scheduler: Scheduler<S>): void {
  const beginnings = new Set<string>();
  scheduler.sortWaiting((sequence) => {
    const cached = sequence.lookUp();
    // A match never includes the last token of a prompt.
    if (cached > SHORT_MATCH || sequence.promptTokens <= SHARED_BEGINNING) return -cached;
    const beginning = sequence.beginning(SHARED_BEGINNING);
    if (beginning === null) return -cached;
    if (beginnings.has(beginning)) return Number.POSITIVE_INFINITY;
    beginnings.add(beginning);
    return -cached;
  });
}
