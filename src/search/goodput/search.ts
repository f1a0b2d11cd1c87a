/** The outcome of one simulation or run at one rate. */
export interface Trial {
  readonly rateRps: number;
  readonly met: boolean;
}

export interface Bracket<P extends Trial> {
  /** The probe at the highest rate that met; null: none did, down to the lowest that was tried. */
  readonly met: P | null;
  /** The probe at the lowest rate that missed; null: none did, up to the highest that was tried. */
  readonly missed: P | null;
  readonly probes: number;
}

export interface SearchOptions {
  /** Where to begin: the bracket is found by doubling and halving from here. */
  readonly startRps: number;
  /** No rate outside of these two is tried, but for the start itself. */
  readonly lowestRps: number;
  readonly highestRps: number;
  /** The search ends when missed / met - 1 is no more than this. */
  readonly precision: number;
}

/**
 * The highest rate that a system carries: a bracket by doubling or halving, then bisection of its logarithm. That a
 * system which misses at one rate misses at every higher one is taken for granted: with the same draws at every rate
 * it nearly always does.
 */
export async function findGoodput<P extends Trial>(
  trial: (rateRps: number) => Promise<P>,
  { startRps, lowestRps, highestRps, precision }: SearchOptions,
): Promise<Bracket<P>> {
  let met: P | null = null;
  let missed: P | null = null;
  let probes = 0;
  for (let rateRps: number | null = startRps; rateRps !== null; rateRps = nextRate()) {
    const outcome = await trial(rateRps);
    probes++;
    if (outcome.met) met = outcome;
    else missed = outcome;
  }
  return { met, missed, probes };

  function nextRate(): number | null {
    if (met === null) return missed === null || missed.rateRps / 2 < lowestRps ? null : missed.rateRps / 2;
    if (missed === null) return met.rateRps * 2 > highestRps ? null : met.rateRps * 2;
    return missed.rateRps / met.rateRps - 1 <= precision ? null : Math.sqrt(met.rateRps * missed.rateRps);
  }
}
