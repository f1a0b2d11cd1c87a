import { LATENCY_METRICS, type LatencyMetric } from '../../schema/latency.ts';
import { formatMs, formatShare, plainPercent, threeFigures, withThousands } from '../../core/units.ts';
import { listText } from '../../core/words.ts';
import { aligned, csvCell, intervalText, METRIC_NAMES, plain } from '../../../reports/index.ts';
import type { Compared, ComparedColumn, Verdicts } from './compared.ts';
import { visibleLine } from '../../core/visible-text.ts';

const STATISTICS = ['mean', 'p50', 'p90', 'p99'] as const;

/** What the rules of others leave out, said wherever they stand. */
const INDEPENDENCE =
  "Needs more: as many queries, all of them within the limit. MLPerf and GuideLLM take requests for independent. Requests that share a queue are not: a system exactly at its limit passes MLPerf's rule, which promises 1 %, in 33-75 % of runs, and GuideLLM's 95 % interval (Wilson) holds the truth in 4-31 % (scripts/calibration/independence.ts)";

/** For a terminal: an aligned table, then why the columns differ. */
export function comparedText(compared: Compared): string {
  const verdicts = verdictRows(compared.verdicts);
  return [
    `${visibleLine(compared.run_id)} by the definitions of other tools`,
    '',
    ...aligned(figureRows(compared), 'right'),
    '',
    ...notesOf(compared),
    ...(verdicts.length === 0 ? [] : ['', ...aligned(verdicts, 'right'), '', INDEPENDENCE]),
  ].join('\n');
}

/** The same for a pull request. */
export function comparedMarkdown(compared: Compared): string {
  const verdicts = verdictRows(compared.verdicts);
  return [
    `**${plain(compared.run_id)}** by the definitions of other tools`,
    '',
    ...table(figureRows(compared)),
    '',
    ...notesOf(compared).map((note) => `- ${note}`),
    '',
    ...(verdicts.length === 0 ? [] : [...table(verdicts), '', INDEPENDENCE, '']),
  ].join('\n');
}

/** A row a figure, or a part of a verdict; a column a tool, numbers in full; a header for all runs. */
export function comparedCsv(all: readonly Compared[]): string {
  const figures = all.flatMap(({ run_id, columns }) =>
    FIGURES.map(({ path, value }): CsvRow => ({
      run_id,
      path,
      cells: Object.fromEntries(columns.map((column) => [column.key, value(column)])),
    })),
  );
  const rows = [
    ...figures,
    ...all.flatMap(({ run_id, verdicts }) => verdicts.flatMap((each) => csvRows(run_id, each))),
  ];
  const tools = [...new Set(rows.flatMap(({ cells }) => Object.keys(cells)))];
  return [
    ['run_id', 'figure', ...tools],
    ...rows.map(({ run_id, path, cells }) => [run_id, path, ...tools.map((tool) => String(cells[tool] ?? ''))]),
  ]
    .map((cells) => cells.map(csvCell).join(','))
    .join('\n');
}

interface CsvRow {
  readonly run_id: string;
  readonly path: string;
  /** By the key of the tool. */
  readonly cells: Readonly<Record<string, string | number | null>>;
}

/** What each rule says of the share within a limit, and of what it says so. */
function csvRows(run_id: string, { of, wanted, within, requests, ours, guidellm, mlperf }: Verdicts): CsvRow[] {
  const row = (part: string, cells: CsvRow['cells']): CsvRow => ({ run_id, path: `${of}.${wanted}.${part}`, cells });
  const asked = (cell: string | number | null | undefined, tool: string): CsvRow['cells'] =>
    cell === undefined ? {} : { [tool]: cell };
  const interval = (end: 0 | 1): CsvRow['cells'] => ({
    reprise: ours.ci95?.[end] ?? null,
    ...asked(guidellm?.ci95[end], 'guidellm'),
  });
  return [
    row('verdict', {
      reprise: ours.verdict,
      ...asked(guidellm?.verdict, 'guidellm'),
      ...(mlperf === null ? {} : { mlperf: mlperf.passes ? 'met' : 'unsure' }),
    }),
    row('share', { reprise: within / requests }),
    row('ci95_low', interval(0)),
    row('ci95_high', interval(1)),
    ...(mlperf === null ? [] : [row('queries_needed', { mlperf: mlperf.queries_needed })]),
  ];
}

