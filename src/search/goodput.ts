import { UserError } from '../core/errors.ts';

/** What one simulation or run at one rate said. */
export interface Probe {
  readonly rateRps: number;
  readonly met: boolean;
}

export interface Bracket<P extends Probe> {
  /** The probe at the highest rate that met; null: none did, down to the lowest that was tried. */
  readonly met: P | null;
  /** The probe at the lowest rate that missed. */
  readonly missed: P;
  readonly probes: number;
}

export interface SearchOptions {
  /** Where to begin: the bracket is found by doubling and halving from here. */
  readonly startRps: number;
  /** What carries no rate from here on carries none. */
  readonly lowestRps: number;
  /** The search ends when missed / met - 1 is no more than this. */
  readonly precision: number;
}

/** So often is a rate doubled before all requests of a probe come at once. */
const DOUBLINGS = 30;

/**
 * The highest rate that a system carries: a bracket by doubling or halving, then bisection of its logarithm. That a
 * system which misses at one rate misses at every higher one is taken for granted: with the same draws at every rate
 * it nearly always does.
 */
export async function findGoodput<P extends Probe>(
  probe: (rateRps: number) => Promise<P>,
  { startRps, lowestRps, precision }: SearchOptions,
): Promise<Bracket<P>> {
  let probes = 0;
  const look = (rateRps: number): Promise<P> => {
    probes++;
    return probe(rateRps);
  };

  let missed = await look(startRps);
  let met: P;
  if (missed.met) {
    do {
      met = missed;
      if (probes > DOUBLINGS)
        throw new UserError(
          `--slo: even if all requests arrive at once they meet it: it limits nothing; tighten it, or simulate more with --requests`,
        );
      missed = await look(met.rateRps * 2);
    } while (missed.met);
  } else {
    for (;;) {
      if (missed.rateRps / 2 < lowestRps) return { met: null, missed, probes };
      met = await look(missed.rateRps / 2);
      if (met.met) break;
      missed = met;
    }
  }
  while (missed.rateRps / met.rateRps - 1 > precision) {
    const next = await look(Math.sqrt(met.rateRps * missed.rateRps));
    if (next.met) met = next;
    else missed = next;
  }
  return { met, missed, probes };
}
