import type { TopLevelSpec } from 'vega-lite';
import { plainPercent, withThousands } from '../../src/core/units.ts';
import { countText } from '../../src/core/words.ts';
import type { ComparedMetric, Comparison } from '../../src/schema/comparison.ts';
import { verdictCounts } from '../comparison-findings.ts';
import { changeText, metricLabel, signed, valueText, VERDICT_MARKS } from '../comparison-words.ts';
import { CHANGE_LABEL, changeDomain, changeTicks, isOffAxis, lnOf } from './change-axis.ts';
import type { Chart, Position } from './chart.ts';
import { COLOURS, TONE_COLOURS } from './theme.ts';

/** Room for an interval and the words above it, in pixels. */
const ROW = 44;
const BELOW = { yOffset: 10 };

/** The change of each judged metric with its interval, the margin shaded. */
export function forestChart(comparison: Comparison): Chart {
  const { metrics, margin } = comparison;
  return {
    id: 'changes',
    title: verdictCounts(comparison),
    label: `Change of each judged metric from base to new. ${metrics.map(wordsOf).join('; ')}.`,
    note: noteOf(comparison),
    spec: specOf(metrics, margin),
    table: {
      columns: ['metric', 'change', '95 % from', '95 % to', 'verdict'],
      rows: metrics.map(({ name, change, ci95, verdict }) => [
        metricLabel(name),
        change === null ? '-' : signed(change),
        ci95 === null ? '-' : signed(ci95[0]),
        ci95 === null ? '-' : signed(ci95[1]),
        verdict,
      ]),
    },
  };
}

function wordsOf(metric: ComparedMetric): string {
  const { name, verdict, change } = metric;
  const text = change === null ? 'not a number' : changeText(metric);
  return `${VERDICT_MARKS[verdict].glyph} ${metricLabel(name)} ${text}, ${verdict}`;
}

function noteOf({ metrics, margin, base, new: now }: Comparison): string {
  return [
    `n = ${countText(base.runs.length, 'run')} of base, ${withThousands(now.runs.length)} of new`,
    'point: the change, hollow where nothing is claimed',
    ...(metrics.some(({ ci95 }) => ci95 !== null) ? ['line: its 95 % interval'] : []),
    ...(metrics.some(({ change }) => change === null)
      ? ['not a number: infinite by requests that failed, or zero, in some runs']
      : []),
    `shaded: ± ${plainPercent(margin)} %, which is the same`,
    ...(metrics.some(isBeyond) ? ['beyond ten times, or a tenth, the axis ends'] : []),
    'more is better for attainment and output tokens/s, less for latencies',
  ]
    .join('; ')
    .concat('.');
}

function isBeyond({ change, ci95 }: ComparedMetric): boolean {
  return [change, ...(ci95 ?? [])].some((each) => each !== null && isOffAxis(lnOf(each)));
}

function specOf(metrics: readonly ComparedMetric[], margin: number): TopLevelSpec {
  const rows = metrics.map((metric, i) => ({
    row: String(i),
    margin_low: -lnOf(margin),
    margin_high: lnOf(margin),
    zero: 0,
    ln: metric.change === null ? null : lnOf(metric.change),
    low: metric.ci95 === null ? null : lnOf(metric.ci95[0]),
    high: metric.ci95 === null ? null : lnOf(metric.ci95[1]),
    color: TONE_COLOURS[VERDICT_MARKS[metric.verdict].tone],
    is_claimed: metric.verdict !== 'undecided' && metric.verdict !== 'provisional',
    words: wordsOf(metric),
    tip: `${metricLabel(metric.name)}: ${valueText(metric.name, metric.base)} to ${valueText(metric.name, metric.new)}`,
  }));
  const domain = changeDomain(
    rows.flatMap(({ ln, low, high }) => [ln, low, high].filter((each) => each !== null)),
    margin,
  );
  const x: Position = {
    field: 'ln',
    type: 'quantitative',
    scale: { domain, nice: false, clamp: true },
    axis: { title: 'change from base to new', values: changeTicks(domain), labelExpr: CHANGE_LABEL },
  };
  const y: Position = {
    field: 'row',
    type: 'ordinal',
    sort: null,
    scale: { paddingInner: 0, paddingOuter: 0 },
    axis: null,
  };
  const color = { field: 'color', type: 'nominal', scale: null } as const;
  const tooltip = { field: 'tip', type: 'nominal' } as const;
  const drawn = rows.filter(({ ln }) => ln !== null);
  const points = (isClaimed: boolean): { values: object[] } => ({
    values: drawn.filter((row) => row.is_claimed === isClaimed),
  });
  const point = { type: 'point', size: 70, strokeWidth: 2, opacity: 1, ...BELOW } as const;
  return {
    width: 'container',
    height: ROW * rows.length,
    layer: [
      {
        data: { values: rows },
        mark: { type: 'bar', height: 20, color: COLOURS.grid, ...BELOW },
        encoding: { x: { ...x, field: 'margin_low' }, x2: { field: 'margin_high' }, y },
      },
      {
        data: { values: rows },
        mark: { type: 'tick', size: 20, thickness: 1, color: COLOURS.muted, ...BELOW },
        encoding: { x: { ...x, field: 'zero' }, y },
      },
      {
        data: { values: drawn.filter(({ low }) => low !== null) },
        mark: { type: 'rule', strokeWidth: 2.5, ...BELOW },
        encoding: { x: { ...x, field: 'low' }, x2: { field: 'high' }, y, color, tooltip },
      },
      {
        data: points(true),
        mark: { ...point, filled: true },
        encoding: { x, y, color, tooltip },
      },
      {
        data: points(false),
        mark: { ...point, filled: true, fill: COLOURS.paper },
        encoding: { x, y, stroke: color, tooltip },
      },
      {
        data: { values: rows },
        mark: { type: 'text', align: 'left', dx: 2, dy: -10, limit: { expr: 'width' } },
        encoding: { x: { value: 0 }, y, text: { field: 'words', type: 'nominal' } },
      },
    ],
  };
}
