// DistServe's Figure 1 beside ours, as a table and a picture: node scripts/validate/figure-1.ts [PICTURE.svg]
import { PALETTES } from '../../reports/charts/theme.ts';
import { figure1Rows, measureFigure1 } from './figure-1-rows.ts';
import { writePicture } from './picture.ts';

const [picture = 'figure-1.svg'] = process.argv.slice(2);
const REQUESTS = 10_000;

const values: { readonly row: string; readonly who: string; readonly rate: number }[] = [];
const OURS = 'ours, coefficients of vLLM';
const PUBLISHED = 'published';
console.log('requests/s a GPU   published   ours (vLLM coefficients)   off by   may be off by   with DistServe’s own');
const own = figure1Rows('distserve');
for (const [i, row] of figure1Rows('vllm').entries()) {
  const ours = await measureFigure1(row, REQUESTS);
  const ownRow = own[i];
  const faster = ownRow === undefined ? Number.NaN : await measureFigure1(ownRow, REQUESTS);
  const off = ours / row.published - 1;
  console.log(
    `${row.name.padEnd(16)} ${row.published.toFixed(1).padStart(11)} ${ours.toFixed(2).padStart(26)} ` +
      `${percent(off).padStart(8)} ${`${percent(row.tolerance)}`.padStart(15)} ${faster.toFixed(2).padStart(21)}` +
      (Math.abs(off) <= row.tolerance ? '' : '   DOES NOT HOLD'),
  );
  values.push(
    { row: row.name, who: PUBLISHED, rate: row.published },
    { row: row.name, who: OURS, rate: ours },
    { row: row.name, who: 'ours, coefficients of DistServe', rate: faster },
  );
}

const { ink, muted, grid } = PALETTES.light;
await writePicture(picture, {
  title: {
    text: 'DistServe, Figure 1: goodput of one A100',
    subtitle: `OPT-13B, 512 tokens in, 64 out; P90 TTFT within 0.4 s, P90 TPOT within 0.04 s; ${REQUESTS.toLocaleString('en')} requests`,
    anchor: 'start',
    color: ink,
    subtitleColor: muted,
  },
  width: 420,
  height: { step: 18 },
  background: 'white',
  padding: 12,
  data: { values },
  encoding: {
    y: {
      field: 'row',
      type: 'nominal',
      sort: null,
      title: null,
      axis: { labelFontSize: 12, domain: false, ticks: false },
    },
    yOffset: { field: 'who', type: 'nominal', sort: null },
    x: { field: 'rate', type: 'quantitative', title: 'requests/s a GPU', axis: { gridColor: grid } },
  },
  layer: [
    {
      mark: { type: 'bar' },
      encoding: {
        color: {
          field: 'who',
          type: 'nominal',
          sort: null,
          title: null,
          scale: { range: [muted, PALETTES.light['series-1'], PALETTES.light['series-4']] },
          legend: { orient: 'bottom', labelLimit: 0 },
        },
      },
    },
    {
      mark: { type: 'text', align: 'left', dx: 4, fontSize: 11, color: ink },
      encoding: { text: { field: 'rate', type: 'quantitative', format: '.1f' } },
    },
  ],
});
console.log(`picture: ${picture}`);

function percent(share: number): string {
  return `${(100 * share).toFixed(0)} %`;
}
