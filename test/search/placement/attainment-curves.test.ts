import assert from 'node:assert/strict';
import { it } from 'node:test';
import type { Contender, Kind } from '../../../src/schema/placement.ts';
import type { GoodputQuery } from '../../../src/search/goodput/simulated.ts';
import { attainmentCurves, keepingProbes } from '../../../src/search/placement/attainment-curves.ts';
import { contenderQuery } from '../../../src/search/placement/contenders.ts';
import { Progress } from '../../../src/search/placement/progress.ts';
import type { Pool } from '../../../src/search/pool.ts';

const LIMITS = { ttft: 250, tpot: 100 };
const rules = {
  systems: { disaggregated: 'disaggregated', collocated: 'collocated' },
  limits: LIMITS,
  traceRequests: 1000,
  requestsPerGpu: 1000,
};

const goodput = (rps: number) => ({
  goodput_rps: rps,
  goodput_rps_per_gpu: rps,
  missed_rps: rps * 1.02,
  binding: 'ttft' as const,
  attainment: 0.9,
  mean_e2e_s: 1,
});
const contender = (kind: Kind, instances: number, poisson: number, trace: number | null): Contender => ({
  kind,
  groups: [{ role: 'both', instances, tp: 1, pp: 1 }],
  gpus: 1,
  copies: 1,
  poisson: goodput(poisson),
  trace: trace === null ? null : goodput(trace),
  trace_missed_rps: null,
  trace_repeats: 1,
});

/** A pool in which attainment falls with the rate; a simulation at a low rate alone goes to its end unasked. */
function fallingPool(): { readonly pool: Pool; readonly asked: GoodputQuery[] } {
  const asked: GoodputQuery[] = [];
  const pool: Pool = {
    async ask(queries) {
      asked.push(...queries);
      return queries.map(({ startRps, toTheEnd }) => {
        const attainment = Math.max(0, 1 - startRps / 100);
        const isWhole = toTheEnd === true || attainment >= 0.9;
        return {
          goodput: goodput(0),
          probes: [{ rate_rps: startRps, attainment: isWhole ? attainment : null }],
          simulations: 1,
        };
      });
    },
    close: async () => undefined,
  };
  return { pool, asked };
}

it('curves of the best of each kind: the probes of its search, and simulations to their ends around its goodput', async () => {
  const first = contender('collocated', 1, 10, 8);
  const contenders = [first, contender('collocated', 2, 9, null), contender('disaggregated', 1, 7, null)];
  const { pool: bare, asked } = fallingPool();
  const { pool, probesOf } = keepingProbes(bare);
  const searched = [5, 12].map((startRps) => ({ ...contenderQuery(first, rules, 'poisson', null), startRps }));
  const elsewhere = { ...contenderQuery(first, { ...rules, limits: { ttft: 250 } }, 'poisson', null), startRps: 6 };
  await pool.ask([...searched, elsewhere], () => undefined);
  asked.length = 0;

  const curves = await attainmentCurves(pool, contenders, { rules, probesOf }, new Progress(() => undefined));
  assert.deepEqual(
    curves.map(({ kind, arrivals }) => [kind, arrivals]),
    [
      ['disaggregated', 'poisson'],
      ['collocated', 'trace'],
      ['collocated', 'poisson'],
    ],
  );
  assert.deepEqual(
    curves[2]?.probes.map(({ rate_rps, attainment }) => [rate_rps, attainment === null]),
    [
      [5, false],
      [11, false],
      [12, true],
      [13, false],
    ],
    'the search had tried a low rate, and that of other limits is another search',
  );
  assert.deepEqual(
    curves[1]?.probes.map(({ rate_rps }) => rate_rps / 8),
    [0.7, 1.1, 1.3],
  );
  assert.equal(asked.length, 8);
  assert.ok(asked.every(({ toTheEnd, startRps, lowestRps }) => toTheEnd === true && startRps === lowestRps));
});
