import assert from 'node:assert/strict';
import { it } from 'node:test';
import type { ChartSection } from '../../reports/charts/chart.ts';
import { runSections } from '../../reports/charts/run-sections.ts';
import { collectReportData } from '../../reports/data/report-data.ts';
import { type ExampleOptions, exampleRun, inBatches } from './example-run.ts';

async function sections(options: ExampleOptions): Promise<readonly ChartSection[]> {
  const { summary, manifest, records } = await exampleRun(options);
  return runSections(summary, await collectReportData(inBatches(records), manifest));
}
const idsOf = (all: readonly ChartSection[]): string[] => all.flatMap(({ charts }) => charts.map(({ id }) => id));

it('of few requests there are their rows, and one section at the end says why the charts are not there', async () => {
  for (const requests of [1, 2, 3]) {
    const all = await sections({ requests, slo: 'ttft=1ms,tpot=1ms' });
    assert.deepEqual(idsOf(all), ['sample']);
    assert.deepEqual(
      all.map(({ id }) => id),
      ['requests', 'not-drawn'],
    );
  }
  const [, last] = await sections({ requests: 1, slo: 'ttft=1ms,tpot=1ms' });
  const line = last?.left_out ?? '';
  assert.match(line, /^Not drawn: attainment over limits on TTFT and TPOT \(1 request, 10 needed\); /);
  assert.match(line, /TTFT, TPOT, ITL and E2E \(1 answered request, 10 needed\); their tails \(1 answered request, 20/);
  assert.match(line, /\(1 missed request, 5 needed\)/);
  assert.match(line, /attainment \(1 request in a window, 10 needed\)/);
  assert.match(line, /\(1 value, 20 needed\)\.$/);
});

it('no tails are drawn where fewer than half were answered: they begin at the median', async () => {
  const fate = (index: number) => (index % 5 < 3 ? { outcome: 'timeout' as const } : null);
  const all = await sections({ requests: 200, slo: null, fate });
  assert.ok(!idsOf(all).includes('tails'));
  const { left_out } = all.find(({ id }) => id === 'distributions') ?? {};
  assert.equal(left_out, 'Not drawn: their tails (80 answered requests, 101 needed).');
});

it('of requests of a single token nothing is drawn of gaps between tokens, and nothing promised of TPOT', async () => {
  const all = await sections({ requests: 200, slo: 'ttft=300ms,tpot=10ms', maxOutputTokens: 1 });
  const ids = idsOf(all);
  for (const id of ['tpot-ecdf', 'itl-ecdf', 'tpot-over-time', 'tpot-by-concurrency']) assert.ok(!ids.includes(id), id);
  for (const id of ['ttft-ecdf', 'e2e-ecdf', 'slo-plane']) assert.ok(ids.includes(id), id);
  const { left_out } = all.find(({ id }) => id === 'distributions') ?? {};
  assert.equal(left_out, 'Not drawn: TPOT and ITL (0 answered requests of several tokens, 10 needed).');
  const plane = all.flatMap(({ charts }) => charts).find(({ id }) => id === 'slo-plane');
  assert.match(plane?.note ?? '', /; 90 % met any limit on TPOT with TTFT <= 300 ms\.$/);
  assert.doesNotMatch(JSON.stringify(plane?.spec), /TPOT (≤ )?0 ms/);
});

it('of few requests the rows are all of them, once', async () => {
  const all = await sections({ requests: 12, slo: null });
  const rows = all.find(({ id }) => id === 'requests')?.charts ?? [];
  assert.equal(rows.length, 1);
  assert.match(rows[0]?.title ?? '', /^Every request: up to [\d.]+ s$/);
});

it('every chart of a run says n, and how many failed', async () => {
  const fate = (index: number) =>
    index % 10 === 3 ? { outcome: 'rejected' as const, sent_us: 1e6, end_us: 2e6 } : null;
  const all = await sections({ requests: 200, slo: 'ttft=100ms,tpot=10ms', fate });
  const charts = all.flatMap((section) => section.charts);
  assert.ok(charts.length >= 18);
  for (const { id, note } of charts.filter((chart) => !['slowest', 'sample'].includes(chart.id)))
    assert.match(note, /^n = .*200 requests(, 20 failed|;.* 20 requests failed)/, id);
});

it('a run of enough requests leaves nothing out', async () => {
  const all = await sections({ requests: 300, slo: 'ttft=100ms,tpot=10ms' });
  assert.deepEqual(
    all.map(({ left_out }) => left_out),
    all.map(() => null),
  );
});
