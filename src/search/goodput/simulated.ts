import { parseEngineSpec } from '../../engine/index.ts';
import type { Arrivals, Goodput, Probe } from '../../schema/placement.ts';
import { partsOf, type Slo, SLO_METRICS, type SloMetric } from '../../core/slo.ts';
import { simulate } from '../simulation.ts';
import { Tally } from '../tally.ts';
import { requestsAt, type Load } from './load.ts';
import { needed } from './probe-tally.ts';
import { findGoodput, type Trial } from './search.ts';

/** First rate of a search without an estimate. */
export const START_RPS_PER_GPU = 1;
/** A system that misses even at this share of the first rate of its search has a goodput of 0. */
export const LOWEST_SHARE = 2 ** -10;
/** No engine carries this rate. A simulation that meets its limits even then ends before requests can queue. */
const HIGHEST_RPS_PER_GPU = 4096;

/** Shared by all simulations of a search: plain data, for worker threads. */
export interface SimulationConfig {
  /** Null: no query asks for these arrivals. */
  readonly loads: Readonly<Record<Arrivals, Load | null>>;
  /** Requests of a simulation per GPU, so that all simulations last about as long at the same goodput per GPU. */
  readonly requestsPerGpu: number;
  readonly at: number;
  readonly precision: number;
}

/** A system whose goodput is searched: plain data. */
export interface GoodputQuery {
  readonly system: string;
  readonly gpus: number;
  readonly limits: Slo;
  readonly arrivals: Arrivals;
  /** Output tokens of each request; null: as drawn. */
  readonly outputTokens: number | null;
  readonly startRps: number;
  readonly lowestRps: number;
  /** One simulation at `startRps`, to its end even if it misses: its attainment is asked for. */
  readonly toTheEnd?: boolean;
}

export interface GoodputResult {
  readonly goodput: Goodput;
  /** Every simulation, in the order of the search. */
  readonly probes: readonly Probe[];
  readonly simulations: number;
}

/** Goodput of a system in virtual time. The same query always has the same result, in any thread. */
export async function simulatedGoodput(
  query: GoodputQuery,
  { loads, requestsPerGpu, at, precision }: SimulationConfig,
): Promise<GoodputResult> {
  const { gpus, limits, outputTokens, startRps, lowestRps, toTheEnd = false } = query;
  const engine = parseEngineSpec(query.system);
  const load = loads[query.arrivals];
  if (load === null) throw new Error(`${query.system}: there is no load with ${query.arrivals} arrivals`);
  const requests = simulatedRequests(load, query.arrivals, gpus, requestsPerGpu);
  const allowedMisses = requests - needed(at, requests);
  const probes: Probe[] = [];
  const trial = async (rateRps: number): Promise<Trial & { readonly tally: Tally }> => {
    const tally = new Tally(limits, allowedMisses);
    await simulate(engine, requestsAt(load, requests, rateRps, outputTokens), tally, {
      blockTokens: load.prefixes?.blockTokens ?? null,
      isDecided: () => !toTheEnd && tally.isMissed,
    });
    const isWhole = toTheEnd || !tally.isMissed;
    probes.push({ rate_rps: rateRps, attainment: isWhole ? 1 - tally.missed / requests : null });
    return { rateRps, met: !tally.isMissed, tally };
  };
  const highestRps = toTheEnd ? startRps : HIGHEST_RPS_PER_GPU * gpus;
  const { met, missed, trials } = await findGoodput(trial, { startRps, lowestRps, highestRps, precision });
  const goodputRps = met?.rateRps ?? 0;
  return {
    goodput: {
      goodput_rps: goodputRps,
      goodput_rps_per_gpu: goodputRps / gpus,
      missed_rps: missed?.rateRps ?? null,
      binding: missed === null ? null : bindingOf(missed.tally, limits),
      attainment: met === null ? null : 1 - met.tally.missed / requests,
      mean_e2e_s: met === null ? null : met.tally.meanE2eUs / 1e6,
    },
    probes,
    simulations: trials,
  };
}

/** Requests of one simulation of a system on so many GPUs. */
export function simulatedRequests(load: Load, arrivals: Arrivals, gpus: number, requestsPerGpu: number): number {
  const rows = load.dueS.length;
  return arrivals === 'trace' ? rows * traceRepeats(rows, gpus, requestsPerGpu) : Math.min(rows, gpus * requestsPerGpu);
}

/** How often a trace has to be replayed for a simulation of `requestsPerGpu`; once where it is longer. */
export function traceRepeats(requests: number, gpus: number, requestsPerGpu: number): number {
  return Math.max(1, Math.ceil((gpus * requestsPerGpu) / requests));
}

/** The limit that most requests miss; on a tie the first. */
function bindingOf({ missedBy }: Tally, limits: Slo): SloMetric {
  const parts = partsOf(limits);
  const judged = SLO_METRICS.filter((metric) => parts.some(([, part]) => part[metric] !== undefined));
  return judged.reduce((most, metric) => (missedBy[metric] > missedBy[most] ? metric : most), judged[0] ?? 'ttft');
}
