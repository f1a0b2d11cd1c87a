import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { RequestRecord } from '../../src/core/record.ts';
import type { Slo } from '../../src/core/slo.ts';
import { parseSloScales } from '../../src/core/slo-scales.ts';
import { meetsAll } from '../../src/metrics/judge.ts';
import { scaledSlo } from '../../src/metrics/slo-scales.ts';
import { summarise } from '../../src/metrics/summarise.ts';
import type { SloScale, SmallestScale } from '../../src/schema/attainment.ts';
import { sloScaleText } from '../../reports/slo-scale-text.ts';
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
});

const SLO = 'ttft=150ms,tpot=12ms';

describe('the smallest scale that is met', () => {
  /** Share of records that meets the limits times a scale, judged one by one. */
  const shareAt = (scale: number, slo: Slo, records = run.records): number =>
    records.filter((record) => meetsAll(record, scaledSlo(slo, scale)) === true).length / records.length;

  async function smallestOf(scales: readonly number[], at: number, slo = SLO): Promise<SmallestScale> {
    const { slo: judged, ...others } = exampleManifest(run.records, { requests: 300, slo });
    assert.ok(judged !== null);
    const manifest = { ...others, slo: { ...judged, at } };
    const found = (await summarise(inBatches(run.records), manifest, null, scales)).slo?.smallest_scale;
    assert.ok(found !== undefined);
    return found;
  }

  it('is that of the records, whatever scales were tried', async () => {
    for (const [slo, limits] of [
      [SLO, { ttft: 150, tpot: 12 }],
      ['ttft=33.3ms', { ttft: 33.3 }],
      ['itl.p99=11ms,e2e=4s', { 'itl.p99': 11, e2e: 4000 }],
    ] as const)
      for (const at of [0.5, 0.9, 0.97]) {
        const { scale, attainment } = await smallestOf([0.5, 1, 2], at, slo);
        assert.ok(scale !== null);
        assert.ok(shareAt(scale, limits) >= at, `${slo}: ${at} at ${scale}`);
        assert.ok(shareAt(scale * 0.9999, limits) < at, `${slo}: ${at} below ${scale}`);
        assert.equal(attainment, shareAt(scale, limits));
      }
    assert.deepEqual(await smallestOf([1, 50], 0.9), await smallestOf([0.01, 0.1, 1], 0.9));
  });

  it('is none where too many failed', async () => {
    const { scale, attainment, ci95_scale } = await smallestOf([1, 1000], 0.99);
    assert.deepEqual([scale, attainment, ci95_scale], [null, null, [null, null]]);
  });

  it('is of each request by the limits of its class, without those that have none', async () => {
    const classes = ['chat', 'batch', 'other'];
    const records = run.records.map((record, i) => ({ ...record, slo_class: classes[i % 3] ?? null }));
    const limits = { by_class: { chat: { ttft: 100 }, batch: { e2e: 8000 } } };
    const { slo, ...others } = exampleManifest(run.records, { requests: 300, slo: SLO });
    assert.ok(slo !== null);
    const manifest = { ...others, slo: { ...slo, limits_ms: limits } };
    const scale = (await summarise(inBatches(records), manifest, null, [1])).slo?.smallest_scale?.scale ?? 0;
    const judged = records.filter(({ slo_class }) => slo_class !== 'other');
    assert.ok(shareAt(scale, limits, judged) >= slo.at && shareAt(scale * 0.9999, limits, judged) < slo.at);
  });

  it('is within its interval, whose ends are met by as many as those of the share', async () => {
    const { scale, ci95, ci95_scale } = await smallestOf([1], 0.9);
    const [low, high] = ci95_scale;
    assert.ok(scale !== null && ci95 !== null && low !== null && high !== null);
    assert.ok(low < scale && scale < high, `${low} < ${scale} < ${high}`);
    const limits = { ttft: 150, tpot: 12 };
    assert.ok(shareAt(low, limits) >= ci95[0] && shareAt(low * 0.9999, limits) < ci95[0]);
    assert.ok(shareAt(high, limits) >= ci95[1] && shareAt(high * 0.9999, limits) < ci95[1]);
  });

  it('counts what an interrupted run gave up, where it had missed that limit by then', async () => {
    const [first] = run.records;
    assert.ok(first !== undefined);
    const answered = run.records.filter((record) => meetsAll(record, { ttft: 75, tpot: 6 }) === false).slice(0, 4);
    const others = answered.map((record, i) => ({
      ...record,
      outcome: 'ok' as const,
      token_times_us: Float64Array.of(30_000 * (i + 1)),
    }));
    const givenUp: RequestRecord = {
      ...first,
      outcome: 'cut',
      first_token_us: null,
      token_times_us: new Float64Array(),
      output_tokens: 0,
      end_us: first.due_us + 300_000,
    };
    const { slo, ...manifest } = { ...run.manifest, status: 'interrupted' as const };
    assert.ok(slo !== null);
    const scaleAt = async (at: number): Promise<number | null | undefined> => {
      const judged = { ...manifest, slo: { ...slo, limits_ms: { ttft: 100 }, at } };
      return (await summarise(inBatches([givenUp, ...others]), judged, null, [1])).slo?.smallest_scale?.scale;
    };
    // First tokens after 30, 60, 90, 120 ms; 300 ms without one are a miss of all limits below.
    assert.deepEqual([await scaleAt(0.6), await scaleAt(0.8), await scaleAt(0.9)], [0.9, 1.2, 3]);
  });

  it('is shown rounded up, so that what is shown is met', async () => {
    const { requests } = run.summary;
    for (const at of [0.5, 0.6, 0.7, 0.8, 0.9]) {
      const { slo, ...others } = exampleManifest(run.records, { requests: 300, slo: SLO });
      assert.ok(slo !== null);
      const summary = await summarise(inBatches(run.records), { ...others, slo: { ...slo, at } }, null, [0.5, 1, 2]);
      const text = sloScaleText({ slo: summary.slo, requests }) ?? '';
      const shown = Number(/meet it from ([\d.]+) times the SLO on/.exec(text)?.[1]);
      assert.ok(shareAt(shown, { ttft: 150, tpot: 12 }) >= at, text);
    }
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
