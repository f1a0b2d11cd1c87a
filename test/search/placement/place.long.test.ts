import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Group, Placement, PlacementReport } from '../../../src/schema/placement.ts';
import { parseSlo } from '../../../src/core/slo.ts';
import { findPlacement, type PlaceSpec } from '../../../src/search/placement/place.ts';
import { resolveWorkload } from '../../../workloads/index.ts';
import { shared } from '../../shared.ts';

const CHAT_SLO = 'ttft=250ms,tpot=100ms';

interface Asked {
  readonly gpus: number;
  readonly model?: string;
  readonly gpu?: string;
  readonly slo?: string;
  readonly path?: string;
  readonly system?: string;
  readonly requestsPerGpu?: number;
  readonly all?: boolean;
  readonly workers?: number;
}

async function place(asked: Asked): Promise<{ report: PlacementReport; warnings: string[] }> {
  const { gpus, model = 'opt-13b', gpu = 'a100-sxm-80g', slo = CHAT_SLO, requestsPerGpu = 60 } = asked;
  const warnings: string[] = [];
  const spec: PlaceSpec = {
    workload: { path: asked.path ?? resolveWorkload('chat'), onBadRow: 'fail', transforms: [] },
    systems: { model, gpu, disaggregated: asked.system ?? 'simdistserve', collocated: 'vllm-v1' },
    cluster: { gpus, gpusPerNode: 8, affinity: 'low' },
    slo: { text: slo, limits: parseSlo(slo) },
    at: 0.9,
    precision: 0.02,
    requestsPerGpu,
    maxUnits: 1000,
    all: asked.all ?? false,
    seed: 1,
  };
  const report = await findPlacement(spec, {
    log: { info: () => undefined, warn: (text) => warnings.push(text) },
    progress: () => undefined,
    workers: asked.workers ?? 2,
    stop: new AbortController().signal,
  });
  return { report, warnings };
}

const isUnit =
  (...groups: readonly Group[]) =>
  (placement: Placement): boolean =>
    JSON.stringify(placement.groups) === JSON.stringify(groups);

it('the result is the same, byte for byte, however many workers there are', async () => {
  const reports = await Promise.all([1, 3].map((workers) => place({ gpus: 3, workers })));
  const [first, ...others] = reports.map(({ report }) => JSON.stringify(report));
  for (const other of others) assert.equal(other, first);
});

it('what is beaten would not have won: searching every unit finds the same best', async () => {
  const [{ report: quick }, { report: whole }] = await Promise.all([place({ gpus: 4 }), place({ gpus: 4, all: true })]);
  const [best, bestOfAll] = [quick.placements[0], whole.placements[0]];
  assert.ok(quick.placements.some(({ state }) => state === 'beaten'));
  assert.ok(whole.placements.every(({ state }) => state !== 'beaten'));
  assert.equal(quick.placements.length, whole.placements.length);
  assert.ok(best?.whole && bestOfAll?.whole);
  // Searches that begin elsewhere end within the precision of one another.
  assert.ok(best.whole.goodput_rps_per_gpu >= bestOfAll.whole.goodput_rps_per_gpu / 1.02);
  for (const placement of whole.placements) {
    const missedRps = quick.placements.find(isUnit(...placement.groups))?.missed_rps;
    if (typeof missedRps !== 'number' || placement.whole === null) continue;
    assert.ok(placement.whole.goodput_rps < missedRps, JSON.stringify(placement));
  }
});

it('goodput is between a rate that met and one that missed, and the ranking is by goodput a GPU', async () => {
  const { report } = await place({ gpus: 4 });
  for (const ranking of [report.placements, report.collocated]) {
    const measured = ranking.flatMap(({ whole }) => (whole === null ? [] : [whole]));
    assert.ok(measured.length > 2);
    for (const { goodput_rps, missed_rps, attainment } of measured) {
      if (goodput_rps === 0) continue;
      assert.ok(missed_rps !== null && missed_rps > goodput_rps && missed_rps <= goodput_rps * 1.02 + 1e-9);
      assert.ok(attainment !== null && attainment >= 0.9 && attainment <= 1);
    }
    const order = measured.map(({ goodput_rps_per_gpu }) => goodput_rps_per_gpu);
    assert.deepEqual(
      order,
      order.toSorted((a, b) => b - a),
    );
  }
});

const paperTrace = shared('oracles/simdistserve/opt13b-chat-rate1.trace.csv');

