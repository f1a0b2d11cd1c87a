import { threeFigures, withThousands } from '../src/core/units.ts';
import type { GoodputReport } from '../src/schema/goodput.ts';
import type { Table } from './charts/chart.ts';
import { METRIC_NAMES } from './definitions.ts';
import { classText } from './format.ts';
import { boundsOf, ratioOf, type TargetGoodput } from './goodputs-verdict.ts';

/** What each target carries, a row a target in their order. */
export function goodputsTable(targets: readonly TargetGoodput[]): Table {
  const [first] = targets;
  const hasGpus = targets.some(({ report: { gpus } }) => (gpus ?? 1) > 1);
  return {
    columns: [
      '',
      'target',
      'requests/s',
      ...(targets.some(({ report: { of } }) => of === 'traffic') ? ['95 % interval'] : ['met, missed']),
      ...(hasGpus ? ['a GPU'] : []),
      `times ${letterOf(0)}`,
      'binds',
      'requests',
    ],
    rows: targets.map(({ name, report }, i) => [
      letterOf(i),
      name,
      `${rateCell(report)}${report.state === 'not_valid' ? ' (not valid)' : ''}`,
      boundsCell(report),
      ...(hasGpus ? [perGpuCell(report)] : []),
      first === undefined || i === 0 ? '-' : ratioCell(ratioOf(report, first.report)),
      report.binding === null ? '-' : `${METRIC_NAMES[report.binding]}${ofClass(report.binding_class)}`,
      withThousands(report.requests_used),
    ]),
  };
}

function ofClass(name: string | null = null): string {
  return name === null ? '' : `, class ${classText(name)}`;
}

/** The sign by which a target is called in charts, where names have no room. */
export function letterOf(index: number): string {
  return index < 26 ? String.fromCodePoint(65 + index) : String(index + 1);
}

/** `28.4`, `< 0.00566`, `>= 5,931`; `-` where it is not known. */
function rateCell(report: GoodputReport): string {
  const { low, high, rps } = boundsOf(report);
  if (low === null) return high === null ? '-' : `< ${threeFigures(high)}`;
  return high === null ? `>= ${threeFigures(low)}` : rps === null ? '-' : threeFigures(rps);
}

function boundsCell(report: GoodputReport): string {
  const { low, high } = boundsOf(report);
  return low === null || high === null ? '-' : `${threeFigures(low)}-${threeFigures(high)}`;
}

function perGpuCell({ goodput_rps_per_gpu }: GoodputReport): string {
  return goodput_rps_per_gpu === null ? '-' : threeFigures(goodput_rps_per_gpu);
}

function ratioCell(ratio: readonly [number, number] | null): string {
  return ratio === null ? '-' : `${threeFigures(ratio[0])}-${threeFigures(ratio[1])}`;
}
