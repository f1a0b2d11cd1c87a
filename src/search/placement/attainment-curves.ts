import { type AttainmentCurve, type Contender, goodputOf, KINDS, type Probe } from '../../schema/placement.ts';
import type { GoodputQuery } from '../goodput/simulated.ts';
import type { Pool } from '../pool.ts';
import { contenderQuery, type ContendRules } from './contenders.ts';
import type { Progress } from './progress.ts';

/**
 * Rates above the goodput, as shares of it, that are simulated to their ends: a search ends a simulation that misses as
 * soon as it is decided, so that it knows no attainment there.
 */
const ABOVE = [1.1, 1.3];
/** A rate well below it, where the search has tried none under `NEAR`. */
const BELOW = 0.7;
const NEAR = 0.85;

type ProbesOf = (query: GoodputQuery) => readonly Probe[];

/** A pool that keeps the probes of all that it is asked. */
export function keepingProbes(pool: Pool): { readonly pool: Pool; readonly probesOf: ProbesOf } {
  const kept = new Map<string, Probe[]>();
  return {
    pool: {
      ...pool,
      async ask(queries, onResult) {
        const results = await pool.ask(queries, onResult);
        for (const [i, query] of queries.entries()) {
          const key = keyOf(query);
          kept.set(key, [...(kept.get(key) ?? []), ...(results[i]?.probes ?? [])]);
        }
        return results;
      },
    },
    probesOf: (query) => kept.get(keyOf(query)) ?? [],
  };
}

/** What a probe depends on besides its rate. */
function keyOf({ system, arrivals, limits, outputTokens }: GoodputQuery): string {
  return JSON.stringify([system, arrivals, limits, outputTokens]);
}

/**
 * Attainment against the rate, of the best of each kind with each of the arrivals: the probes of its search, and a few
 * simulations more where these say nothing.
 */
export async function attainmentCurves(
  pool: Pool,
  contenders: readonly Contender[],
  { rules, probesOf }: { readonly rules: ContendRules; readonly probesOf: ProbesOf },
  progress: Progress,
): Promise<AttainmentCurve[]> {
  const wanted = KINDS.flatMap((kind) => contenders.find((each) => each.kind === kind) ?? []).flatMap((unit) =>
    (['trace', 'poisson'] as const).flatMap((arrivals) => {
      const rps = goodputOf(unit, arrivals)?.goodput_rps ?? 0;
      return rps === 0 ? [] : [{ unit, arrivals, rps, query: contenderQuery(unit, rules, arrivals, null) }];
    }),
  );
  const queries = wanted.flatMap(({ rps, query }) => {
    const isBelow = probesOf(query).some(({ rate_rps, attainment }) => attainment !== null && rate_rps < NEAR * rps);
    return [...(isBelow ? [] : [BELOW]), ...ABOVE].map((share) => {
      const rateRps = share * rps;
      return { ...query, startRps: rateRps, lowestRps: rateRps, toTheEnd: true };
    });
  });
  progress.expect(queries.length);
  await pool.ask(queries, (_, result) => progress.add(result, null));
  return wanted.map(({ unit: { kind, groups, gpus, copies }, arrivals, query }) => ({
    groups,
    gpus,
    copies,
    kind,
    arrivals,
    probes: probesOf(query).toSorted((a, b) => a.rate_rps - b.rate_rps),
  }));
}
