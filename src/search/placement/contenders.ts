import {
  type Arrivals,
  type Contender,
  type Goodput,
  goodputOf,
  type Kind,
  KINDS,
  type Placement,
  type PlacementReport,
  totalRps,
} from '../../schema/placement.ts';
import type { Slo } from '../../core/slo.ts';
import { type GoodputQuery, type GoodputResult, LOWEST_SHARE, traceRepeats } from '../goodput/simulated.ts';
import type { Pool } from '../pool.ts';
import { unitOptions } from './candidates.ts';
import type { Progress } from './progress.ts';

/** Units of each kind that contend: those that carry most per GPU by the ranking. */
const PER_KIND = 4;
/** Of both kinds together, those that carry most on all GPUs contend too. */
const IN_ALL = 2;
/** Totals of equal rates per GPU differ by rounding. */
const ROUNDING = 1 + 1e-9;

export type Rankings = Readonly<Record<Kind, readonly Placement[]>>;

export interface ContendRules {
  readonly systems: Readonly<Record<Kind, string>>;
  readonly limits: Slo;
  /** Requests of one pass through the trace; null: it has no timing to scale. */
  readonly traceRequests: number | null;
  readonly requestsPerGpu: number;
  /** The arrivals of the ranking; absent: Poisson. */
  readonly rankedBy?: Arrivals;
}

/**
 * The units that may be the best of all, per GPU or on all GPUs, judged by the trace's own timing too: Poisson arrivals
 * are smoother than most traces, and what carries most of one need not carry most of the other. The best of each kind
 * is searched with the trace's timing; every other contender is simulated once, at the lower of the rates at which it
 * would be as good as the best of its kind per GPU, and as the best of all on all GPUs. Where the ranking has the trace's
 * timing, or the trace has none, nothing is left to judge. Best first.
 */
export async function contend(
  pool: Pool,
  rankings: Rankings,
  rules: ContendRules,
  progress: Progress,
): Promise<Contender[]> {
  const { traceRequests, rankedBy = 'poisson' } = rules;
  const all = [...measuredOf(rankings, rules), ...(await mostInAll(pool, rankings, rules, progress))];
  const contenders = chosen(all, rankedBy);
  if (traceRequests === null || rankedBy === 'trace') return contenders.sort(byRate);
  const search = async (some: readonly Contender[], thresholdOf: (each: Contender) => number | null) => {
    const queries = some.map((each) => contenderQuery(each, rules, 'trace', thresholdOf(each)));
    const results = await asked(pool, queries, some, progress);
    return some.map((each, i): Contender => {
      const goodput = results[i]?.goodput ?? null;
      const isBeaten = thresholdOf(each) !== null && goodput?.goodput_rps === 0;
      return {
        ...each,
        trace: isBeaten ? null : goodput,
        trace_missed_rps: isBeaten ? goodput.missed_rps : null,
        trace_repeats: traceRepeats(traceRequests, each.gpus, rules.requestsPerGpu),
      };
    });
  };
  const firsts = KINDS.flatMap((kind) => contenders.find((each) => each.kind === kind) ?? []);
  const searched = await search(firsts, () => null);
  const most = Math.max(0, ...searched.map(({ copies, trace }) => copies * (trace?.goodput_rps ?? 0)));
  const others = await search(
    contenders.filter((each) => !firsts.includes(each)),
    ({ kind, gpus, copies }) => {
      const perGpu = searched.find((each) => each.kind === kind)?.trace?.goodput_rps_per_gpu ?? 0;
      return perGpu === 0 ? null : Math.min(perGpu * gpus, most / copies);
    },
  );
  return [...searched, ...others].sort(byRate);
}

/** The best of contenders that are in order; null if there are none. */
export function bestOf(contenders: readonly Contender[]): PlacementReport['best'] {
  const [first] = contenders;
  if (first === undefined) return null;
  const arrivals: Arrivals = (first.trace?.goodput_rps ?? 0) > 0 ? 'trace' : 'poisson';
  const rateOf = (each: Contender): number => goodputOf(each, arrivals)?.goodput_rps ?? 0;
  const inAll = contenders.reduce((most, each) =>
    each.copies * rateOf(each) > most.copies * rateOf(most) * ROUNDING ? each : most,
  );
  const answer = (each: Contender) => ({
    kind: each.kind,
    groups: each.groups,
    gpus: each.gpus,
    copies: each.copies,
    goodput_rps: rateOf(each),
    goodput_rps_per_gpu: rateOf(each) / each.gpus,
    in_all_rps: each.copies * rateOf(each),
  });
  return { arrivals, per_gpu: answer(first), in_all: answer(inAll) };
}

