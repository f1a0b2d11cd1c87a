import assert from 'node:assert/strict';
import { availableParallelism } from 'node:os';
import { before, describe, test } from 'node:test';
import { sweepText } from '../../../reports/index.ts';
import { isAhead, type SweepGoodput, type SweepReport } from '../../../src/schema/sweep.ts';
import { temporaryFolder } from '../../cli.ts';
import { shared } from '../../shared.ts';
import { CHAT, sweepChat } from './chat-sweep.ts';

const WORKLOAD = shared(CHAT);

describe(
  'Figures 8 and 9: OPT-13B for chat, each system with the times of its own engine',
  { skip: WORKLOAD.skip },
  () => {
    const folder = temporaryFolder();
    let report: SweepReport;
    before(async () => {
      report = await sweepChat(folder, availableParallelism());
    });
    const goodputAt = (name: string, scale: number): SweepGoodput => {
      const found = report.goodputs.find(({ target, slo_scale }) => target === name && slo_scale === scale);
      assert.ok(found !== undefined);
      return found;
    };

    test('attainment falls with the rate', () => {
      for (const { name } of report.targets) {
        const points = report.points.filter(({ target, slo_scale }) => target === name && slo_scale === 1);
        for (const [i, { attainment, rate_rps }] of points.slice(1).entries())
          assert.ok(attainment <= (points[i]?.attainment ?? 0), `${name} at ${rate_rps}: ${attainment}`);
        assert.ok((points.at(-1)?.attainment ?? 1) < 0.2);
      }
    });

    test('90 % are within both limits up to 1.8 to 2.4 requests/s a GPU, and on vLLM at no rate, without a ratio', () => {
      const { goodput_rps_per_gpu: rate, bracket_rps } = goodputAt('distserve', 1);
      assert.ok(rate !== null && rate >= 1.8 && rate <= 2.4, String(rate));
      assert.ok((bracket_rps[0] ?? 0) >= 1.75 * 3);
      assert.deepEqual([goodputAt('vllm-v0', 1).state, goodputAt('vllm-v0', 1).goodput_rps], ['none', null]);
      const text = sweepText(report, { color: false });
      assert.match(text, /^● 90 % meet .* on distserve up to .*; on vllm-v0 at no rate that was tried, from 0\.250/);
      assert.doesNotMatch(text, /times as much/);
    });

    test('TTFT binds vLLM, TPOT binds DistServe', () => {
      assert.equal(goodputAt('distserve', 1).binding, 'tpot');
      assert.equal(goodputAt('vllm-v0', 1).binding, 'ttft');
    });

    test('with looser limits vLLM overtakes it between scale 1.2 and 1.5, and stays ahead', () => {
      const [change, ...others] = report.order_changes;
      assert.ok(change !== undefined);
      assert.deepEqual([change.ahead, change.beyond, others], ['distserve', 'vllm-v0', []]);
      assert.ok(
        change.to_scale >= 1.2 - 1e-9 && change.from_scale <= 1.5,
        `${change.to_scale} to ${change.from_scale}`,
      );
      for (const scale of [1.5, 1.7, 2])
        assert.ok(isAhead(goodputAt('vllm-v0', scale), goodputAt('distserve', scale), [1, 3]), String(scale));
    });
  },
);
