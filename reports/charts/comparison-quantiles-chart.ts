import { plainPercent } from '../../src/core/units.ts';
import type { Comparison } from '../../src/schema/comparison.ts';
import { signed } from '../comparison-words.ts';
import type { ComparedLatency, QuantileChange } from '../data/comparison-data.ts';
import { METRIC_NAMES } from '../definitions.ts';
import { CHANGE_LABEL, changeDomain, changeTicks, lnOf } from './change-axis.ts';
import type { Chart, Layers, Position } from './chart.ts';
import { COLOURS } from './theme.ts';

/** How each quantile of a latency changes from base to new. */
export function quantilesChart(
  { margin }: Comparison,
  metric: ComparedLatency,
  changes: readonly QuantileChange[],
): Chart {
  const name = METRIC_NAMES[metric];
  const shares = changes.map(({ ln }) => Math.expm1(ln));
  const title =
    shares.length === 0
      ? `${name} has no quantile that all runs have`
      : `${name} quantiles change by ${signed(Math.min(...shares))} to ${signed(Math.max(...shares))}`;
  const hasBand = changes.some(({ ln_ci95 }) => ln_ci95 !== null);
  const end = changes.at(-1)?.permille ?? 0;
  return {
    id: `${metric}-quantiles`,
    title,
    label: `Change of the quantiles of ${name} from base to new. ${title}.`,
    note: `n = ${changes.length} quantiles, p1 to p99${end < 990 ? '; those that fall on failed requests are left out' : ''}; shaded: ± ${plainPercent(margin)} %${hasBand ? '; band: 95 % by the spread of the runs, at each quantile alone' : ''}.`,
    spec: { width: 'container', height: 180, layer: layersOf(changes, margin) },
    table: {
      columns: ['quantile', 'change', '95 % from', '95 % to'],
      rows: changes.map(({ permille, ln, ln_ci95 }) => [
        `p${permille / 10}`,
        signed(Math.expm1(ln)),
        ln_ci95 === null ? '-' : signed(Math.expm1(ln_ci95[0])),
        ln_ci95 === null ? '-' : signed(Math.expm1(ln_ci95[1])),
      ]),
    },
  };
}

function layersOf(changes: readonly QuantileChange[], margin: number): Layers {
  const values = changes.map(({ permille, ln, ln_ci95 }) => ({
    q: permille / 10,
    ln,
    low: ln_ci95?.[0] ?? null,
    high: ln_ci95?.[1] ?? null,
    text: `p${permille / 10}: ${signed(Math.expm1(ln))}${ln_ci95 === null ? '' : ` (${signed(Math.expm1(ln_ci95[0]))} to ${signed(Math.expm1(ln_ci95[1]))})`}`,
  }));
  const domain = changeDomain(
    values.flatMap(({ ln, low, high }) => [ln, low, high].filter((each) => each !== null)),
    margin,
  );
  const x: Position = {
    field: 'q',
    type: 'quantitative',
    // Room for the last label, which would be dropped at the edge.
    scale: { domain: [0, 105], nice: false },
    axis: { title: 'quantile', values: [1, 25, 50, 75, 99], labelExpr: "'p' + datum.value" },
  };
  const y: Position = {
    field: 'ln',
    type: 'quantitative',
    scale: { domain, nice: false, clamp: true },
    axis: { title: 'change', values: changeTicks(domain), labelExpr: CHANGE_LABEL },
  };
  const color = COLOURS.third;
  return [
    {
      data: { values: [{ low: -lnOf(margin), high: lnOf(margin) }] },
      mark: { type: 'rect', color: COLOURS.grid, opacity: 0.7 },
      encoding: { y: { ...y, field: 'low' }, y2: { field: 'high' } },
    },
    {
      data: { values: values.filter(({ low }) => low !== null) },
      mark: { type: 'area', opacity: 0.25, color, line: false },
      encoding: { x, y: { ...y, field: 'low' }, y2: { field: 'high' } },
    },
    { data: { values: [{ ln: 0 }] }, mark: { type: 'rule', color: COLOURS.muted }, encoding: { y } },
    { data: { values }, mark: { type: 'line', strokeWidth: 2, color }, encoding: { x, y } },
    {
      data: { values },
      mark: { type: 'point', opacity: 0, size: 80 },
      encoding: { x, y, tooltip: { field: 'text', type: 'nominal' } },
    },
  ];
}
