import { findGoodput, type Trial } from '../../src/search/goodput/search.ts';
import { latenciesAt, type UnitRateRequest, type Latency } from './simulated.ts';

/** The lowest rate that did not pass is at most this share above the one that is found. */
const PRECISION = 0.01;

/** What holds of a run at a rate that is not too high. */
export type Test = (latencies: readonly Latency[]) => boolean;

/** Limits in seconds; infinite: none. */
export interface Limits {
  readonly ttftS: number;
  readonly tpotS: number;
}

/** The 90th percentiles of TTFT and of TPOT, each by itself: how DistServe's search judges. */
export function marginal({ ttftS, tpotS }: Limits): Test {
  return (latencies) =>
    p90(latencies.map((each) => each.ttftS)) <= ttftS && p90(latencies.map((each) => each.tpotS)) <= tpotS;
}

/** Share of requests that meet both limits: how its figures are drawn. */
export function attainment(latencies: readonly Latency[], { ttftS, tpotS }: Limits): number {
  return latencies.filter((each) => each.ttftS <= ttftS && each.tpotS <= tpotS).length / latencies.length;
}

/** The highest rate at which `requests` pass `test`, by the search of `reprise place`; 0 if they do not at `lowestRps`. */
export async function goodput(
  system: string,
  requests: readonly UnitRateRequest[],
  test: Test,
  { lowestRps = 1 / 8 }: { readonly lowestRps?: number } = {},
): Promise<number> {
  const probe = async (rateRps: number): Promise<Trial> => ({
    rateRps,
    met: test(await latenciesAt(system, rateRps, requests)),
  });
  const bounds = { startRps: lowestRps, lowestRps, highestRps: Number.POSITIVE_INFINITY };
  const { met } = await findGoodput(probe, { ...bounds, precision: PRECISION });
  return met?.rateRps ?? 0;
}

function p90(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.ceil(0.9 * values.length) - 1] ?? Number.NaN;
}
