import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { ln } from '../../../src/core/portable-math.ts';
import { randomStream, uniform } from '../../../src/core/random.ts';
import { VirtualClock } from '../../../src/core/virtual-clock.ts';
import { CountingBlockPool } from '../../../src/engine/kv/counting-block-pool.ts';
import { vllmV1 } from '../../../src/engine/policies/vllm-v1.ts';
import { testEngine } from '../small-engine.ts';

/** Time of one prompt on one GPU, in microseconds: D of DistServe (OSDI 2024), section 3. */
const D = 1000;

interface Server {
  /** Stages of the pipeline, each of which takes `stageUs`. */
  readonly stages: number;
  readonly stageUs: number;
}

interface Queue {
  readonly meanUs: number;
  /** The largest difference of a TTFT from the recursion of Lindley (1952). */
  readonly offUs: number;
}

/** Prompts of one length and answers of one token, one at a time, arriving at random `rate` a microsecond. */
async function simulate({ stages, stageUs }: Server, rate: number, requests: number): Promise<Queue> {
  const clock = new VirtualClock();
  const random = randomStream(1, 'arrivals');
  const engine = testEngine(
    { clock },
    {
      policy: () => vllmV1({ tokenBudget: 1, maxSeqs: 1, reservePrompts: stages > 1 }),
      memory: () => new CountingBlockPool(2 * stages, 1),
      cost: { timeUs: () => stageUs },
      stages,
      maxModelLen: 2,
    },
  );
  let sumUs = 0;
  let offUs = 0;
  let waitUs = 0;
  let arrivalUs = 0;
  let arrived = 0;
  const arrive = (): void => {
    const beganUs = clock.now();
    // All stages take the same time, so that a prompt waits before the first one only.
    const firstUs = waitUs + stages * stageUs;
    engine.submit(
      { id: '', inputTokens: 1, content: null, maxTokens: 1, trueOutputTokens: 1 },
      {
        tokens(timeUs) {
          sumUs += timeUs - beganUs;
          offUs = Math.max(offUs, Math.abs(timeUs - beganUs - firstUs));
        },
        end: () => undefined,
        reject: (_status, message) => assert.fail(message),
      },
    );
    if (++arrived === requests) return;
    const gapUs = -ln(1 - uniform(random)) / rate;
    waitUs = Math.max(0, waitUs + stageUs - gapUs);
    arrivalUs += gapUs;
    clock.at(arrivalUs, arrive);
  };
  clock.at(0, arrive);
  await clock.run(() => false);
  return { meanUs: sumUs / requests, offUs };
}

/** Equations 1 to 3 of DistServe: mean TTFT on one GPU, on two in a row, and on two that share each prompt. */
const one = (R: number): number => D + (R * D * D) / (2 * (1 - R * D));
const inter = (R: number): number => D + (R * D * D) / (4 * (2 - R * D));
const intra = (R: number, K: number): number => D / K + (R * D * D) / (2 * K * (K - R * D));

const PIPELINE: Server = { stages: 2, stageUs: D / 2 };
const tensor = (K: number): Server => ({ stages: 1, stageUs: D / K });

describe('M/D/1: one prompt at a time', () => {
  const cases: readonly [name: string, server: Server, capacity: number, mean: (R: number) => number][] = [
    ['on one GPU (equation 1)', { stages: 1, stageUs: D }, 1, one],
    ['on two in a row (equation 2)', PIPELINE, 2, inter],
    ['on two that share it, 1.5 times as fast (equation 3)', tensor(1.5), 1.5, (R) => intra(R, 1.5)],
  ];
  for (const [name, server, capacity, mean] of cases)
    test(`${name}: every TTFT is Lindley's, and their mean the published one`, async () => {
      for (const [load, requests] of [
        [0.3, 200_000],
        [0.8, 1_000_000],
      ] as const) {
        const rate = (load * capacity) / D;
        const { meanUs, offUs } = await simulate(server, rate, requests);
        assert.ok(offUs < 1, `off by ${offUs} us at load ${load}`);
        const tolerance = Math.max(0.02, 4 / (Math.sqrt(requests) * (1 - load)));
        assert.ok(Math.abs(meanUs / mean(rate) - 1) < tolerance, `${meanUs}, expected ${mean(rate)} at load ${load}`);
      }
    });

  test('at load 0.9 too', async () => {
    const { meanUs, offUs } = await simulate({ stages: 1, stageUs: D }, 0.9 / D, 4_000_000);
    assert.ok(offUs < 1, `off by ${offUs} us`);
    assert.ok(Math.abs(meanUs / one(0.9 / D) - 1) < 0.02, `${meanUs}`);
  });
});

test('sharing each prompt is faster below the crossover of equations 2 and 3, a row of GPUs above it', async () => {
  for (const [K, crossover] of [
    // oxlint-disable-next-line approx-constant -- by chance near the logarithm of e
    [1.2, 0.434],
    [1.5, 0.936],
    [1.8, 1.429],
  ] as const) {
    assert.ok(Math.abs(inter(crossover / D) / intra(crossover / D, K) - 1) < 0.002);
    const gain = async (RD: number): Promise<number> => {
      const [row, shared] = [await simulate(PIPELINE, RD / D, 150_000), await simulate(tensor(K), RD / D, 150_000)];
      return row.meanUs / shared.meanUs;
    };
    assert.ok((await gain(crossover * 0.85)) > 1, `K ${K}, below`);
    assert.ok((await gain(crossover * 1.15)) < 1, `K ${K}, above`);
  }
});
