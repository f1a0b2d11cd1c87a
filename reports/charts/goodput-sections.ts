import type { TopLevelSpec } from 'vega-lite';
import { plainPercent, threeFigures } from '../../src/core/units.ts';
import type { GoodputProbe, GoodputReport } from '../../src/schema/goodput.ts';
import { PROBE_COLUMNS, probeRow, shareOf, shareText } from '../goodput-verdict.ts';
import type { Chart, ChartSection, Layers, Position } from './chart.ts';
import { COLOURS, SHARE_LABEL } from './theme.ts';

/** The charts of a search in the order of its page. */
export function goodputSections(report: GoodputReport): ChartSection[] {
  return [
    {
      id: 'load',
      heading: 'Attainment by load',
      layout: 'column',
      charts: [attainmentByRate(report)],
    },
  ];
}

interface Point {
  readonly rps: number;
  /** Where a run was cut, the bound that it settled. */
  readonly share: number;
  /** Its 95 % interval; where a run was cut, all that its attainment can be. */
  readonly low: number | null;
  readonly high: number | null;
  readonly isCut: boolean;
  readonly text: string;
}

function pointOf(probe: GoodputProbe, at: number): Point {
  const { rate_rps: rps, ci95, met, missed, requests } = probe;
  const { share, bound } = shareOf(probe, at);
  const [low, high] = bound === null ? (ci95 ?? [null, null]) : [met / requests, 1 - missed / requests];
  return {
    rps,
    share,
    low,
    high,
    isCut: bound !== null,
    text: `${threeFigures(rps)} requests/s: ${shareText(probe, at)} meet the SLO${bound === null ? '' : ', cut when that was settled'}`,
  };
}

/** Attainment against load: a point a run, hollow where it was cut, the goals as dashed lines, the bracket shaded. */
function attainmentByRate(report: GoodputReport): Chart {
  const { probes, answers } = report;
  const points = probes.map((probe) => pointOf(probe, report.at));
  const [low, high] = report.bracket_rps;
  const between =
    low === null && high === null
      ? 'open: no run was made'
      : low === null
        ? `missed at ${threeFigures(high ?? 0)} requests/s, the lowest rate tried`
        : high === null
          ? `met up to ${threeFigures(low)} requests/s, the highest rate tried`
          : `met up to ${threeFigures(low)}, missed from ${threeFigures(high)} requests/s on`;
  const title = `${plainPercent(report.at)} % is ${between}`;
  return {
    id: 'attainment-by-rate',
    title,
    label: `Share of requests that meet the SLO against the rate, of ${probes.length} runs. ${title}.`,
    note: `A point a run, with its 95 % interval; hollow: cut once the goals were settled, at the bound that settled them, with all that its attainment can be as a thin line; dashed: what is wanted; shaded: between the highest rate that met and the lowest that missed. The trace's own rate is ${threeFigures(report.workload.rate_rps)} requests/s.`,
    spec: spec(points, {
      goals: answers.map(({ at }) => ({ value: at, text: `${plainPercent(at)} % wanted` })),
      bracket: low === null || high === null ? null : [low, high],
    }),
    table: { columns: [...PROBE_COLUMNS], rows: probes.map((probe) => probeRow(probe, report.at)) },
  };
}

interface Marks {
  readonly goals: readonly { readonly value: number; readonly text: string }[];
  readonly bracket: readonly [number, number] | null;
}

function spec(points: readonly Point[], { goals, bracket }: Marks): TopLevelSpec {
  const x: Position = {
    field: 'rps',
    type: 'quantitative',
    scale: { type: 'log', nice: false },
    axis: { title: 'requests/s (log scale)', tickCount: { expr: 'ceil(width / 90)' }, grid: false, format: '~g' },
  };
  const y: Position = {
    field: 'share',
    type: 'quantitative',
    scale: { domain: [0, 1] },
    axis: { title: 'share that meets the SLO', tickCount: 4, labelExpr: SHARE_LABEL },
  };
  const tooltip = { field: 'text', type: 'nominal' } as const;
  const shade: Layers =
    bracket === null
      ? []
      : [
          {
            data: { values: [{ rps: bracket[0], to: bracket[1] }] },
            mark: { type: 'rect', color: COLOURS.second, opacity: 0.25 },
            encoding: { x, x2: { field: 'to' } },
          },
        ];
  return {
    width: 'container',
    height: 260,
    layer: [
      ...shade,
      {
        data: { values: [...goals] },
        mark: { type: 'rule', strokeDash: [6, 4], color: COLOURS.ink },
        encoding: { y: { ...y, field: 'value' } },
      },
      {
        data: { values: [...goals] },
        mark: { type: 'text', align: 'left', dx: 4, dy: 10, color: COLOURS.muted },
        encoding: { x: { value: 0 }, y: { ...y, field: 'value' }, text: { field: 'text', type: 'nominal' } },
      },
      {
        data: { values: points.filter(({ isCut }) => !isCut) },
        mark: { type: 'line', strokeWidth: 1.5, color: COLOURS.first },
        encoding: { x, y },
      },
      {
        data: { values: points.filter(({ low, isCut }) => low !== null && !isCut) },
        mark: { type: 'rule', strokeWidth: 2, color: COLOURS.first },
        encoding: { x, y: { ...y, field: 'low' }, y2: { field: 'high' } },
      },
      {
        data: { values: points.filter(({ low, isCut }) => low !== null && isCut) },
        mark: { type: 'rule', strokeWidth: 1, opacity: 0.5, color: COLOURS.first },
        encoding: { x, y: { ...y, field: 'low' }, y2: { field: 'high' } },
      },
      {
        data: { values: points.filter(({ isCut }) => !isCut) },
        mark: { type: 'point', filled: true, size: 70, opacity: 1, color: COLOURS.first },
        encoding: { x, y, tooltip },
      },
      {
        data: { values: points.filter(({ isCut }) => isCut) },
        mark: { type: 'point', filled: false, size: 70, strokeWidth: 1.5, opacity: 1, color: COLOURS.first },
        encoding: { x, y, tooltip },
      },
    ],
  };
}
