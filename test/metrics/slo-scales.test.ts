import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { RequestRecord } from '../../src/core/record.ts';
import { parseSloScales } from '../../src/core/slo-scales.ts';
import { meetsAll } from '../../src/metrics/judge.ts';
import { scaledSlo, smallestScale } from '../../src/metrics/slo-scales.ts';
import { summarise } from '../../src/metrics/summarise.ts';
import type { SloScale } from '../../src/schema/attainment.ts';
import { exampleManifest, exampleRun, inBatches } from '../reports/example-run.ts';

const run = await exampleRun({
  requests: 300,
  slo: 'ttft=150ms,tpot=12ms',
  fate: (i) => (i % 50 === 7 ? { outcome: 'rejected', http_status: 429 } : null),
});

async function scalesOf(scales: readonly number[], slo = 'ttft=150ms,tpot=12ms'): Promise<readonly SloScale[]> {
  const manifest = exampleManifest(run.records, { requests: 300, slo });
  return (await summarise(inBatches(run.records), manifest, null, scales)).slo?.scales ?? [];
}

describe('a run by SLO scale', () => {
  it('is at every scale what a run judged by those limits is', async () => {
    for (const { scale, ...found } of await scalesOf([0.5, 1, 2])) {
      const { slo } = (await exampleSummary(`ttft=${150 * scale}ms,tpot=${12 * scale}ms`)) ?? {};
      assert.ok(slo !== null && slo !== undefined);
      const { joint, ttft, tpot, e2e, ci95, overloaded } = slo.attainment;
      assert.deepEqual(found, { attainment: joint, ttft, tpot, e2e, ci95, overloaded, binding: slo.binding });
    }
  });

  it('attains the more the looser it is, up to those that failed', async () => {
    const scales = await scalesOf([0.2, 0.5, 0.8, 1, 1.5, 3, 1000]);
    for (const [i, { attainment }] of scales.slice(1).entries()) assert.ok(attainment >= (scales[i]?.attainment ?? 1));
    assert.equal(scales.at(-1)?.attainment, 294 / 300);
  });

  it('is absent unless it was asked for', async () => {
    assert.equal('scales' in (run.summary.slo ?? {}), false);
  });

  it('counts at each scale what an interrupted run gave up, where it had missed that limit by then', async () => {
    const [first] = run.records;
    assert.ok(first !== undefined);
    const givenUp: RequestRecord = {
      ...first,
      outcome: 'cut',
      first_token_us: null,
      token_times_us: new Float64Array(),
      output_tokens: 0,
      end_us: first.due_us + 200_000,
    };
    const others = run.records.filter((record) => meetsAll(record, { ttft: 150, tpot: 12 })).slice(0, 3);
    const manifest = { ...run.manifest, status: 'interrupted' as const };
    const { slo } = await summarise(inBatches([givenUp, ...others]), manifest, null, [1, 2]);
    // 200 ms without a token: a miss of 150 ms, and no word on 300 ms.
    assert.deepEqual(
      slo?.scales?.map(({ attainment }) => attainment),
      [3 / 4, 1],
    );
  });

  it('is met from the smallest scale on, between two of them', async () => {
    const scales = await scalesOf([0.5, 0.8, 1, 1.25, 1.6, 2, 3]);
    const { at, last, miss } = smallestScale(scales, 0.9);
    assert.ok(at !== null && miss !== null && last !== null && at > miss && at <= last);
    const attainedAt = (scale: number): number => scales.find((each) => each.scale === scale)?.attainment ?? Number.NaN;
    assert.ok(attainedAt(last) >= 0.9 && attainedAt(miss) < 0.9);
    assert.equal(smallestScale(scales, 0.99).state, 'none');
    assert.deepEqual(
      [smallestScale(scales.slice(1), 0.01).state, smallestScale(scales.slice(1), 0.01).at],
      ['all', 0.8],
    );
  });
});

async function exampleSummary(slo: string): ReturnType<typeof summarise> {
  return summarise(inBatches(run.records), exampleManifest(run.records, { requests: 300, slo }), null);
}

it('scales have 1 among them, and limits are scaled without the rounding of doubles', () => {
  assert.deepEqual(parseSloScales('0.5..0.7'), [0.5, 0.6, 0.7, 1]);
  assert.deepEqual(parseSloScales('1,2'), [1, 2]);
  assert.deepEqual(scaledSlo({ ttft: 250, e2e: 30_000 }, 1.1), { ttft: 275, e2e: 33_000 });
});
