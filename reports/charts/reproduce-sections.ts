import type { TopLevelSpec } from 'vega-lite';
import { threeFigures, withThousands } from '../../src/core/units.ts';
import { listText } from '../../src/core/words.ts';
import type {
  ReproducedExperiment,
  ReproducePanel,
  ReproducePart,
  ReproducePoint,
} from '../../src/schema/reproduce.ts';
import { partLimitsText } from '../reproduce-words.ts';
import type { Chart, ChartSection, Layers, Position } from './chart.ts';
import { logDomain, logTicks } from './log-axis.ts';
import { targetMarks } from './target-series.ts';
import { COLOURS, SHARE_LABEL } from './theme.ts';

/** The charts of an experiment: a section a part, a chart a figure, for each `mixed_batch_penalty`. */
export function reproduceSections({ parts }: ReproducedExperiment): ChartSection[] {
  return parts.map((part) => ({
    id: part.id,
    heading: part.title,
    // With two penalties, a figure's charts stand beside each other.
    layout: part.panels.length === 3 ? 'triples' : 'pairs',
    lead: leadOf(part),
    charts: part.panels.filter(({ points }) => points.length > 0).map((panel) => chartOf(part, panel)),
  }));
}

function leadOf(part: ReproducePart): string {
  const { name, requests, seeds, mean_input_tokens: input, mean_output_tokens: output } = part.workload;
  const limits = partLimitsText(part);
  const times = seeds.length === 1 ? '' : `, with ${seeds.length} seeds`;
  return `${name}: ${withThousands(requests)} requests a simulation${times}, on average ${threeFigures(input)} tokens in and ${threeFigures(output)} out${limits === null ? '' : `; ${limits}`}.`;
}

function chartOf(part: ReproducePart, panel: ReproducePanel): Chart {
  const { figure, title, unit, gamma, points, published } = panel;
  const gammaName = gamma === null ? '' : `-gamma-${String(gamma).replace('.', '-')}`;
  const xTitle = part.x?.title ?? 'system';
  const series = names(points).map((name) => {
    const values = points.filter((point) => point.series === name).map(({ y }) => y);
    const [least, most] = [threeFigures(Math.min(...values)), threeFigures(Math.max(...values))];
    return `${name} ${least === most ? least : `from ${least} to ${most}`}`;
  });
  return {
    id: `${part.id}-${figure.replaceAll('_', '-')}${gammaName}`,
    title: gamma === null ? title : `${title}, gamma ${gamma}`,
    label: `${title}, ${unit}${part.x === null ? '' : `, by ${xTitle}`}: ${listText(series)}.`,
    note: `n = ${withThousands(part.workload.requests)} requests a simulation. ${noteOf(panel, part)}`,
    spec: part.x === null ? barsSpec(panel) : curvesSpec(panel, part.x, sameFigure(part, figure)),
    table: {
      columns: ['', xTitle, `${title} (${unit})`, 'seed'],
      rows: [...points, ...published].map((point) => [
        point.seed === null ? `${point.series} (published)` : point.series,
        point.x === null ? '' : String(point.x),
        threeFigures(point.y),
        point.seed === null ? '' : String(point.seed),
      ]),
    },
  };
}

/** Every value of a figure, so that its charts with each penalty have the same axis. */
function sameFigure({ panels }: ReproducePart, figure: string): number[] {
  return panels
    .filter((panel) => panel.figure === figure)
    .flatMap(({ points, published }) => [...points, ...published].map(({ y }) => y));
}

function noteOf({ gamma, published }: ReproducePanel, { workload, x }: ReproducePart): string {
  const penalty =
    gamma === null
      ? ''
      : gamma === 1
        ? 'gamma 1: a batch of both phases costs no more than their sum. '
        : `gamma ${gamma}: a batch of both phases costs ${gamma} times their sum. `;
  const seeds = workload.seeds.length === 1 ? '' : 'Each point a seed, the line their mean. ';
  return `${penalty}${seeds}${published.length === 0 ? '' : x === null ? 'Grey: published.' : 'Hollow and dashed: published.'}`.trim();
}

function names(points: readonly ReproducePoint[]): string[] {
  return [...new Set(points.map(({ series }) => series))];
}

