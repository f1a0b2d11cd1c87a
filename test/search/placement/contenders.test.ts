import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Arrivals, Goodput, Group, Kind, Placement } from '../../../src/schema/placement.ts';
import type { GoodputQuery } from '../../../src/search/goodput/simulated.ts';
import { gpusOf, unitOptions } from '../../../src/search/placement/candidates.ts';
import { bestOf, contend, type Rankings } from '../../../src/search/placement/contenders.ts';
import { Progress } from '../../../src/search/placement/progress.ts';
import type { Pool } from '../../../src/search/pool.ts';

const CLUSTER_GPUS = 8;

/** A unit, and what it carries with each of the arrivals. */
interface Unit {
  readonly kind: Kind;
  readonly groups: readonly Group[];
  readonly rps: Readonly<Record<Arrivals, number>>;
}

const collocated = (instances: number, tp: number, poisson: number, trace: number): Unit => ({
  kind: 'collocated',
  groups: [{ role: 'both', instances, tp, pp: 1 }],
  rps: { poisson, trace },
});
const disaggregated = (prefill: number, decode: number, poisson: number, trace: number): Unit => ({
  kind: 'disaggregated',
  groups: [
    { role: 'prefill', instances: prefill, tp: 1, pp: 1 },
    { role: 'decode', instances: decode, tp: 1, pp: 1 },
  ],
  rps: { poisson, trace },
});

function goodputAt(rps: number, missedRps: number, gpus: number): Goodput {
  return {
    goodput_rps: rps,
    goodput_rps_per_gpu: rps / gpus,
    missed_rps: missedRps,
    binding: 'ttft',
    attainment: rps === 0 ? null : 0.9,
    mean_e2e_s: rps === 0 ? null : 1,
  };
}

/** A pool that finds what the units are said to carry, as a search would. */
function knowing(units: readonly Unit[]): { readonly pool: Pool; readonly asked: GoodputQuery[] } {
  const asked: GoodputQuery[] = [];
  const pool: Pool = {
    async ask(queries, onResult) {
      asked.push(...queries);
      const results = queries.map(({ system, gpus, arrivals, startRps, lowestRps }) => {
        const unit = units.find(({ groups, kind }) => system === `${kind},${unitOptions(groups)}`);
        const rps = unit?.rps[arrivals] ?? 0;
        const found = rps < lowestRps ? goodputAt(0, startRps, gpus) : goodputAt(rps, rps * 1.01, gpus);
        return { goodput: found, probes: [], simulations: 1 };
      });
      results.forEach((result, i) => onResult(i, result));
      return results;
    },
    close: async () => undefined,
  };
  return { pool, asked };
}

function rankingsOf(
  units: readonly Unit[],
  beatenAtRpsPerGpu: ReadonlyMap<Unit, number> = new Map(),
  by: Arrivals = 'poisson',
): Rankings {
  const placed = (unit: Unit): Placement => {
    const gpus = gpusOf(unit.groups);
    const beatenAt = beatenAtRpsPerGpu.get(unit);
    return {
      groups: unit.groups,
      gpus,
      copies: Math.floor(CLUSTER_GPUS / gpus),
      by_phases_rps: null,
      state: beatenAt === undefined ? 'measured' : 'beaten',
      why: beatenAt === undefined ? null : 'beaten',
      whole: beatenAt === undefined ? goodputAt(unit.rps[by], unit.rps[by] * 1.01, gpus) : null,
      missed_rps: beatenAt === undefined ? null : beatenAt * gpus,
    };
  };
  const of = (kind: Kind): Placement[] =>
    units
      .filter((unit) => unit.kind === kind)
      .map(placed)
      .sort((a, b) => (b.whole?.goodput_rps_per_gpu ?? 0) - (a.whole?.goodput_rps_per_gpu ?? 0));
  return { disaggregated: of('disaggregated'), collocated: of('collocated') };
}

async function judged(
  units: readonly Unit[],
  traceRequests: number | null = 10_000,
  beaten?: ReadonlyMap<Unit, number>,
) {
  const { pool, asked } = knowing(units);
  const rules = {
    systems: { disaggregated: 'disaggregated', collocated: 'collocated' },
    limits: { ttft: 250, tpot: 100 },
    traceRequests,
    requestsPerGpu: 1000,
  };
  const contenders = await contend(pool, rankingsOf(units, beaten), rules, new Progress(() => undefined));
  return { contenders, best: bestOf(contenders), asked };
}

