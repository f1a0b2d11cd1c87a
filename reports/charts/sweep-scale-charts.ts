import type { TopLevelSpec } from 'vega-lite';
import { plainPercent, threeFigures } from '../../src/core/units.ts';
import type { SweepReport } from '../../src/schema/sweep.ts';
import { minScaleText, showsPerGpu } from '../sweep-tables.ts';
import { FEW, goodputIn, goodputText, orderNotes, rangeText, rateOf, rateUnit } from '../sweep-verdict.ts';
import type { Chart, Layers, Position } from './chart.ts';
import { targetMarks } from './target-series.ts';
import { SLO_LINE } from './theme.ts';

const HEIGHT = 240;

interface Row {
  readonly target: string;
  readonly x: number;
  readonly y: number;
  readonly low: number | null;
  readonly high: number | null;
  /** A bound, or nothing at all: drawn hollow, and no line runs to it. */
  readonly isBound: boolean;
  readonly text: string;
}

/** Goodput against the scale of the SLO, a curve a target. */
export function goodputByScale(report: SweepReport): Chart {
  const perGpu = showsPerGpu(report);
  const unit = `requests/s${perGpu ? ' per GPU' : ''}`;
  const names = report.targets.map(({ name }) => name);
  const rows = report.goodputs.map((each): Row => {
    const { rate, ci95 } = goodputIn(each, perGpu);
    const [low, high] = ci95;
    const hasBoth = low !== null && high !== null;
    return {
      target: each.target,
      x: each.slo_scale,
      y: rate ?? 0,
      low: hasBoth ? low : null,
      high: hasBoth ? high : null,
      isBound: each.state !== 'between',
      text: `${each.target} at SLO scale ${each.slo_scale}: ${goodputText(each, perGpu)}${rate === null ? '' : ` ${unit}`}`,
    };
  });
  const [order] = names.length <= FEW ? orderNotes(report) : [];
  const title = order ?? `Goodput by SLO scale, in ${unit}`;
  return {
    id: 'goodput-by-scale',
    title,
    label: `Goodput against the scale of the SLO. ${title}.`,
    note: `Every limit times the scale, of the same runs; at 1 the SLO itself. Thin uprights: 95 % intervals with both ends known; hollow: at no rate (0), or at least so much.`,
    spec: curves(rows, names, {
      x: { scale: { zero: false, nice: false }, axis: { title: 'SLO scale', grid: false, tickCount: TICKS } },
      y: { scale: { zero: true }, axis: { title: unit, tickCount: 4 } },
      slo: 'x',
    }),
    table: {
      columns: ['SLO scale', 'target', unit, '95 % interval'],
      rows: report.goodputs.map((each) => [
        String(each.slo_scale),
        each.target,
        goodputText(each, perGpu),
        rangeText(goodputIn(each, perGpu).ci95) ?? '-',
      ]),
    },
  };
}

/** The smallest scale of the SLO that is met against the rate, a curve a target. */
export function minScaleByRate(report: SweepReport): Chart {
  const names = report.targets.map(({ name }) => name);
  const rows = report.min_scales.flatMap((each): Row[] => {
    // Of a scale of 0 there is no logarithm.
    if (each.min_scale === null || each.min_scale === 0) return [];
    const [low, high] = each.ci95_scale;
    const hasBoth = low !== null && high !== null;
    return [
      {
        target: each.target,
        x: rateOf(each, report),
        y: each.min_scale,
        low: hasBoth ? low : null,
        high: hasBoth ? high : null,
        isBound: false,
        text: `${each.target} at ${threeFigures(rateOf(each, report))} ${rateUnit(report)}: ${minScaleText(each)} times the SLO`,
      },
    ];
  });
  const never = report.min_scales.length - rows.length;
  const title = `How tight the SLO could be: the smallest scale that ${plainPercent(report.at)} % meet`;
  return {
    id: 'min-scale-by-rate',
    title,
    label: `${title}, against the rate.`,
    note: `${never === 0 ? '' : `${never} of ${report.min_scales.length} runs meet it at no scale, or at any, and are not drawn. `}Dashed: the SLO itself. Thin uprights: 95 % intervals with both ends known.`,
    spec: curves(rows, names, {
      x: {
        scale: { type: 'log', nice: false },
        axis: { title: `${rateUnit(report)} (log scale)`, grid: false, format: '~g', tickCount: TICKS },
      },
      y: {
        scale: { type: 'log', nice: false },
        axis: { title: 'smallest SLO scale met (log scale)', format: '~g', tickCount: 4 },
      },
      slo: 'y',
    }),
    table: {
      columns: [rateUnit(report), 'target', 'smallest SLO scale met', '95 % interval'],
      rows: report.min_scales.map((each) => [
        threeFigures(rateOf(each, report)),
        each.target,
        minScaleText(each),
        rangeText(each.ci95_scale) ?? '-',
      ]),
    },
  };
}

const TICKS = { expr: 'ceil(width / 80)' };

type Axis = Pick<Extract<Position, { scale?: unknown }>, 'scale' | 'axis'>;

function curves(
  rows: readonly Row[],
  names: readonly string[],
  axes: { readonly x: Axis; readonly y: Axis; readonly slo: 'x' | 'y' },
): TopLevelSpec {
  const x: Position = { field: 'x', type: 'quantitative', ...axes.x };
  const y: Position = { field: 'y', type: 'quantitative', ...axes.y };
  const { color, shape } = targetMarks(names);
  const dots = (isBound: boolean): Layers[number] => ({
    data: { values: rows.filter((row) => row.isBound === isBound) },
    mark: { type: 'point', filled: !isBound, size: 50, strokeWidth: 1.5, opacity: 1 },
    encoding: { x, y, color, shape, tooltip: { field: 'text', type: 'nominal' } },
  });
  return {
    width: 'container',
    height: HEIGHT,
    layer: [
      {
        data: { values: [{ x: 1, y: 1 }] },
        mark: SLO_LINE,
        encoding: axes.slo === 'x' ? { x } : { y },
      },
      {
        data: { values: rows.filter(({ low }) => low !== null) },
        mark: { type: 'rule', strokeWidth: 1.5, opacity: 0.5 },
        encoding: { x, y: { ...y, field: 'low' }, y2: { field: 'high' }, color },
      },
      {
        data: { values: rows.filter(({ isBound }) => !isBound) },
        mark: { type: 'line', strokeWidth: 1.75 },
        encoding: { x, y, color },
      },
      dots(false),
      dots(true),
    ],
  };
}
