import { UserError } from '../../core/errors.ts';
import {
  totalRps,
  unitWords,
  type Arrivals,
  type Goodput,
  type Group,
  type Placement,
} from '../../schema/placement.ts';
import type { Slo } from '../../core/slo.ts';
import { copiesOf, gpusOf, unitOptions, type Cluster } from './candidates.ts';
import type { Pool } from '../pool.ts';
import type { Progress } from './progress.ts';
import { LOWEST_SHARE, START_RPS_PER_GPU, type GoodputQuery } from '../goodput/simulated.ts';

/** Number of units with the highest estimates whose goodput is found first; the others have to exceed it. */
const FIRST = 4;

/** A unit and its rate as estimated from its phases; null without an estimate. */
export interface Candidate {
  readonly groups: readonly Group[];
  readonly byPhasesRps: number | null;
}

export interface RankRules {
  readonly system: string;
  readonly cluster: Cluster;
  readonly limits: Slo;
  /** Those of all its simulations. */
  readonly arrivals: Arrivals;
  /** Units that are simulated at most, those with the highest estimates first. */
  readonly maxUnits: number;
  /** Search the goodput of all of these units, rather than only of those that can win. */
  readonly all: boolean;
}

/**
 * The goodput of units, as far as it takes to find the best. The units with the highest estimates are searched; every
 * other unit is simulated once, at the rate at which its goodput per GPU would equal the best of them. A unit that
 * misses there cannot win; one that meets is searched too. So the winner is the one that a search of all units would
 * find, by the assumption of any bisection: a unit that misses at a rate misses at every higher one.
 */
export async function rankUnits(
  pool: Pool,
  candidates: readonly Candidate[],
  rules: RankRules,
  progress: Progress,
): Promise<Placement[]> {
  const { cluster, arrivals, maxUnits, all } = rules;
  const { first, rest, beyondMax, infeasible } = inOrder(candidates, maxUnits);
  progress.skip(infeasible.length + beyondMax.length);
  const search = async (units: readonly Candidate[], thresholdRpsPerGpu: number | null): Promise<Goodput[]> => {
    const queries = units.map((unit) => queryOf(unit, rules, thresholdRpsPerGpu));
    const results = await pool.ask(queries, (i, result) => progress.add(result, units[i]?.groups ?? null, arrivals));
    return results.map(({ goodput }, i) => {
      if (goodput.missed_rps !== null) return goodput;
      throw new UserError(
        `--slo: ${unitWords(units[i]?.groups ?? [])} meets it though all requests of a simulation arrive nearly at once, so it limits nothing; tighten it, or raise --requests`,
      );
    });
  };
  const opening = await search(first, null);
  const most = Math.max(0, ...opening.map(({ goodput_rps_per_gpu }) => goodput_rps_per_gpu));
  const threshold = all || most === 0 ? null : most;
  const others = await search(rest, threshold);

  const placed = ({ groups, byPhasesRps }: Candidate): Omit<Placement, 'state' | 'why' | 'whole' | 'missed_rps'> => ({
    groups,
    gpus: gpusOf(groups),
    copies: copiesOf(groups, cluster),
    by_phases_rps: byPhasesRps,
  });
  const measured = (unit: Candidate, whole: Goodput | undefined): Placement => ({
    ...placed(unit),
    state: 'measured',
    why: null,
    whole: whole ?? null,
    missed_rps: null,
  });
  const dominated = (unit: Candidate, missedRps: number | null): Placement => ({
    ...placed(unit),
    state: 'beaten',
    why: 'misses the SLO where it would be as good as another',
    whole: null,
    missed_rps: missedRps,
  });
  const skipped = (unit: Candidate, why: string): Placement => ({
    ...placed(unit),
    state: 'skipped',
    why,
    whole: null,
    missed_rps: null,
  });
  return [
    ...first.map((unit, i) => measured(unit, opening[i])),
    ...rest.map((unit, i) => {
      const goodput = others[i];
      return threshold !== null && goodput?.goodput_rps === 0
        ? dominated(unit, goodput.missed_rps)
        : measured(unit, goodput);
    }),
    ...beyondMax.map((unit) => skipped(unit, `behind ${maxUnits} others by its estimate`)),
    ...infeasible.map((unit) => skipped(unit, 'a phase alone meets its limit at no rate')),
  ].sort(byGoodput);
}

interface Order {
  readonly first: readonly Candidate[];
  readonly rest: readonly Candidate[];
  /** Beyond `maxUnits`. */
  readonly beyondMax: readonly Candidate[];
  readonly infeasible: readonly Candidate[];
}

/** By estimated rate per GPU; without estimates, single instances first. */
function inOrder(candidates: readonly Candidate[], maxUnits: number): Order {
  const estimate = ({ byPhasesRps, groups }: Candidate): number => (byPhasesRps ?? 0) / gpusOf(groups);
  const ranked = candidates
    .filter(({ byPhasesRps }) => byPhasesRps !== 0)
    .sort((a, b) => estimate(b) - estimate(a) || gpusOf(a.groups) - gpusOf(b.groups));
  const isFirst = ({ byPhasesRps, groups }: Candidate, place: number): boolean =>
    byPhasesRps === null ? groups.every(({ instances }) => instances === 1) : place < FIRST;
  const first = ranked.filter(isFirst);
  const others = ranked.filter((candidate, place) => !isFirst(candidate, place));
  const room = Math.max(0, maxUnits - first.length);
  return {
    first,
    rest: others.slice(0, room),
    beyondMax: others.slice(room),
    infeasible: candidates.filter(({ byPhasesRps }) => byPhasesRps === 0),
  };
}

/** `thresholdRpsPerGpu`: the first rate, and the only one if it misses; null: search from the estimate. */
function queryOf(
  { groups, byPhasesRps }: Candidate,
  { system, limits, arrivals }: RankRules,
  thresholdRpsPerGpu: number | null,
): GoodputQuery {
  const gpus = gpusOf(groups);
  const startRps = thresholdRpsPerGpu === null ? (byPhasesRps ?? START_RPS_PER_GPU * gpus) : thresholdRpsPerGpu * gpus;
  return {
    system: `${system},${unitOptions(groups)}`,
    gpus,
    limits,
    arrivals,
    outputTokens: null,
    startRps,
    lowestRps: thresholdRpsPerGpu === null ? startRps * LOWEST_SHARE : startRps,
  };
}

/** By goodput per GPU, then by the rate of all copies; units without a goodput by their estimate. */
function byGoodput(a: Placement, b: Placement): number {
  return (
    Number(b.whole !== null) - Number(a.whole !== null) ||
    (b.whole?.goodput_rps_per_gpu ?? 0) - (a.whole?.goodput_rps_per_gpu ?? 0) ||
    (totalRps(b) ?? 0) - (totalRps(a) ?? 0) ||
    (b.by_phases_rps ?? 0) / b.gpus - (a.by_phases_rps ?? 0) / a.gpus ||
    a.gpus - b.gpus
  );
}