function curvesSpec(panel: ReproducePanel, axis: NonNullable<ReproducePart['x']>, ys: readonly number[]): TopLevelSpec {
  const { title, unit, scale, points, published } = panel;
  const marks = targetMarks([...names(points), ...names(published)]);
  const values = (list: readonly ReproducePoint[]) =>
    list.map(({ series: target, x, y }) => ({
      target,
      x,
      y,
      text: `${target} at ${x}: ${title} ${threeFigures(y)} ${unit}`,
    }));
  const xs = [...points, ...published].flatMap(({ x }) => (x === null ? [] : [x]));
  const x: Position = {
    field: 'x',
    type: 'quantitative',
    scale: { zero: false, nice: false, domain: [Math.min(...xs), Math.max(...xs)], padding: 8 },
    axis: { title: axis.title, grid: false, tickCount: { expr: 'ceil(width / 70)' } },
  };
  const y = yAxis(unit, scale, ys);
  const lines = (list: readonly ReproducePoint[], strokeDash: number[]): Layers[number] => ({
    data: { values: values(list) },
    mark: { type: 'line', strokeWidth: 1.5, strokeDash },
    encoding: { x, y: { ...y, aggregate: 'mean' }, color: marks.color },
  });
  const symbols = (list: readonly ReproducePoint[], filled: boolean): Layers[number] => ({
    data: { values: values(list) },
    mark: { type: 'point', filled, size: 45, strokeWidth: 1.5, opacity: 1 },
    encoding: { x, y, color: marks.color, shape: marks.shape, tooltip: { field: 'text', type: 'nominal' } },
  });
  return {
    width: 'container',
    height: 220,
    layer: [
      lines(points, [1, 0]),
      symbols(points, true),
      ...(published.length === 0 ? [] : [lines(published, [4, 3]), symbols(published, false)]),
    ],
  };
}

function yAxis(unit: string, scale: ReproducePanel['scale'], values: readonly number[]): Position {
  const y = { field: 'y', type: 'quantitative' } as const;
  if (unit === 'share') {
    const axis = { title: 'share of the requests', tickCount: 5, labelExpr: SHARE_LABEL };
    return { ...y, scale: { domain: [0, 1] }, axis };
  }
  if (scale === 'linear')
    return {
      ...y,
      scale: { domain: [0, Math.max(...values)], nice: true },
      axis: { title: unit, tickCount: 5, format: ',~r' },
    };
  const domain = logDomain(values, []);
  const axis = { title: `${unit} (log scale)`, values: logTicks(domain), format: ',~r' };
  return { ...y, scale: { type: 'log', domain, nice: false }, axis };
}

const ROW_HEIGHT = 40;

/** A bar a system, and under it what is published; its name stands above it, for names are long. */
function barsSpec({ unit, points, published }: ReproducePanel): TopLevelSpec {
  const rows = names(points).flatMap((series) => [
    ...points
      .filter((point) => point.series === series)
      .map(({ y }) => ({ y, who: 'ours', text: `${series}: ${threeFigures(y)}` })),
    ...published
      .filter((point) => point.series === series)
      .map(({ y }) => ({ y, who: 'published', text: `${series}, published: ${threeFigures(y)}` })),
  ]);
  const values = rows.map((row, i) => ({ ...row, row: i }));
  const y: Position = { field: 'row', type: 'ordinal', sort: null, axis: null };
  return {
    width: 'container',
    height: rows.length * ROW_HEIGHT,
    data: { values },
    layer: [
      {
        mark: { type: 'bar', height: 12, yOffset: 8 },
        encoding: {
          x: { field: 'y', type: 'quantitative', axis: { title: unit, tickCount: 5 } },
          y,
          color: {
            field: 'who',
            type: 'nominal',
            legend: null,
            scale: { domain: ['ours', 'published'], range: [COLOURS.first, COLOURS.idle] },
          },
          tooltip: { field: 'text', type: 'nominal' },
        },
      },
      {
        mark: { type: 'text', align: 'left', dy: -9 },
        encoding: { x: { value: 0 }, y, text: { field: 'text', type: 'nominal' } },
      },
    ],
  };
}
