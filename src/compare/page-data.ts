import { commonLimits } from '../core/slo.ts';
import { ecdfOf } from '../../reports/data/ecdf.ts';
import type {
  ComparedLatency,
  ComparisonData,
  LatencyPair,
  QuantileChange,
  RequestPair,
  RequestPairs,
} from '../../reports/data/comparison-data.ts';
import { nearestRank, Samples } from '../metrics/samples.ts';
import type { Comparison } from '../schema/comparison.ts';
import { changeOf, intervalOf, type Order } from './change.ts';
import type { LoadedRun } from './load-runs.ts';
import { timesOf } from './over-time.ts';

/** Points of the scatter, at most. */
const PAIRS = 2000;
/** The quantiles whose change is drawn: p1, every second one, p99. An interval takes some milliseconds. */
const PERMILLES = [10, ...Array.from({ length: 49 }, (_, i) => 20 * (i + 1)), 990];

/** What the charts of a comparison's page show, of the runs that it compared. The rest of the page's data is read from their folders. */
export function pageData(
  { order, paired_requests, slo }: Comparison,
  base: readonly LoadedRun[],
  now: readonly LoadedRun[],
): Pick<ComparisonData, 'latencies' | 'times' | 'pairs'> {
  const latency = (metric: ComparedLatency): LatencyPair => {
    const limitMs = commonLimits(slo?.limits_ms ?? {})[metric] ?? null;
    const limitUs = limitMs === null ? null : limitMs * 1000;
    const pooled = (runs: readonly LoadedRun[]): LatencyPair['base'] => {
      const { sorted, missing } = valuesOf(runs, metric);
      return ecdfOf(sorted, missing, limitUs);
    };
    return { base: pooled(base), new: pooled(now), changes: changesOf(base, now, metric, order) };
  };
  return {
    latencies: { ttft: latency('ttft'), tpot: latency('tpot'), e2e: latency('e2e') },
    times: timesOf(base, now, order),
    pairs: paired_requests === 0 ? pairsOf(undefined, undefined) : pairsOf(base[0], now[0]),
  };
}

/** A latency of the requests that have it, in microseconds, and how many failed. */
function valuesOf(
  runs: readonly LoadedRun[],
  metric: ComparedLatency,
): { readonly sorted: Float64Array; readonly missing: number } {
  const samples = new Samples();
  let missing = 0;
  for (const { requests } of runs)
    for (const request of requests.values()) {
      const us = request[`${metric}Us`];
      if (!Number.isNaN(us)) samples.push(us);
      // An answer of one token has no TPOT, and is no failure.
      else if (Number.isNaN(request.e2eUs)) missing++;
    }
  return { sorted: samples.sorted(), missing };
}

/** By the same test as the judged metrics, at each quantile alone. */
function changesOf(
  base: readonly LoadedRun[],
  now: readonly LoadedRun[],
  metric: ComparedLatency,
  order: Order,
): QuantileChange[] {
  const [ofBase, ofNow] = [base, now].map((runs) => runs.map((run) => valuesOf([run], metric)));
  return PERMILLES.flatMap((permille) => {
    const at = (runs: typeof ofBase): number[] =>
      (runs ?? []).map(({ sorted, missing }) => nearestRank(sorted, permille, missing) ?? 0);
    const [a, b] = [at(ofBase), at(ofNow)];
    if (![...a, ...b].every((us) => us > 0)) return [];
    const change = changeOf(a, b, order);
    return [{ permille, ln: change.ln, ln_ci95: order === 'exact' ? null : intervalOf(change, 0.95) }];
  });
}

function pairsOf(base: LoadedRun | undefined, now: LoadedRun | undefined): RequestPairs {
  const all: { readonly id: string; readonly pair: RequestPair }[] = [];
  const counts = { requests: 0, failed_base: 0, failed_new: 0, failed_both: 0, longer: 0, shorter: 0 };
  for (const [id, a] of base?.requests ?? []) {
    const b = now?.requests.get(id);
    if (b === undefined) continue;
    counts.requests++;
    const [hasA, hasB] = [!Number.isNaN(a.ttftUs), !Number.isNaN(b.ttftUs)];
    if (hasA && hasB) {
      if (b.ttftUs > a.ttftUs) counts.longer++;
      if (b.ttftUs < a.ttftUs) counts.shorter++;
    } else if (hasA) counts.failed_new++;
    else if (hasB) counts.failed_base++;
    else counts.failed_both++;
    if (!hasA && !hasB) continue;
    all.push({
      id,
      pair: { base_ms: hasA ? a.ttftUs / 1000 : null, new_ms: hasB ? b.ttftUs / 1000 : null, due_s: a.dueUs / 1e6 },
    });
  }
  const inOrder = all.toSorted((x, y) => (x.id < y.id ? -1 : 1));
  return { ...counts, points: evenly(inOrder, PAIRS).map(({ pair }) => pair) };
}

/** At most so many, with equal steps between them. */
function evenly<T>(all: readonly T[], most: number): T[] {
  if (all.length <= most) return [...all];
  return Array.from({ length: most }, (_, i) => all[Math.floor((i * all.length) / most)]).filter(
    (each) => each !== undefined,
  );
}
