import { ln } from '../../src/core/portable-math.ts';
import { randomStream, uniform } from '../../src/core/random.ts';
import { simulatedTimes } from '../../src/search/simulated-times.ts';

/** A request of a workload that comes at 1 request a second. */
export interface UnitRateRequest {
  readonly dueS: number;
  readonly inputTokens: number;
  readonly outputTokens: number;
}

export interface Latency {
  readonly ttftS: number;
  /** 0 where there is only one token. */
  readonly tpotS: number;
}

/** Times of a Poisson process of rate 1, seconds. */
export function poissonTimes(count: number, seed: number): number[] {
  const random = randomStream(seed, 'arrivals');
  let atS = 0;
  return Array.from({ length: count }, () => (atS += -ln(1 - uniform(random))));
}

/** What each of `requests`, come `rate` times as fast, gets of `system` in virtual time. Nobody may be refused. */
export async function latenciesAt(
  system: string,
  rate: number,
  requests: readonly UnitRateRequest[],
): Promise<Latency[]> {
  const atRate = requests.map(({ dueS, ...request }, i) => ({ ...request, id: String(i), dueUs: (dueS * 1e6) / rate }));
  const onRefused = (id: string, why: string): never => {
    throw new Error(`${system}, request ${id}: ${why}`);
  };
  const times = await simulatedTimes(system, atRate, { onRefused });
  return times.map(({ dueUs, firstUs, lastUs }, i) => {
    const gaps = (requests[i]?.outputTokens ?? 1) - 1;
    return { ttftS: (firstUs - dueUs) / 1e6, tpotS: gaps === 0 ? 0 : (lastUs - firstUs) / 1e6 / gaps };
  });
}
