import type { SloSpec } from '../../core/slo.ts';
import type { RunPlan } from '../../run/plan-run.ts';
import type { RunSpec } from '../../run/run-spec.ts';
import type { RunHooks } from '../../run/run.ts';
import type { Arrivals, GoodputAnswer, GoodputProbe } from '../../schema/goodput.ts';
import type { TargetSession } from '../../target/session.ts';
import type { TargetConfig } from '../../target/target-spec.ts';
import type { Keep } from './keep.ts';

/** The shares that are wanted, and the SLO. */
export interface Judgement {
  readonly slo: SloSpec;
  readonly goals: readonly number[];
}

/** A search for the goodput of one target. */
export interface GoodputSearch extends Judgement {
  /** What is searched for: `contract.md`, "exact estimands in statistics.md". */
  readonly of: 'trace' | 'traffic';
  /** Of traffic: in what order its requests come. */
  readonly arrivals: Arrivals;
  /** The run of the trace at a rate, into a folder; null: at the trace's own rate. */
  readonly specAt: (rateRps: number | null, dir: string) => RunSpec;
  readonly target: TargetConfig;
  /** The folder of `goodput.json`; its runs stand in `probes`, or are `traffic`. */
  readonly dir: string;
  /** Half width that is wanted, as a share of the middle. */
  readonly precision: number;
  /** The first rate; null: the trace's own. */
  readonly startRps: number | null;
  /** GPUs, as the user says; null: as the reference engine tells, and not known of a server. */
  readonly gpus: number | null;
  /** Most requests that all runs together may use. */
  readonly mostRequests: number;
  /** Most milliseconds that it may take. */
  readonly mostMs: number;
  readonly keep: Keep;
}

/** Receives the events of a search. */
export interface SearchHooks extends RunHooks {
  /** A run, or a part of one, begins; `known`: what is known of the goodput by now, null: nothing. */
  readonly probing: (rateRps: number, number: number, known: string | null) => void;
  /** It has ended, with a share in words; `isKept`: an earlier search made it. */
  readonly probed: (outcome: string, isKept: boolean) => void;
  /** When it aborts, the time of the search is over: it ends with what it has. */
  readonly timeOver: AbortSignal;
}

/** An open target, and the trace that it is searched with. */
export interface SearchContext {
  readonly search: GoodputSearch;
  readonly hooks: SearchHooks;
  readonly session: TargetSession;
  /** The trace at its own rate. */
  readonly own: RunPlan;
  readonly ownRps: number;
  readonly gpus: number | null;
}

/** What a search found. */
export interface Found {
  /** One for each goal. */
  readonly answers: readonly GoodputAnswer[];
  readonly probes: readonly GoodputProbe[];
}

/** Rates are tried down to and up to so many times the first; of a server, whose slowest runs take hours, not so far down. */
const REACH = 2 ** 10;
const REACH_OF_SERVER = 2 ** 4;

/**
 * The rates that a search may try, the first between them. A warm-up and a cool-down stay as long while the trace gets
 * shorter: at no rate they leave out more than half of it, as the figures of a rate would be of a few requests, or of none.
 */
export function ratesOf({
  search,
  session,
  own,
  ownRps,
}: Pick<SearchContext, 'search' | 'session' | 'own' | 'ownRps'>): {
  readonly startRps: number;
  readonly lowestRps: number;
  readonly highestRps: number;
} {
  const startRps = search.startRps ?? ownRps;
  const reach = session.facts.kind === 'reference' ? REACH : REACH_OF_SERVER;
  return {
    startRps,
    lowestRps: startRps / reach,
    highestRps: Math.min(startRps * REACH, halfMeasuredRps(own, ownRps)),
  };
}

/** The rate at which half of the trace is measured; infinite where all of it always is. */
export function halfMeasuredRps({ spec: { measure }, stats }: RunPlan, ownRps: number): number {
  const leftOutUs = measure.warmupUs + measure.cooldownUs;
  return leftOutUs === 0 ? Infinity : (ownRps * stats.lastDueUs) / (2 * leftOutUs);
}