it(
  "OPT-13B, chat, 8 A100s: at least as good as the paper's placement, P TP 2 and D TP 1 on 3 GPUs",
  { skip: paperTrace.skip },
  async (t) => {
    const { report, warnings } = await place({ gpus: 8, path: paperTrace.path, requestsPerGpu: 100 });
    assert.match(warnings.join('\n'), /15 of 1000 requests are longer than the 2048 tokens of opt-13b/);
    const best = report.placements[0];
    assert.ok(best?.whole);
    const papers = report.placements.find(
      isUnit({ role: 'prefill', instances: 1, tp: 2, pp: 1 }, { role: 'decode', instances: 1, tp: 1, pp: 1 }),
    );
    assert.ok(papers !== undefined);
    const mostOfPapers = (papers.whole?.goodput_rps ?? papers.missed_rps ?? Infinity) / papers.gpus;
    t.diagnostic(
      `${JSON.stringify(best.groups)} ${best.whole.goodput_rps_per_gpu}, the paper's at most ${mostOfPapers}`,
    );
    assert.ok(best.whole.goodput_rps_per_gpu >= mostOfPapers / 1.02);
    assert.ok(report.placements.length > 100 && report.placements.every(({ state }) => state !== 'skipped'));
  },
);

describe('what fits', () => {
  it('a shape without the memory, or without times, is left out with the reason', async () => {
    const { report } = await place({
      gpus: 5,
      model: 'opt-66b',
      slo: 'ttft=2500ms,tpot=150ms',
      requestsPerGpu: 20,
    });
    const why = (tp: number, pp: number): string =>
      report.left_out.find((shape) => shape.tp === tp && shape.pp === pp)?.why ?? '';
    assert.match(why(1, 1), /opt-66b does not fit/);
    assert.deepEqual(
      report.phases.prefill.map(({ tp, pp }) => [tp, pp]),
      [
        [2, 1],
        [3, 1],
      ],
    );
    for (const { groups } of report.placements) assert.ok(groups.every(({ tp, pp }) => tp * pp >= 2));
  });

  it('on one GPU there is nothing to disaggregate, and the collocated stand alone', async () => {
    const { report, warnings } = await place({ gpus: 1 });
    assert.match(warnings.join('\n'), /prefill beside decode takes at least 2 GPUs/);
    assert.deepEqual(report.placements, []);
    assert.equal(report.collocated.length, 1);
  });

  it('where one instance fits but not two, the least GPUs for both are named', async () => {
    const { report, warnings } = await place({
      gpus: 8,
      model: 'opt-175b',
      slo: 'ttft=4s,tpot=200ms',
      system: 'distserve',
      requestsPerGpu: 10,
    });
    assert.match(warnings.join('\n'), /prefill beside decode takes at least 12 GPUs of a100-sxm-80g/);
    assert.deepEqual([report.placements, report.phases.prefill], [[], []]);
    assert.ok(report.collocated.length > 0 && report.collocated.every(({ gpus }) => gpus >= 6));
  });

  it('a system without times for a model is timed by the roofline, and that is said', async () => {
    const { report, warnings } = await place({ gpus: 2, model: 'llama-3.1-8b', gpu: 'h100-sxm', requestsPerGpu: 20 });
    assert.match(warnings.join('\n'), /cost=distserve has no coefficients for llama-3\.1-8b.*cost=roofline is taken/);
    assert.match(report.systems.disaggregated, /cost=roofline/);
    assert.match(report.systems.collocated, /cost=roofline/);
  });
});

it('an SLO that nothing can meet leaves every unit out, and says why', async () => {
  const { report } = await place({ gpus: 2, slo: 'ttft=1ms,tpot=100ms', requestsPerGpu: 20 });
  assert.deepEqual(
    report.placements.map(({ state, why }) => [state, why]),
    [['skipped', 'a phase alone meets its limit at no rate']],
  );
  assert.ok(report.collocated.every(({ whole }) => whole?.goodput_rps === 0));
});

it('a simulation that is short beside its requests is warned of, with how many would do', async () => {
  const { report, warnings } = await place({ gpus: 2, requestsPerGpu: 60 });
  const enough = /raise --requests to (\d+) or more/.exec(warnings.join('\n'))?.[1];
  const best = report.placements[0]?.whole;
  assert.ok(best !== undefined && best !== null && best.mean_e2e_s !== null && enough !== undefined);
  assert.ok(60 / best.goodput_rps_per_gpu < 20 * best.mean_e2e_s);
  assert.ok(Number(enough) / best.goodput_rps_per_gpu >= 20 * best.mean_e2e_s);
  const long = await place({ gpus: 2, requestsPerGpu: Number(enough) });
  assert.doesNotMatch(long.warnings.join('\n'), /beginning empty/);
});
