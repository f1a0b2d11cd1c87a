import { REQUEST_LATENCIES } from '../src/core/slo.ts';
import { formatMs, threeFigures, withThousands } from '../src/core/units.ts';
import type { GoodputProbe, GoodputReport } from '../src/schema/goodput.ts';
import type { Table } from './charts/chart.ts';
import { intervalText } from './format.ts';
import {
  hasPooled,
  limited,
  missedMostText,
  pooled,
  quantileMs,
  quantileName,
  type RateGroup,
  rateGroups,
  ratesText,
} from './goodput-rates.ts';
import { shareText } from './goodput-share.ts';

/** What was seen at each rate: every run of a trace; of traffic the probes, then its segments pooled by rate. */
export function goodputTable(report: GoodputReport): Table {
  return tableOf(report, rateGroups(report));
}

/** Every run, probe and segment by itself, in the order of `goodput.json`. */
export function probesTable(report: GoodputReport): Table {
  return tableOf(
    report,
    report.probes.map((each) => ({ kind: each.kind, probes: [each], rateRps: each.rate_rps })),
  );
}

/** What the figures of a row of several segments are, for above `goodputTable`; null: it has none. */
export function pooledNote(report: GoodputReport): string | null {
  if (!hasPooled(rateGroups(report))) return null;
  const measured = REQUEST_LATENCIES.some((metric) => limited(report).includes(metric));
  return `A row of several segments: "meet the SLO" is of all their requests${measured ? '; p90 is the median (of two the lower) of the p90 of each segment' : ''}`;
}

interface Column {
  readonly name: string;
  readonly cell: (group: RateGroup) => string;
}

function tableOf(report: GoodputReport, groups: readonly RateGroup[]): Table {
  const columns: readonly Column[] = [
    { name: 'requests/s', cell: ratesText },
    ...(report.of === 'traffic'
      ? [
          { name: 'from', cell: kindText },
          { name: 'requests', cell: (group: RateGroup) => withThousands(pooled(group).requests) },
        ]
      : []),
    { name: 'meet the SLO', cell: (group) => shareText(pooled(group), report.at) },
    ...(report.probes.some(({ ci95 }) => ci95 !== null) ? [{ name: '95 % interval', cell: ofInterval }] : []),
    ...REQUEST_LATENCIES.filter((metric) => limited(report).includes(metric)).map((metric) => ({
      name: quantileName(groups, metric, 'p90'),
      cell: (group: RateGroup) => msText(quantileMs(group, metric, 'p90')),
    })),
    { name: 'misses most', cell: missedMostText },
    ...(report.of === 'trace' ? [{ name: 'run', cell: dirText }] : []),
  ];
  return {
    columns: columns.map(({ name }) => name),
    rows: groups.map((group) => columns.map(({ cell }) => cell(group))),
  };
}

/** For a terminal: what the name of a column has in brackets stands under it. */
export function stacked({ columns, rows }: Table): Table {
  const names = columns.map((name) => name.split(/ (?=\()/));
  if (names.every(({ length }) => length === 1)) return { columns, rows };
  return { columns: names.map(([name = '']) => name), rows: [names.map(([, under = '']) => under), ...rows] };
}

/** As much of a table as a line holds: columns go in the order given until it fits, the last of all where it does not. */
export function narrowed({ columns, rows }: Table, dispensable: readonly string[], width: number): Table {
  const widthOf = (column: number): number =>
    Math.max(...[columns, ...rows].map((row) => row[column]?.length ?? 0)) + 2;
  const total = columns.reduce((sum, _, column) => sum + widthOf(column), -2);
  const drop = columns.indexOf(dispensable.find((name) => columns.includes(name)) ?? '');
  if (total <= width || drop === -1) return { columns, rows };
  return narrowed(
    { columns: columns.toSpliced(drop, 1), rows: rows.map((row) => row.toSpliced(drop, 1)) },
    dispensable,
    width,
  );
}

/** `probe`, `12 segments`. */
function kindText({ kind, probes }: RateGroup): string {
  return probes.length === 1 ? kind : `${withThousands(probes.length)} ${kind}s`;
}

function ofInterval({ probes }: RateGroup): string {
  const ci95 = probes.length === 1 ? (probes[0]?.ci95 ?? null) : null;
  return ci95 === null ? '-' : intervalText(ci95);
}

function msText(ms: number | null): string {
  return ms === null ? '-' : formatMs(ms);
}

function dirText({ probes }: RateGroup): string {
  const [{ dir = null, valid = true } = {}] = probes;
  return `${dir ?? 'not kept'}${valid ? '' : ' (not valid)'}`;
}

/** A probe in words: `27.4 requests/s: 97.8 % of 400 meet the SLO`. */
export function probeText(probe: GoodputProbe, at: number): string {
  const what = { run: '', probe: ', from an empty system', segment: ', on a running system' }[probe.kind];
  const cut = probe.attainment === null ? ', cut when that was settled' : '';
  return `${threeFigures(probe.rate_rps)} requests/s${what}: ${shareText(probe, at)} of ${withThousands(probe.requests)} meet the SLO${cut}`;
}
