import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { exp } from '../../../src/core/portable-math.ts';
import { findGoodput } from '../../../src/search/goodput/search.ts';
import { requestsAt, drawLoad } from '../../../src/search/goodput/load.ts';
import { simulatedGoodput } from '../../../src/search/goodput/simulated.ts';
import { parseEngineSpec } from '../../../src/engine/index.ts';
import { simulate } from '../../../src/search/simulation.ts';
import { Tally } from '../../../src/search/tally.ts';

describe('the highest rate that meets', () => {
  const upTo = (limitRps: number) => async (rateRps: number) => ({ rateRps, met: rateRps <= limitRps });

  it('is bracketed to the precision from any start', async () => {
    for (const limit of [0.013, 0.7, 7.3, 1234])
      for (const startRps of [0.01, 1, 500]) {
        const { met, missed } = await findGoodput(upTo(limit), {
          startRps,
          lowestRps: 1e-6,
          highestRps: 1e6,
          precision: 0.01,
        });
        assert.ok(
          met !== null && missed !== null && met.rateRps <= limit && limit < missed.rateRps,
          `${limit} from ${startRps}`,
        );
        assert.ok(missed.rateRps / met.rateRps <= 1.01, `${missed.rateRps / met.rateRps}`);
      }
  });

  it('is none where nothing down to the lowest meets, and one probe says so where there is no lower', async () => {
    const none = await findGoodput(upTo(0), { startRps: 8, lowestRps: 1, highestRps: 1e6, precision: 0.01 });
    assert.deepEqual(none, { met: null, missed: { rateRps: 1, met: false }, trials: 4 });
    const beaten = await findGoodput(upTo(7), { startRps: 8, lowestRps: 8, highestRps: 1e6, precision: 0.01 });
    assert.deepEqual(beaten, { met: null, missed: { rateRps: 8, met: false }, trials: 1 });
  });

  it('has no bound where every rate up to the highest meets', async () => {
    const { met, missed } = await findGoodput(upTo(Infinity), {
      startRps: 1,
      lowestRps: 1e-6,
      highestRps: 100,
      precision: 0.01,
    });
    assert.deepEqual([met?.rateRps, missed], [64, null]);
  });
});

describe('M/D/1: prompts of one length, one at a time, on an instance without batching', () => {
  const SYSTEM = 'vllm-v1,model=llama-3.1-8b,gpu=h100-sxm,max_seqs=1';
  const REQUESTS = 20_000;
  const AT = 0.9;
  const load = drawLoad({ inputTokens: [512], outputTokens: [1] }, REQUESTS, 1);

  /** Time of one prompt, as the engine has it: the largest TTFT that an unloaded request is not within. */
  async function serviceUs(): Promise<number> {
    const alone = [{ id: 'r0', traceRow: 1, dueUs: 0, inputTokens: 512, outputTokens: 1 }];
    const meets = async (us: number): Promise<boolean> => {
      const tally = new Tally({ ttft: us / 1000 }, 1);
      await simulate(parseEngineSpec(SYSTEM), alone, tally);
      return tally.missed === 0;
    };
    let [low, high] = [1, 1e6];
    while (high - low > 1) {
      const middle = Math.floor((low + high) / 2);
      if (await meets(middle)) high = middle;
      else low = middle;
    }
    return high;
  }

  /** Attainment at a rate by Lindley's recursion over the very arrivals. */
  function lindley(rateRps: number, serviceTimeUs: number, limitUs: number): number {
    let waitUs = 0;
    let beforeUs = 0;
    let met = 0;
    for (const [i, { dueUs }] of requestsAt(load, REQUESTS, rateRps, null).entries()) {
      if (i > 0) waitUs = Math.max(0, waitUs + serviceTimeUs - (dueUs - beforeUs));
      beforeUs = dueUs;
      if (waitUs + serviceTimeUs <= limitUs) met++;
    }
    return met / REQUESTS;
  }

  /** Erlang's distribution of the wait at load `rho`: P(W <= x service times). */
  function erlang(rho: number, x: number): number {
    let sum = 0;
    let factorial = 1;
    for (let k = 0; k <= x; k++) {
      if (k > 0) factorial *= k;
      const y = rho * (k - x);
      sum += (y ** k / factorial) * exp(-y);
    }
    return (1 - rho) * sum;
  }

  it('the goodput is where Lindley and Erlang say', async (t) => {
    const serviceTimeUs = await serviceUs();
    // A wait of up to 1.5 services: a bound between two steps of the recursion, which rounding does not move.
    const limitUs = Math.round(2.5 * serviceTimeUs);
    const query = {
      system: SYSTEM,
      gpus: 1,
      limits: { ttft: limitUs / 1000 },
      arrivals: 'poisson',
      outputTokens: null,
      startRps: 1,
      lowestRps: 1e-3,
    } as const;
    const config = { loads: { poisson: load, trace: null }, requestsPerGpu: REQUESTS, at: AT, precision: 0.005 };
    const { goodput, probes, simulations } = await simulatedGoodput(query, config);
    const { goodput_rps, missed_rps, attainment, binding } = goodput;
    assert.ok(missed_rps !== null);
    assert.ok(missed_rps / goodput_rps <= 1.005);
    assert.ok(lindley(goodput_rps * 0.999, serviceTimeUs, limitUs) >= AT, 'Lindley meets below it');
    assert.ok(lindley(missed_rps * 1.001, serviceTimeUs, limitUs) < AT, 'Lindley misses above it');
    assert.ok(attainment !== null && Math.abs(attainment - lindley(goodput_rps, serviceTimeUs, limitUs)) < 0.002);
    assert.equal(binding, 'ttft');

    // Where it misses, a simulation is ended as soon as that is decided, unless its attainment is asked for.
    assert.equal(probes.length, simulations);
    for (const probe of probes)
      if (probe.rate_rps > goodput_rps) assert.equal(probe.attainment, null);
      else assert.ok(probe.attainment !== null && probe.attainment >= AT);
    const beyondRps = 1.2 * goodput_rps;
    const beyond = await simulatedGoodput(
      { ...query, startRps: beyondRps, lowestRps: beyondRps, toTheEnd: true },
      config,
    );
    assert.equal(beyond.simulations, 1);
    const share = beyond.probes[0]?.attainment ?? 0;
    assert.ok(share < AT && Math.abs(share - lindley(beyondRps, serviceTimeUs, limitUs)) < 0.002, `${share}`);
    const met = { ...query, startRps: goodput_rps / 2, lowestRps: goodput_rps / 2, toTheEnd: true };
    assert.equal((await simulatedGoodput(met, config)).simulations, 1, 'no rate is tried but the one asked for');

    let [low, high] = [0, 1];
    for (let i = 0; i < 40; i++) {
      const middle = (low + high) / 2;
      if (erlang(middle, 1.5) >= AT) low = middle;
      else high = middle;
    }
    const exactRps = (low * 1e6) / serviceTimeUs;
    t.diagnostic(`service ${serviceTimeUs} us: ${goodput_rps} to ${missed_rps} requests/s, Erlang ${exactRps}`);
    assert.ok(Math.abs(goodput_rps / exactRps - 1) < 0.05, `${goodput_rps} against ${exactRps}`);
  });
});
