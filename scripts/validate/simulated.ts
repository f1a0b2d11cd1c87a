import { ln } from '../../src/core/portable-math.ts';
import { randomStream, uniform } from '../../src/core/random.ts';
import { VirtualClock } from '../../src/core/virtual-clock.ts';
import { createEngine, parseEngineSpec } from '../../src/engine/index.ts';

/** A request of a workload that comes at 1 request a second. */
export interface Asked {
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
export async function latenciesAt(system: string, rate: number, requests: readonly Asked[]): Promise<Latency[]> {
  const clock = new VirtualClock();
  const engine = createEngine(parseEngineSpec(system), { clock });
  const latencies: Latency[] = [];
  for (const [i, { dueS, inputTokens, outputTokens }] of requests.entries()) {
    const dueUs = (dueS * 1e6) / rate;
    let firstUs = Number.NaN;
    const listener = {
      tokens(timeUs: number) {
        if (Number.isNaN(firstUs)) firstUs = timeUs;
      },
      end(timeUs: number) {
        const tpotS = outputTokens === 1 ? 0 : (timeUs - firstUs) / 1e6 / (outputTokens - 1);
        latencies[i] = { ttftS: (firstUs - dueUs) / 1e6, tpotS };
      },
      reject(_status: number, message: string) {
        throw new Error(`${system}, request ${i}: ${message}`);
      },
    };
    const request = {
      id: String(i),
      inputTokens,
      content: null,
      maxTokens: outputTokens,
      trueOutputTokens: outputTokens,
    };
    clock.at(dueUs, () => engine.submit(request, listener));
  }
  await clock.run(() => false);
  return latencies;
}
