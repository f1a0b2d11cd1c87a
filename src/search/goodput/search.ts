/** The outcome of one simulation or run at one rate. */
export interface Trial {
  readonly rateRps: number;
  readonly met: boolean;
}

export interface Bracket<P extends Trial> {
  /** The trial at the highest rate that met; null: no trial did, down to the lowest rate. */
  readonly met: P | null;
  /** The trial at the lowest rate that missed; null: no trial did, up to the highest rate. */
  readonly missed: P | null;
  readonly trials: number;
}

export interface SearchOptions {
  /** First rate; the bracket is found by doubling and halving from it. */
  readonly startRps: number;
  /** No rate outside of these two is tried, except `startRps`. */
  readonly lowestRps: number;
  readonly highestRps: number;
  /** The search ends when missed / met - 1 is at most this. */
  readonly precision: number;
  /** Whether another trial may be made: the search ends with what it has where not. */
  readonly mayGoOn?: () => boolean;
}

/**
 * The highest rate that a system carries: a bracket by doubling or halving, then bisection of its logarithm. Assumes
 * that a system that misses at one rate misses at every higher one: with the same draws at every rate it nearly always
 * does. `known` are trials that were made before. A trial that is not decided, null, ends the search.
 */
export async function findGoodput<P extends Trial>(
  trial: (rateRps: number) => Promise<P | null>,
  { startRps, lowestRps, highestRps, precision, mayGoOn = () => true }: SearchOptions,
  known: readonly P[] = [],
): Promise<Bracket<P>> {
  const misses = known.filter((each) => !each.met).toSorted((a, b) => a.rateRps - b.rateRps);
  let missed: P | null = misses[0] ?? null;
  // Of trials that contradict each other the lower ones count.
  const hits = known.filter((each) => each.met && each.rateRps < (misses[0]?.rateRps ?? Infinity));
  let met: P | null = hits.toSorted((a, b) => b.rateRps - a.rateRps)[0] ?? null;
  let trials = 0;
  const first = met === null && missed === null ? startRps : nextRate();
  for (let rateRps = first; rateRps !== null && mayGoOn(); rateRps = nextRate()) {
    const outcome = await trial(rateRps);
    if (outcome === null) break;
    trials++;
    if (outcome.met) met = outcome;
    else missed = outcome;
  }
  return { met, missed, trials };

  function nextRate(): number | null {
    if (met === null) return missed === null || missed.rateRps / 2 < lowestRps ? null : missed.rateRps / 2;
    if (missed === null) return met.rateRps * 2 > highestRps ? null : met.rateRps * 2;
    return missed.rateRps / met.rateRps - 1 <= precision ? null : Math.sqrt(met.rateRps * missed.rateRps);
  }
}
