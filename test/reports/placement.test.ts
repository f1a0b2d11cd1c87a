import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { parse, View } from 'vega';
import { compile } from 'vega-lite';
import { placementCharts } from '../../reports/charts/placement-charts.ts';
import { THEME } from '../../reports/charts/theme.ts';
import { placementText, writePlacementHtml } from '../../reports/index.ts';
import type { Goodput, Group, Placement, PlacementReport } from '../../src/schema/placement.ts';

const goodput = (rps: number, gpus: number): Goodput => ({
  goodput_rps: rps,
  goodput_rps_per_gpu: rps / gpus,
  missed_rps: rps * 1.01,
  binding: 'tpot',
  attainment: rps === 0 ? null : 0.91,
  mean_e2e_s: rps === 0 ? null : 8,
});
const pair = (n: number, m: number): Group[] => [
  { role: 'prefill', instances: n, tp: 2, pp: 1 },
  { role: 'decode', instances: m, tp: 1, pp: 2 },
];
const placement = (groups: Group[], gpus: number, rps: number | null): Placement => ({
  groups,
  gpus,
  copies: 2,
  by_phases_rps: 5,
  state: rps === null ? 'beaten' : 'measured',
  why: rps === null ? 'misses the SLO where it would be as good as another' : null,
  whole: rps === null ? null : goodput(rps, gpus),
  missed_rps: rps === null ? 9.9 : null,
});

const REPORT: PlacementReport = {
  schema: 1,
  versions: { reprise: '0.0.0' },
  model: 'opt-13b',
  gpu: 'a100-sxm-80g',
  gpus: 16,
  gpus_per_node: 8,
  affinity: 'low',
  slo: { text: 'ttft=250ms,tpot=100ms', limits_ms: { ttft: 250, tpot: 100 } },
  at: 0.9,
  precision: 0.02,
  seed: 1,
  workload: {
    name: 'trace.csv',
    format: 'plain-csv',
    sha256: 'ab',
    transforms: [],
    requests: 12_000,
    too_long: 3,
    probe_requests_per_gpu: 1000,
    mean_input_tokens: 600,
    mean_output_tokens: 200,
  },
  systems: { disaggregated: 'distserve,model=opt-13b', collocated: 'vllm-v1,model=opt-13b', mixed_batch_penalty: 1 },
  phases: {
    prefill: [
      { tp: 1, pp: 1, gpus: 1, ...goodput(3, 1) },
      { tp: 2, pp: 1, gpus: 2, ...goodput(9, 2) },
    ],
    decode: [
      { tp: 1, pp: 1, gpus: 1, ...goodput(5, 1) },
      { tp: 2, pp: 1, gpus: 2, ...goodput(8192, 2), missed_rps: null, binding: null },
    ],
  },
  left_out: [{ tp: 8, pp: 1, system: 'distserve', why: 'no figures' }],
  placements: [placement(pair(1, 1), 4, 12), placement(pair(2, 1), 6, 15), placement(pair(1, 2), 6, null)],
  collocated: [placement([{ role: 'both', instances: 2, tp: 2, pp: 1 }], 4, 8)],
  simulations: 321,
};

/** Visible text, without scripts, style and tags. */
function textOf(page: string): string {
  return page
    .replaceAll(/<(script|style)\b.*?<\/\1>/gs, ' ')
    .replaceAll(/<[^>]*>/g, ' ')
    .replaceAll(/\s+/g, ' ');
}

describe('the charts of a placement search', () => {
  for (const chart of placementCharts(REPORT))
    it(`${chart.id} is drawn`, async () => {
      const { spec } = compile(chart.spec, { config: THEME });
      const svg = await new View(parse(spec), { renderer: 'none' }).toSVG();
      assert.ok((svg.match(/<path[^>]* d="M[^"]{15,}"/g) ?? []).length > 2, 'nothing is drawn');
      assert.doesNotMatch(svg, /NaN|undefined|null/);
    });

  it('say the ratio, the best shapes, and each bar its figure', () => {
    const [units, phases] = placementCharts(REPORT);
    assert.equal(units?.title, 'Disaggregated carries 1.50 times as much a GPU as collocated');
    assert.match(JSON.stringify(units?.spec), /"3\.00, TPOT binds"/);
    assert.doesNotMatch(JSON.stringify(units?.spec), /1 prefill \(tp 2\) \+ 2 decode/, 'what was beaten has no bar');
    assert.equal(phases?.title, 'Alone, prefill carries most a GPU with tp 2, decode with tp 2');
    assert.match(JSON.stringify(phases?.table), /"any"/);
  });
});

it('text and page say the answer first, then what it is compared with, then every unit', async () => {
  const text = placementText(REPORT, { color: false });
  const page = textOf(await writePlacementHtml(REPORT));
  const answer =
    '1 prefill (tp 2) + 1 decode (tp 1, pp 2) on 4 GPUs carry 12.0 requests/s with 90 % within TTFT <= 250 ms and TPOT <= 100 ms: 3.00 a GPU; TPOT binds. 2 of them take 8 of the 16 GPUs: 24.0 requests/s';
  const beside =
    'Without disaggregation: 2 collocated (tp 2) of vllm-v1 on 4 GPUs: 2.00 a GPU; TPOT binds. Disaggregated carries 1.50 times as much a GPU';
  for (const [shown, first] of [
    [text, answer],
    [page, answer.replaceAll('<=', '≤')],
  ] as const) {
    const places = [first, beside, '2 prefill (tp 2) + 1 decode', '1 prefill (tp 2) + 2 decode', '321'].map((words) =>
      shown.indexOf(words),
    );
    assert.ok(
      places.every((place) => place >= 0),
      `${places.join(' ')} in ${shown}`,
    );
    assert.deepEqual(
      places,
      places.toSorted((a, b) => a - b),
    );
  }
  assert.match(text, /< 1\.65/);
  assert.match(page, /&lt; 1\.65/);
});

it('a search that found nothing says so, and names are only ever text', async () => {
  const evil = '</script><img src=x onerror=alert(1)>';
  const empty = { ...REPORT, placements: [], collocated: [], workload: { ...REPORT.workload, name: evil } };
  const page = await writePlacementHtml(empty);
  assert.match(textOf(page), /✗ No disaggregated placement on 16 GPUs of a100-sxm-80g fits/);
  assert.doesNotMatch(page, /<img/);
  assert.match(placementText({ ...empty, phases: { prefill: [], decode: [] } }, { color: false }), /^✗ No disagg/);
});
