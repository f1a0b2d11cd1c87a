import { latenciesAt, type Asked, type Latency } from './simulated.ts';

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

/**
 * The highest rate, within `precision` of itself, at which `requests` pass `test`: doubling from `lowest`, then
 * bisection. 0 if they do not pass at `lowest`.
 */
export async function goodput(
  system: string,
  requests: readonly Asked[],
  test: Test,
  { lowest = 1 / 8, precision = 0.01 }: { readonly lowest?: number; readonly precision?: number } = {},
): Promise<number> {
  const passes = async (rate: number): Promise<boolean> => test(await latenciesAt(system, rate, requests));
  if (!(await passes(lowest))) return 0;
  let good = lowest;
  let bad = 2 * lowest;
  while (await passes(bad)) {
    good = bad;
    bad *= 2;
  }
  while (bad - good > precision * good) {
    const middle = (good + bad) / 2;
    if (await passes(middle)) good = middle;
    else bad = middle;
  }
  return good;
}

function p90(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.ceil(0.9 * values.length) - 1] ?? Number.NaN;
}
