import { partsOf, type RequestLatency, SLO_METRICS, type SloMetric } from '../src/core/slo.ts';
import { threeFigures } from '../src/core/units.ts';
import type { GoodputProbe, GoodputReport } from '../src/schema/goodput.ts';
import { METRIC_NAMES } from './definitions.ts';

/** What was seen at about one rate: a run, a probe, or segments of traffic whose rates are near each other. */
export interface RateGroup {
  readonly kind: GoodputProbe['kind'];
  /** One at least, in order of rate. */
  readonly probes: readonly GoodputProbe[];
  /** Geometric mean of their rates, by which they are drawn. */
  readonly rateRps: number;
}

/** Width of a group in ln rate; twice as wide until they are so few. */
const WIDTH = 0.05;
const MOST_GROUPS = 8;

/**
 * The runs and probes one by one, and behind them the segments that went to their ends, pooled by rate: no group holds
 * rates on both sides of the goodput.
 */
export function rateGroups({ probes, goodput_rps }: GoodputReport): RateGroup[] {
  const inOrder = probes.toSorted((a, b) => a.rate_rps - b.rate_rps);
  const isPooled = ({ kind, attainment }: GoodputProbe): boolean => kind === 'segment' && attainment !== null;
  const segments = inOrder.filter(isPooled);
  return [
    ...inOrder.filter((each) => !isPooled(each)).map((each) => groupOf([each])),
    ...binned(segments, goodput_rps ?? 0).map(groupOf),
  ];
}

/** Successive rates that are within a width of the first, and on its side of the edge. `probes`: in order of rate. */
function binned(probes: readonly GoodputProbe[], edgeRps: number): GoodputProbe[][] {
  for (let width = WIDTH; ; width *= 2) {
    const bins: GoodputProbe[][] = [];
    let [firstRps, isAbove] = [0, false];
    for (const probe of probes) {
      const { rate_rps } = probe;
      if (rate_rps <= firstRps * Math.exp(width) && rate_rps > edgeRps === isAbove) bins.at(-1)?.push(probe);
      else {
        bins.push([probe]);
        [firstRps, isAbove] = [rate_rps, rate_rps > edgeRps];
      }
    }
    // Two sides of the edge remain, however wide.
    if (bins.length <= MOST_GROUPS) return bins;
  }
}

function groupOf(probes: readonly GoodputProbe[]): RateGroup {
  const lnMean = probes.reduce((sum, { rate_rps }) => sum + Math.log(rate_rps), 0) / probes.length;
  return { kind: probes[0]?.kind ?? 'run', probes, rateRps: Math.exp(lnMean) };
}

/** Probes are drawn beside segments where their rate is within this factor of theirs. */
const NEAR = 1.7;

/** Those whose rate is near the segments': the others would press these together. All, where there are no segments. */
export function nearProbes({ probes }: GoodputReport): readonly GoodputProbe[] {
  const rates = probes.filter(({ kind }) => kind === 'segment').map(({ rate_rps }) => rate_rps);
  const [low, high] = [Math.min(...rates) / NEAR, Math.max(...rates) * NEAR];
  return rates.length === 0 ? probes : probes.filter(({ rate_rps }) => rate_rps >= low && rate_rps <= high);
}

/** Whether its figures are of whole runs; else of one that was cut. */
export function isWhole({ probes }: RateGroup): boolean {
  return probes.every(({ attainment }) => attainment !== null);
}

/** `25.8-27.0`, `5.79`. */
export function ratesText({ probes }: RateGroup): string {
  const [low = 0, high = low] = [probes[0]?.rate_rps, probes.at(-1)?.rate_rps];
  const [from, to] = [threeFigures(low), threeFigures(high)];
  return from === to ? from : `${from}-${to}`;
}

/** Requests that are judged, and how they came out, together. */
export function pooled({ probes }: RateGroup): Pick<GoodputProbe, 'attainment' | 'met' | 'missed' | 'requests'> {
  const [only] = probes;
  if (only !== undefined && probes.length === 1) return only;
  const sum = (of: 'met' | 'missed' | 'requests'): number => probes.reduce((all, each) => all + each[of], 0);
  const [met, missed] = [sum('met'), sum('missed')];
  return { met, missed, requests: sum('requests'), attainment: met / (met + missed) };
}

/**
 * Share of the requests that were seen which miss a limit alone; null: not limited, nothing seen, or not known, because in
 * a run that was cut requests in flight that had missed another limit count as missing this one.
 */
export function missShare({ probes }: RateGroup, metric: SloMetric): number | null {
  let [missed, seen] = [0, 0];
  for (const { kind, alone, attainment, binding, met, missed: others } of probes) {
    const share = alone[metric] ?? null;
    if (share === null || (kind === 'run' && attainment === null && others > 0 && metric !== binding)) continue;
    missed += (1 - share) * (met + others);
    seen += met + others;
  }
  return seen === 0 ? null : missed / seen;
}

/** What most misses of a group are of: a limit, or failures, which miss every limit. Null: fewer than `least` miss. */
export function missedMost({ probes }: RateGroup, least = 1): SloMetric | 'failures' | null {
  const missing = probes.filter(({ missed }) => missed > 0);
  const missesOf = (of: GoodputProbe['binding']): number =>
    missing.reduce((sum, { binding, missed }) => sum + (binding === of ? missed : 0), 0);
  const [most] = [...SLO_METRICS, null].toSorted((a, b) => missesOf(b) - missesOf(a));
  return missing.reduce((sum, { missed }) => sum + missed, 0) < least ? null : (most ?? 'failures');
}

/** `TTFT`, `failures`; `-` where nothing is missed. */
export function missedMostText(group: RateGroup): string {
  const most = missedMost(group);
  return most === null ? '-' : most === 'failures' ? most : METRIC_NAMES[most];
}

/** Whether a row stands for several segments: what it says of shares is of all their requests, of quantiles a median. */
export function hasPooled(groups: readonly RateGroup[]): boolean {
  return groups.some(({ probes }) => probes.length > 1);
}

/** `TTFT p90 (median)` where segments are pooled, whose own quantiles no quantile of all their requests follows from. */
export function quantileName(groups: readonly RateGroup[], metric: RequestLatency, quantile: string): string {
  return `${METRIC_NAMES[metric]} ${quantile}${hasPooled(groups) ? ' (median)' : ''}`;
}

/** A quantile of a latency, in milliseconds: the (lower) median over the parts of a group. Null: cut, or it fails. */
export function quantileMs(group: RateGroup, metric: RequestLatency, quantile: 'p50' | 'p90' | 'p99'): number | null {
  const values = group.probes
    // A percentile that fails is above all others.
    .map(({ latency_ms }) => (latency_ms === null ? null : (latency_ms[metric][quantile] ?? Infinity)))
    .filter((value) => value !== null)
    .toSorted((a, b) => a - b);
  const middle = values[Math.floor((values.length - 1) / 2)] ?? Infinity;
  return Number.isFinite(middle) ? middle : null;
}

/** The metrics that the SLO limits. */
export function limited({ slo }: GoodputReport): SloMetric[] {
  const parts = partsOf(slo.limits_ms);
  return SLO_METRICS.filter((metric) => parts.some(([, limits]) => limits[metric] !== undefined));
}