interface Figure {
  readonly label: string;
  /** As the JSON form has it. */
  readonly path: string;
  value(column: ComparedColumn): number | null;
  text(value: number): string;
}

const FIGURES: readonly Figure[] = [
  ...LATENCY_METRICS.flatMap((metric: LatencyMetric) =>
    STATISTICS.map((statistic) => ({
      label: `${METRIC_NAMES[metric]} ${statistic}`,
      path: `latency_ms.${metric}.${statistic}`,
      value: ({ latency_ms }: ComparedColumn) => latency_ms[metric][statistic],
      text: formatMs,
    })),
  ),
  { label: 'requests', path: 'requests', value: ({ requests }) => requests, text: withThousands },
  { label: 'answered', path: 'answered', value: ({ answered }) => answered, text: withThousands },
  {
    label: 'good requests/s',
    path: 'good_requests_per_s',
    value: ({ good_requests_per_s }) => good_requests_per_s,
    text: threeFigures,
  },
  { label: 'good', path: 'good_share', value: ({ good_share }) => good_share, text: formatShare },
];

function figureRows({ columns }: Compared): string[][] {
  return [
    ['', ...columns.map(({ name }, i) => `${name} [${i + 1}]`)],
    ...FIGURES.map(({ label, value, text }) => [
      label,
      ...columns.map((column) => {
        const figure = value(column);
        return figure === null ? missingText(column, label) : text(figure);
      }),
    ]),
  ];
}

/** A percentile of ours falls on a failed request; what others do not define has none. */
function missingText({ key, requests, answered }: ComparedColumn, label: string): string {
  return key === 'reprise' && / p\d+$/.test(label) && answered < requests ? 'fails' : '-';
}

function notesOf({ columns }: Compared): string[] {
  return [
    ...columns.map(({ name, notes }, i) => `[${i + 1}] ${name}: ${notes.join('; ')}.`),
    ...(columns.length > 1
      ? [
          `Times of ${listText(columns.slice(1).map(({ name }) => name))} count from the send, connecting included, and are of answered requests alone.`,
        ]
      : []),
  ];
}

const VERDICT_TEXT = { met: 'met', missed: 'missed', unsure: 'cannot be told' } as const;

function verdictRows(verdicts: readonly Verdicts[]): string[][] {
  if (verdicts.length === 0) return [];
  const byWilson = verdicts.some(({ guidellm }) => guidellm !== null);
  const byMlperf = verdicts.some(({ mlperf }) => mlperf !== null);
  return [
    [
      'within the limit',
      'share',
      'wanted',
      'Reprise (95 % interval)',
      ...(byWilson ? ['GuideLLM (Wilson)'] : []),
      ...(byMlperf ? ['MLPerf early stopping'] : []),
    ],
    ...verdicts.map(({ of, wanted, within, requests, ours, guidellm, mlperf }) => [
      of === 'slo' ? 'whole SLO' : METRIC_NAMES[of],
      formatShare(within / requests),
      `${plainPercent(wanted)} %`,
      verdictText(ours),
      ...(byWilson ? [guidellm === null ? '-' : verdictText(guidellm)] : []),
      ...(byMlperf ? [mlperf === null ? '-' : mlperfText(mlperf, requests)] : []),
    ]),
  ];
}

function verdictText({ ci95, verdict }: Verdicts['ours']): string {
  return ci95 === null ? `${VERDICT_TEXT[verdict]} (no interval)` : `${VERDICT_TEXT[verdict]} (${intervalText(ci95)})`;
}

function mlperfText({ passes, queries_needed }: NonNullable<Verdicts['mlperf']>, requests: number): string {
  return passes ? 'passes' : `needs ${withThousands(queries_needed - requests)} more`;
}

function table([header = [], ...rows]: readonly (readonly string[])[]): string[] {
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  return [line(header), line(header.map((_, i) => (i === 0 ? '---' : '---:'))), ...rows.map(line)];
}
