import type { SimulatedTimes } from '../simulated-times.ts';
import type { Limits } from './limits.ts';

/** Figures of a simulation, by the names of the JSON file. Rates are requests/s. */
export type FigureName =
  | 'ttft_mean_s'
  | 'ttft_p90_s'
  | 'ttft_p95_s'
  | 'tpot_p90_s'
  | 'tbt_mean_ms'
  | 'tbt_p99_ms'
  | 'normalised_mean_s'
  | 'queue_p50_s'
  | 'attainment'
  | 'attainment_ttft'
  | 'attainment_tpot'
  | 'goodput_rps_per_gpu'
  | 'ttft_over_alone'
  | 'theory_over_alone';

export type Figures = Readonly<Partial<Record<FigureName, number>>>;

/** Latencies of the requests of a simulation, seconds, and all times between two tokens of one, milliseconds. */
export interface Latencies {
  readonly ttftS: Float64Array;
  /** 0 where there is only one token. */
  readonly tpotS: Float64Array;
  readonly normalisedS: Float64Array;
  readonly queueS: Float64Array;
  readonly gapsMs: Float64Array;
}

/** `outputTokens` of each request, in the order of the times. */
export function latenciesOf(
  times: readonly SimulatedTimes[],
  outputTokens: readonly number[],
  gapsUs: readonly number[],
): Latencies {
  const each = (value: (times: SimulatedTimes, outputTokens: number) => number): Float64Array =>
    Float64Array.from(times, (one, i) => value(one, outputTokens[i] ?? 1));
  return {
    ttftS: each(({ dueUs, firstUs }) => (firstUs - dueUs) / 1e6),
    tpotS: each(({ firstUs, lastUs }, tokens) => (tokens === 1 ? 0 : (lastUs - firstUs) / 1e6 / (tokens - 1))),
    normalisedS: each(({ dueUs, lastUs }, tokens) => (lastUs - dueUs) / 1e6 / tokens),
    queueS: each(({ queueUs }) => queueUs / 1e6),
    gapsMs: Float64Array.from(gapsUs, (us) => us / 1000),
  };
}

/** Percentiles are by nearest rank, as in `src/metrics`. */
export function figuresOf(latencies: Latencies, limits: Limits | null): Figures {
  const { ttftS, tpotS, normalisedS, queueS, gapsMs } = latencies;
  return {
    ttft_mean_s: mean(ttftS),
    ttft_p90_s: quantile(ttftS, 0.9),
    ttft_p95_s: quantile(ttftS, 0.95),
    tpot_p90_s: quantile(tpotS, 0.9),
    tbt_mean_ms: mean(gapsMs),
    tbt_p99_ms: quantile(gapsMs, 0.99),
    normalised_mean_s: mean(normalisedS),
    queue_p50_s: quantile(queueS, 0.5),
    ...(limits === null ? {} : attainmentOf(latencies, limits)),
  };
}

/** Shares of the requests within both limits, and within each. */
export function attainmentOf({ ttftS, tpotS }: Latencies, limits: Limits) {
  const share = (isMet: (i: number) => boolean): number => {
    let met = 0;
    for (let i = 0; i < ttftS.length; i++) if (isMet(i)) met++;
    return met / ttftS.length;
  };
  const isFirst = (i: number): boolean => (ttftS[i] ?? Number.NaN) <= limits.ttftS;
  const isSteady = (i: number): boolean => (tpotS[i] ?? Number.NaN) <= limits.tpotS;
  return {
    attainment: share((i) => isFirst(i) && isSteady(i)),
    attainment_ttft: share(isFirst),
    attainment_tpot: share(isSteady),
  };
}

export function mean(values: Float64Array): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

/** The smallest value with at least this share of the values up to it. */
export function quantile(values: Float64Array, share: number): number {
  return values.toSorted()[Math.max(0, Math.ceil(share * values.length) - 1)] ?? Number.NaN;
}
