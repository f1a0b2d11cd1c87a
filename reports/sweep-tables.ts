import { formatShare, threeFigures, threeFiguresUp } from '../src/core/units.ts';
import type { SweepMinScale, SweepPoint, SweepReport } from '../src/schema/sweep.ts';
import type { Table } from './charts/chart.ts';
import { METRIC_NAMES } from './definitions.ts';
import { intervalText } from './format.ts';
import { goodputIn, goodputText, rangeText, rateOf, rateUnit } from './sweep-verdict.ts';

/** A table with what it holds. */
export interface NamedTable extends Table {
  readonly title: string;
}

/** The tables of a sweep for a terminal and for markdown: a row a rate or a scale, a column a target. */
export function sweepTables(report: SweepReport): NamedTable[] {
  const isOneScale = report.slo_scales.length === 1;
  return [attainmentTable(report), ...(isOneScale ? [] : [goodputTable(report), minScaleTable(report)])];
}

function attainmentTable(report: SweepReport): NamedTable {
  return {
    title: 'Meet the SLO, by rate (95 % interval)',
    columns: [rateUnit(report), ...report.targets.map(({ name }) => name)],
    rows: byRate(
      report,
      report.points.filter(({ slo_scale }) => slo_scale === 1),
      ({ attainment, ci95, overloaded, valid }) => {
        const interval = overloaded ? ' (overloaded)' : ci95 === null ? '' : ` (${intervalText(ci95)})`;
        return `${formatShare(attainment)}${interval}${valid ? '' : ' not valid'}`;
      },
    ),
  };
}

function goodputTable(report: SweepReport): NamedTable {
  const { targets, slo_scales, goodputs } = report;
  const perGpu = showsPerGpu(report);
  return {
    title: `Goodput in requests/s${perGpu ? ' per GPU' : ''}, by SLO scale, interpolated between rates (95 % interval)`,
    columns: ['SLO scale', ...targets.map(({ name }) => name)],
    rows: slo_scales.map((scale) => [
      String(scale),
      ...targets.map(({ name }) => {
        const found = goodputs.find(({ target, slo_scale }) => target === name && slo_scale === scale);
        if (found === undefined) return '-';
        const range = rangeText(goodputIn(found, perGpu).ci95);
        return `${goodputText(found, perGpu)}${range === null ? '' : ` (${range})`}`;
      }),
    ]),
  };
}

function minScaleTable(report: SweepReport): NamedTable {
  return {
    title: 'Smallest SLO scale that is met, by rate',
    columns: [rateUnit(report), ...report.targets.map(({ name }) => name)],
    rows: byRate(report, report.min_scales, minScaleText),
  };
}

/** `0.830`; `none` where too many requests failed. */
export function minScaleText({ min_scale }: SweepMinScale): string {
  return min_scale === null ? 'none' : threeFiguresUp(min_scale);
}

/** Whether goodputs are shown per GPU: where every target's GPUs are known. */
export function showsPerGpu({ targets }: SweepReport): boolean {
  return targets.every(({ gpus }) => gpus !== null);
}

type OfRun = Pick<SweepPoint, 'target' | 'rate_rps' | 'rate_rps_per_gpu'>;

function byRate<T extends OfRun>(report: SweepReport, runs: readonly T[], cell: (run: T) => string): string[][] {
  const rates = [...new Set(runs.map((run) => rateOf(run, report)))].toSorted((a, b) => a - b);
  return rates.map((rate) => [
    threeFigures(rate),
    ...report.targets.map(({ name }) => {
      const run = runs.find((each) => each.target === name && rateOf(each, report) === rate);
      return run === undefined ? '-' : cell(run);
    }),
  ]);
}

/** Columns of the table that has a row a run, the run itself last. */
export function runsTable(report: SweepReport): Table & { readonly dirs: readonly string[] } {
  const points = report.points.filter(({ slo_scale }) => slo_scale === 1);
  return {
    columns: ['target', rateUnit(report), 'meet the SLO', '95 % interval', 'misses most', 'SLO scale met', 'run'],
    rows: points.map((point) => {
      const { target, rate_rps, attainment, ci95, overloaded, binding, valid, dir } = point;
      const smallest = report.min_scales.find((each) => each.target === target && each.rate_rps === rate_rps);
      return [
        target,
        threeFigures(rateOf(point, report)),
        formatShare(attainment),
        ci95 === null ? (overloaded ? 'overloaded' : '-') : intervalText(ci95),
        binding === null ? '-' : METRIC_NAMES[binding],
        smallest === undefined ? '-' : minScaleText(smallest),
        `${dir}${valid ? '' : ' (not valid)'}`,
      ];
    }),
    dirs: points.map(({ dir }) => dir),
  };
}