function measuredOf(rankings: Rankings, rules: ContendRules): Contender[] {
  return KINDS.flatMap((kind) =>
    rankings[kind].flatMap((each) => (each.whole === null ? [] : [contender(kind, each, each.whole, rules)])),
  );
}

/** `goodput`: with the arrivals of the ranking. */
function contender(
  kind: Kind,
  { groups, gpus, copies }: Placement,
  goodput: Goodput,
  { rankedBy = 'poisson', traceRequests, requestsPerGpu }: ContendRules,
): Contender {
  const unit = { kind, groups, gpus, copies };
  if (rankedBy === 'poisson')
    return { ...unit, poisson: goodput, trace: null, trace_missed_rps: null, trace_repeats: null };
  const repeats = traceRequests === null ? null : traceRepeats(traceRequests, gpus, requestsPerGpu);
  return { ...unit, poisson: null, trace: goodput, trace_missed_rps: null, trace_repeats: repeats };
}

/**
 * Units that were beaten per GPU and may still carry most on all GPUs, because those that beat them leave some idle.
 * Each is simulated once, at the rate at which it would be as good as the most that was measured.
 */
async function mostInAll(
  pool: Pool,
  rankings: Rankings,
  rules: ContendRules,
  progress: Progress,
): Promise<Contender[]> {
  const most = Math.max(0, ...KINDS.flatMap((kind) => rankings[kind].map((each) => totalRps(each) ?? 0)));
  const possible = KINDS.flatMap((kind) =>
    rankings[kind].flatMap((each) =>
      each.missed_rps !== null && each.copies * each.missed_rps > most * ROUNDING ? [{ kind, each }] : [],
    ),
  );
  const queries = possible.map(({ kind, each }) =>
    contenderQuery({ kind, ...each }, rules, rules.rankedBy ?? 'poisson', most / each.copies),
  );
  const results = await asked(
    pool,
    queries,
    possible.map(({ each }) => each),
    progress,
  );
  return possible.flatMap(({ kind, each }, i) => {
    const goodput = results[i]?.goodput;
    return goodput === undefined ? [] : [contender(kind, each, goodput, rules)];
  });
}

/** Those that carry most per GPU of each kind, and most on all GPUs of both; the best per GPU first. */
function chosen(all: readonly Contender[], rankedBy: Arrivals): Contender[] {
  const rateOf = (each: Contender): number => goodputOf(each, rankedBy)?.goodput_rps ?? 0;
  const carrying = all.filter((each) => rateOf(each) > 0).sort(byRate);
  const perKind = KINDS.flatMap((kind) => carrying.filter((each) => each.kind === kind).slice(0, PER_KIND));
  const inAll = carrying.toSorted((a, b) => b.copies * rateOf(b) - a.copies * rateOf(a));
  return [...new Set([...perKind, ...inAll.slice(0, IN_ALL)])].sort(byRate);
}

/** `thresholdRps`: the first rate, and the only one if it misses; null: search from the goodput with Poisson arrivals. */
export function contenderQuery(
  { kind, groups, gpus, poisson }: Pick<Contender, 'kind' | 'groups' | 'gpus'> & { readonly poisson?: Goodput | null },
  { systems, limits }: ContendRules,
  arrivals: Arrivals,
  thresholdRps: number | null,
): GoodputQuery {
  const startRps = thresholdRps ?? poisson?.goodput_rps ?? gpus;
  return {
    system: `${systems[kind]},${unitOptions(groups)}`,
    gpus,
    limits,
    arrivals,
    outputTokens: null,
    startRps,
    lowestRps: thresholdRps === null ? startRps * LOWEST_SHARE : startRps,
  };
}

async function asked(
  pool: Pool,
  queries: readonly GoodputQuery[],
  units: readonly Pick<Contender, 'groups'>[],
  progress: Progress,
): Promise<GoodputResult[]> {
  progress.expect(queries.length);
  return pool.ask(queries, (i, result) =>
    progress.add(result, units[i]?.groups ?? null, queries[i]?.arrivals ?? 'poisson'),
  );
}

/** By goodput per GPU with the trace's timing, then with Poisson arrivals, then by that of all copies. */
function byRate(a: Contender, b: Contender): number {
  const ranked = (each: Contender): number => (each.poisson ?? each.trace)?.goodput_rps ?? 0;
  return (
    (b.trace?.goodput_rps_per_gpu ?? 0) - (a.trace?.goodput_rps_per_gpu ?? 0) ||
    (b.poisson?.goodput_rps_per_gpu ?? 0) - (a.poisson?.goodput_rps_per_gpu ?? 0) ||
    b.copies * ranked(b) - a.copies * ranked(a) ||
    a.gpus - b.gpus
  );
}