describe('the best of all', () => {
  it('is collocated where collocation carries more per GPU', async () => {
    const { best } = await judged([disaggregated(3, 4, 21, 18), collocated(4, 2, 27, 24)]);
    assert.deepEqual([best?.arrivals, best?.per_gpu.kind, best?.per_gpu.goodput_rps], ['trace', 'collocated', 24]);
    assert.deepEqual([best?.per_gpu.goodput_rps_per_gpu, best?.per_gpu.in_all_rps], [3, 24]);
  });

  it("follows the trace's own timing where that changes the order, within a kind too", async () => {
    const { contenders, best } = await judged([
      disaggregated(4, 4, 24, 20),
      disaggregated(3, 4, 20, 19),
      collocated(4, 2, 27, 16),
      collocated(2, 4, 26, 17),
    ]);
    assert.deepEqual([best?.per_gpu.kind, best?.per_gpu.gpus], ['disaggregated', 7]);
    assert.deepEqual(
      contenders.map(({ kind, gpus }) => [kind, gpus]),
      [
        ['disaggregated', 7],
        ['disaggregated', 8],
        ['collocated', 8],
        ['collocated', 8],
      ],
    );
    assert.equal(contenders[2]?.groups[0]?.instances, 2);
  });

  it('by Poisson arrivals where the trace has no timing, or where nothing carries any rate with it', async () => {
    const units = [disaggregated(4, 4, 24, 0), collocated(4, 2, 27, 0)];
    for (const requests of [null, 10_000]) {
      const { best } = await judged(units, requests);
      assert.deepEqual([best?.arrivals, best?.per_gpu.kind], ['poisson', 'collocated']);
    }
  });

  it('is none where nothing carries any rate', async () => {
    const { contenders, best, asked } = await judged([collocated(4, 2, 0, 0)]);
    assert.deepEqual([contenders, best, asked], [[], null, []]);
  });
});

it('in all: a unit that was beaten per GPU is tried where the best leaves GPUs idle', async () => {
  const beaten = collocated(8, 1, 16, 15);
  const hopeless = collocated(4, 1, 9, 8);
  // The best takes 5 of 8 GPUs: 12.5 in all. The units that it beat missed at 2.5 a GPU: 20 and 20 at most.
  const units = [collocated(5, 1, 12.5, 12), beaten, hopeless];
  const { best, asked } = await judged(
    units,
    10_000,
    new Map([
      [beaten, 2.5],
      [hopeless, 1.2],
    ]),
  );
  assert.deepEqual([best?.per_gpu.gpus, best?.in_all.gpus, best?.in_all.in_all_rps], [5, 8, 15]);
  const poisson = asked.filter(({ arrivals }) => arrivals === 'poisson');
  assert.deepEqual(
    poisson.map(({ gpus, startRps, lowestRps }) => [gpus, startRps, lowestRps]),
    [[8, 12.5, 12.5]],
    'one that cannot reach the total is not tried',
  );
});

it('the best of each kind are searched; the others are tried at the rate of the best of their kind', async () => {
  const { contenders, asked } = await judged([
    collocated(4, 2, 27, 24),
    collocated(3, 2, 20, 17),
    collocated(2, 4, 26, 24.8),
    disaggregated(4, 4, 22, 21),
  ]);
  const trace = asked.filter(({ arrivals }) => arrivals === 'trace');
  assert.deepEqual(
    trace.map(({ gpus, startRps, lowestRps }) => [gpus, startRps, startRps === lowestRps]),
    [
      [8, 22, false],
      [8, 27, false],
      [6, 18, true],
      [8, 24, true],
    ],
  );
  const [first] = contenders;
  assert.deepEqual([first?.groups[0]?.tp, first?.trace?.goodput_rps], [4, 24.8]);
  const beaten = contenders.find(({ gpus }) => gpus === 6);
  assert.deepEqual([beaten?.trace, beaten?.trace_missed_rps], [null, 18]);
});

it("ranked by the trace's own timing alone, nothing is asked with Poisson arrivals", async () => {
  const units = [collocated(5, 1, 12.5, 12), collocated(8, 1, 16, 15), disaggregated(3, 4, 20, 9)];
  const beaten = new Map(units.slice(1, 2).map((unit) => [unit, 2.5]));
  const { pool, asked } = knowing(units);
  const rules = {
    systems: { disaggregated: 'disaggregated', collocated: 'collocated' },
    limits: { ttft: 250, tpot: 100 },
    traceRequests: 4000,
    requestsPerGpu: 1000,
    rankedBy: 'trace' as const,
  };
  const contenders = await contend(pool, rankingsOf(units, beaten, 'trace'), rules, new Progress(() => undefined));
  // That of 8 GPUs was beaten per GPU, and is tried at what two of 5 GPUs would not reach: 12 on all.
  assert.deepEqual(
    asked.map(({ arrivals, gpus, startRps }) => [arrivals, gpus, startRps]),
    [['trace', 8, 12]],
  );
  assert.deepEqual(
    contenders.map(({ gpus, poisson, trace, trace_missed_rps, trace_repeats }) => [
      gpus,
      poisson,
      trace?.goodput_rps,
      trace_missed_rps,
      trace_repeats,
    ]),
    [
      [5, null, 12, null, 2],
      [8, null, 15, null, 2],
      [7, null, 9, null, 2],
    ],
  );
  const best = bestOf(contenders);
  assert.deepEqual([best?.arrivals, best?.per_gpu.gpus, best?.in_all.gpus], ['trace', 5, 8]);
});

it('a short trace is replayed end to end until a simulation is as long as with Poisson arrivals', async () => {
  const { contenders } = await judged([collocated(4, 2, 27, 24), collocated(3, 1, 9, 8)], 1000);
  assert.deepEqual(
    contenders.map(({ gpus, trace_repeats }) => [gpus, trace_repeats]),
    [
      [8, 8],
      [3, 3],
    ],
  );
});
