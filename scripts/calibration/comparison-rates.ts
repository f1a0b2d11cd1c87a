import { driftsOf } from '../../src/compare/drift.ts';
import { testFamily } from '../../src/compare/verdicts.ts';
import { ln } from '../../src/core/portable-math.ts';
import { randomStream, uniform, type Random } from '../../src/core/random.ts';
import { tpotBetweenUs } from '../../src/metrics/request-latency.ts';
import { nearestRank } from '../../src/metrics/samples.ts';
import { JUDGED_NAMES, type JudgedName } from '../../src/schema/comparison.ts';
import { resolveWorkload } from '../../workloads/samples/index.ts';
import { simulatedTimes } from '../../src/search/simulated-times.ts';
import { poisson, readRows, requestsAt } from './traffic.ts';

const SYSTEM = 'vllm-v1,version=0.10,async=off,model=llama-3.1-8b,gpu=h100-sxm,noise=0.03,run_noise=0.01';
const REQUESTS = 1000;
/** Half of the goodput at 250/20 ms. */
const RATE_RPS = 13.9;
const LIMITS_US = { ttft: 250_000, tpot: 20_000 };
const SLOWER = 1.05;
const LEVEL = 0.05;

/** The judged quantiles of one run. */
type Figures = Readonly<Partial<Record<JudgedName, number>>>;

export interface RunPool {
  readonly same: readonly Figures[];
  /** Every engine time 5 % longer. */
  readonly slower: readonly Figures[];
}

/** Runs that differ by their noise alone, as many of each. */
export async function runPool(runs: number, trace = 1): Promise<RunPool> {
  const traffic = poisson(await readRows(resolveWorkload('chat')))(trace, REQUESTS);
  const [same, slower]: [Figures[], Figures[]] = [[], []];
  for (let seed = 1; seed <= runs; seed++) {
    same.push(await figuresOf(seed, 1));
    slower.push(await figuresOf(runs + seed, SLOWER));
  }
  return { same, slower };

  /** An engine whose times are all `factor` longer is one that gets the requests as much faster, in longer units of time. */
  async function figuresOf(seed: number, factor: number): Promise<Figures> {
    const requests = requestsAt(traffic, RATE_RPS * factor);
    const times = await simulatedTimes(`${SYSTEM},seed=${seed}`, requests);
    const sorted = (of: (i: number) => number): Float64Array =>
      Float64Array.from(times, (_, i) => of(i) * factor).sort();
    const ttft = sorted((i) => (times[i]?.firstUs ?? 0) - (times[i]?.dueUs ?? 0));
    const e2e = sorted((i) => (times[i]?.lastUs ?? 0) - (times[i]?.dueUs ?? 0));
    const tpots = times.flatMap(({ firstUs, lastUs }, i) => {
      const tpot = tpotBetweenUs(firstUs, lastUs, requests[i]?.outputTokens ?? 0);
      return tpot === null ? [] : [tpot * factor];
    });
    const tpot = Float64Array.from(tpots).sort();
    const met = times.filter(({ dueUs, firstUs, lastUs }, i) => {
      const tpotUs = (tpotBetweenUs(firstUs, lastUs, requests[i]?.outputTokens ?? 0) ?? 0) * factor;
      return (firstUs - dueUs) * factor <= LIMITS_US.ttft && tpotUs <= LIMITS_US.tpot;
    });
    const tokens = requests.reduce((sum, { outputTokens }) => sum + outputTokens, 0);
    const lastUs = times.reduce((last, time) => Math.max(last, time.lastUs), 0) * factor;
    const at = (values: Float64Array, permille: number): number => nearestRank(values, permille) ?? Number.NaN;
    return {
      attainment: met.length / times.length,
      throughput: tokens / lastUs,
      'ttft.p50': at(ttft, 500),
      'ttft.p90': at(ttft, 900),
      'ttft.p99': at(ttft, 990),
      'tpot.p50': at(tpot, 500),
      'tpot.p90': at(tpot, 900),
      'tpot.p99': at(tpot, 990),
      'e2e.p50': at(e2e, 500),
    };
  }
}

export interface Claim {
  readonly slower: boolean;
  /** Runs of each. */
  readonly repeats: number;
  readonly margin: number;
  readonly holm: boolean;
  /** Share by which every run is slower than the one before. */
  readonly drift: number;
  readonly draws: number;
}

/** How often a change is claimed, of each metric and of any; and how often a drift is. */
export function comparisonRates(
  pool: RunPool,
  { slower, repeats, margin, holm, drift, draws }: Claim,
): { readonly byMetric: Readonly<Partial<Record<JudgedName, number>>>; readonly any: number; readonly drifts: number } {
  const random = randomStream(1, 'comparisons', repeats);
  const names = JUDGED_NAMES.filter((name) => pool.same[0]?.[name] !== undefined);
  const claimed: Partial<Record<JudgedName, number>> = {};
  let [any, drifts] = [0, 0];
  // A B B A: the i-th of each are neighbours.
  const places = {
    base: Array.from({ length: repeats }, (_, i) => 2 * i + (i % 2)),
    now: Array.from({ length: repeats }, (_, i) => 2 * i + 1 - (i % 2)),
  };
  for (let draw = 0; draw < draws; draw++) {
    const [base, others] = [drawn(pool.same, 2 * repeats, random), drawn(pool.slower, repeats, random)];
    const [a, b] = [base.slice(0, repeats), slower ? others : base.slice(repeats)];
    const value = (run: Figures | undefined, name: JudgedName, place: number): number =>
      (run?.[name] ?? Number.NaN) * (1 + drift) ** place;
    const family = names.map((name) => {
      const ofA = a.map((run, i) => value(run, name, places.base[i] ?? 0));
      const ofB = b.map((run, i) => value(run, name, places.now[i] ?? 0));
      return { name, base: ofA, now: ofB, isFinite: true };
    });
    const tested = testFamily(family, 'paired', ln(1 + margin));
    const found = names.filter((_, i) => ((holm ? tested[i]?.adjustedP : tested[i]?.pValue) ?? 1) <= LEVEL);
    for (const name of found) claimed[name] = (claimed[name] ?? 0) + 1 / draws;
    if (found.length > 0) any += 1 / draws;
    if (driftsOf(family, places).length > 0) drifts += 1 / draws;
  }
  return { byMetric: claimed, any, drifts };
}

/** So many different ones, in random order. */
function drawn<T>(all: readonly T[], count: number, random: Random): T[] {
  const left = [...all];
  return Array.from({ length: count }, () => left.splice(Math.floor(uniform(random) * left.length), 1)).flat();
}
