import type { TopLevelSpec } from 'vega-lite';
import { plainPercent } from '../../src/core/units.ts';
import { gpusOfPair, isAhead, type SweepGoodput, type SweepReport } from '../../src/schema/sweep.ts';
import { METRIC_NAMES } from '../definitions.ts';
import { limitsText } from '../format.ts';
import { showsPerGpu } from '../sweep-tables.ts';
import { goodputIn, goodputText, ownGoodputs, rangeText } from '../sweep-verdict.ts';
import type { Chart, Position } from './chart.ts';
import { targetMarks } from './target-series.ts';
import { COLOURS } from './theme.ts';

/** Room for a bar and the words above it, in pixels. */
const ROW = 46;

/** The goodput of each target at the SLO itself, as bars from 0 with their intervals. */
export function goodputBars(report: SweepReport): Chart {
  const perGpu = showsPerGpu(report);
  const unit = `requests/s${perGpu ? ' per GPU' : ''}`;
  const goodputs = ownGoodputs(report);
  const title = titleOf(report, goodputs, perGpu, unit);
  const words = goodputs.map((each) => wordsOf(each, perGpu));
  return {
    id: 'goodput-bars',
    title,
    label: `Goodput of each target, in ${unit}. ${words.join('; ')}.`,
    note: `The highest rate at which ${plainPercent(report.at)} % meet ${limitsText(report.slo.limits_ms)}, as at every lower rate of the grid. The thin line is its 95 % interval, drawn where both of its ends are known; an open end of a bar is a bound: the highest rate tried still met.`,
    spec: spec(goodputs, { perGpu, unit, names: report.targets.map(({ name }) => name) }),
    table: {
      columns: ['target', unit, 'requests/s', '95 % interval', 'binds'],
      rows: goodputs.map((each) => [
        each.target,
        goodputText(each, perGpu),
        goodputText(each, false),
        rangeText(goodputIn(each, perGpu).ci95) ?? '-',
        each.binding === null ? '-' : METRIC_NAMES[each.binding],
      ]),
    },
  };
}

/** Names who carries most, where one is ahead of every other on the grid. */
function titleOf({ targets }: SweepReport, goodputs: readonly SweepGoodput[], perGpu: boolean, unit: string): string {
  if (goodputs.every(({ state }) => state === 'none')) return 'The SLO is met at no rate that was tried';
  const [only, ...others] = goodputs;
  if (only !== undefined && others.length === 0) return `Carries ${goodputText(only, perGpu)} ${unit}`;
  const best = goodputs.find((one, i) =>
    goodputs.every((other, j) => {
      const [mine, theirs] = [targets[i], targets[j]];
      return i === j || (mine !== undefined && theirs !== undefined && isAhead(one, other, gpusOfPair(mine, theirs)));
    }),
  );
  return best === undefined
    ? `Goodput in ${unit}`
    : `${best.target} carries most: ${goodputText(best, perGpu)} ${unit}`;
}

function wordsOf(goodput: SweepGoodput, perGpu: boolean): string {
  const range = rangeText(goodputIn(goodput, perGpu).ci95);
  const binds = goodput.binding === null ? '' : `, ${METRIC_NAMES[goodput.binding]} binds`;
  return `${goodput.target}: ${goodputText(goodput, perGpu)}${range === null ? '' : ` (${range})`}${binds}${goodput.valid ? '' : ', not valid'}`;
}

function spec(
  goodputs: readonly SweepGoodput[],
  { perGpu, unit, names }: { readonly perGpu: boolean; readonly unit: string; readonly names: readonly string[] },
): TopLevelSpec {
  const rows = goodputs.map((each, i) => {
    const { rate, ci95 } = goodputIn(each, perGpu);
    const [low, high] = ci95;
    const hasBoth = low !== null && high !== null;
    return {
      target: each.target,
      row: String(i),
      zero: 0,
      rate: rate ?? 0,
      low: hasBoth ? low : null,
      high: hasBoth ? high : null,
      isBound: each.state === 'all',
      words: wordsOf(each, perGpu),
    };
  });
  const x: Position = {
    field: 'rate',
    type: 'quantitative',
    // Where nothing is carried there is an axis all the same.
    scale: { domainMin: 0, nice: true, ...(rows.every(({ rate }) => rate === 0) ? { domainMax: 1 } : {}) },
    axis: { title: unit, tickCount: { expr: 'ceil(width / 90)' }, grid: false },
  };
  const y: Position = {
    field: 'row',
    type: 'ordinal',
    sort: null,
    scale: { paddingInner: 0, paddingOuter: 0 },
    axis: null,
  };
  const { color } = targetMarks(names);
  const tooltip = { field: 'words', type: 'nominal' } as const;
  const height = 14;
  const below = { yOffset: 10 };
  return {
    width: 'container',
    height: ROW * rows.length,
    layer: [
      {
        data: { values: rows.filter(({ isBound }) => !isBound) },
        mark: { type: 'bar', height, ...below },
        encoding: { x, y, color: { ...color, legend: null }, tooltip },
      },
      {
        data: { values: rows.filter(({ isBound }) => isBound) },
        mark: { type: 'bar', height, ...below, filled: false, strokeWidth: 2, strokeDash: [4, 3] },
        encoding: { x, y, color: { ...color, legend: null }, tooltip },
      },
      {
        data: { values: rows.filter(({ low }) => low !== null) },
        mark: { type: 'rule', strokeWidth: 2, color: COLOURS.ink, ...below },
        encoding: { x: { ...x, field: 'low' }, x2: { field: 'high' }, y, tooltip },
      },
      {
        data: { values: rows },
        mark: { type: 'text', align: 'left', dx: 2, dy: -8 },
        encoding: { x: { ...x, field: 'zero' }, y, text: { field: 'words', type: 'nominal' } },
      },
    ],
  };
}
