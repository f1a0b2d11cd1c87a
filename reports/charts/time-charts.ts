import type { Summary } from '../../src/schema/summary.ts';
import { formatMs, formatShare, threeFigures } from '../../src/core/units.ts';
import type { ReportData } from '../data/report-data.ts';
import type { ServerBin, ServerTimeline } from '../data/server-timeline.ts';
import type { TimeBins, Timeline, TimelineBin } from '../data/timeline.ts';
import { amountText, countText, secondsText } from '../format.ts';
import type { Chart } from './chart.ts';
import { COLOURS } from './theme.ts';
import {
  attainmentTitle,
  inFlightTitle,
  kvUsageTitle,
  latenessTitle,
  loadTitle,
  prefixHitsTitle,
  serverLoadTitle,
  tokensTitle,
} from './time-findings.ts';
import { binsText, durationS, perSecond, shadeText, type Span, timePanel, type TimeSeries } from './time-panel.ts';

/** A panel over time: what tells it apart from the other panels. */
interface TimeChart<Bin extends Span, Line extends TimeBins<Bin>> {
  readonly id: string;
  readonly height?: number;
  readonly yTitle: string;
  /** A y axis from 0 to 100 %. */
  readonly isShare?: boolean;
  readonly series: readonly TimeSeries<Bin>[];
  readonly title: (line: Line) => string;
  /** The first sentence of the label, without its full stop. `over` is e.g. `over 60 s`. */
  readonly label: (over: string, line: Line) => string;
  /** Population: `40 requests`. */
  readonly n: (line: Line) => string;
  readonly note: (line: Line) => string;
  /** Columns of the table by their head. */
  readonly columns: Readonly<Record<string, (bin: Bin) => string>>;
  /** Without it the chart is always shown. */
  readonly isShown?: (line: Line, summary: Summary) => boolean;
  /** Tooltip of a bin in which no series has a value. */
  readonly nothing?: string;
}

const HEIGHT = 110;

/** The panels of a run over time, the client's and then the server's. */
export function timeCharts(summary: Summary, { timeline, server }: Pick<ReportData, 'timeline' | 'server'>): Chart[] {
  return [
    ...CLIENT_CHARTS.flatMap((row) => timeChart(row, timeline, summary)),
    ...(server === null ? [] : SERVER_CHARTS.flatMap((row) => timeChart(row, server, summary))),
  ];
}

function timeChart<Bin extends Span, Line extends TimeBins<Bin>>(
  row: TimeChart<Bin, Line>,
  line: Line,
  summary: Summary,
): Chart[] {
  if (row.isShown !== undefined && !row.isShown(line, summary)) return [];
  const { id, height = HEIGHT, columns } = row;
  const title = row.title(line);
  return [
    {
      id,
      title,
      label: `${row.label(`over ${secondsText(durationS(line.bins))}`, line)}. ${title}.`,
      note: `n = ${row.n(line)}; ${row.note(line)}.`,
      spec: timePanel(line, { ...row, height }),
      table: {
        columns: ['from (s)', ...Object.keys(columns)],
        rows: line.bins.map((bin) => [String(bin.from_s), ...Object.values(columns).map((cell) => cell(bin))]),
      },
    },
  ];
}

const percentCell = (share: number | null): string => (share === null ? '-' : (share * 100).toFixed(1));
const amountCell = (amount: number | null): string => (amount === null ? '-' : amountText(amount));
const requestsOf = ({ requests }: Timeline): string => countText(requests, 'request');

/** What the client saw, from records. */
const CLIENT_CHARTS: readonly TimeChart<TimelineBin, Timeline>[] = [
  {
    // Areas, lines and bars are told apart without colour too.
    id: 'load',
    height: 150,
    yTitle: 'requests/s',
    series: [
      { name: 'arrivals', mark: 'area', color: COLOURS.first, value: (bin) => bin.arrivals_per_s, text: perSecond },
      {
        name: 'failures',
        mark: 'bar',
        color: COLOURS.bad,
        value: (bin) => (bin.failures_per_s === 0 ? null : bin.failures_per_s),
        text: perSecond,
        isOptional: true,
      },
      {
        name: 'completions',
        mark: 'line',
        color: COLOURS.second,
        value: (bin) => bin.completions_per_s,
        text: perSecond,
      },
    ],
    title: loadTitle,
    label: (over, line) => `Arrivals, completions${hasFailures(line) ? ' and failures' : ''} per second ${over}`,
    n: requestsOf,
    note: (line) =>
      `arrivals as an area, completions as a line${hasFailures(line) ? ', failures as bars' : ''}; ${binsText(line)}`,
    columns: {
      'arrivals (1/s)': (bin) => threeFigures(bin.arrivals_per_s),
      'completions (1/s)': (bin) => threeFigures(bin.completions_per_s),
      'failures (1/s)': (bin) => threeFigures(bin.failures_per_s),
    },
  },
  {
    // How much the server holds at once.
    id: 'in-flight',
    yTitle: 'requests in flight',
    series: [
      { name: 'in flight', mark: 'area', color: COLOURS.first, value: (bin) => bin.in_flight, text: threeFigures },
    ],
    title: inFlightTitle,
    label: (over) => `Requests in flight ${over}`,
    n: requestsOf,
    note: (line) => `sent and not ended, averaged over ${binsText(line)}`,
    columns: { 'in flight (requests)': (bin) => threeFigures(bin.in_flight) },
  },
  {
    // Counted when they reached the client.
    id: 'tokens',
    yTitle: 'output tokens/s',
    series: [
      {
        name: 'output',
        mark: 'area',
        color: COLOURS.first,
        value: (bin) => bin.output_tokens_per_s,
        text: (value) => `${threeFigures(value)} tokens/s`,
      },
    ],
    title: tokensTitle,
    label: (over) => `Output tokens per second ${over}`,
    n: ({ tokens }) => countText(tokens, 'token'),
    note: binsText,
    columns: { 'output (tokens/s)': (bin) => threeFigures(bin.output_tokens_per_s) },
  },
  {
    id: 'attainment',
    yTitle: 'share that meets the SLO',
    isShare: true,
    series: [
      { name: 'attainment', mark: 'line', color: COLOURS.first, value: (bin) => bin.attainment, text: formatShare },
    ],
    title: attainmentTitle,
    label: (over) => `Share of requests that met the SLO ${over}`,
    n: ({ measured_requests, excluded }) =>
      countText(measured_requests, excluded.length === 0 ? 'request' : 'measured request'),
    note: (line) =>
      `by due time, in a moving window of ${secondsText(line.window_s)}; no line where fewer than 10 requests were due${shadeText(line)}`,
    columns: { 'attainment (%)': (bin) => percentCell(bin.attainment) },
    // A run with too few requests for a moving window has no such line.
    isShown: ({ bins }) => bins.some(({ attainment }) => attainment !== null),
  },
  {
    // Where the client fell behind, latencies are not the server's alone.
    id: 'lateness',
    yTitle: 'client lateness (ms)',
    series: [{ name: 'lateness', mark: 'area', color: COLOURS.first, value: (bin) => bin.lateness_ms, text: formatMs }],
    title: latenessTitle,
    label: (over) => `How long after their due time requests were sent, ${over}`,
    n: requestsOf,
    note: (line) => `by due time, the latest in each of ${binsText(line)}`,
    columns: {
      'latest (ms)': ({ lateness_ms }) => (lateness_ms === null ? '-' : String(Number(lateness_ms.toPrecision(6)))),
    },
    // In virtual time no client can be late.
    isShown: (_, { validity }) => validity.lateness_ms !== null,
  },
];

const OF_SERVER = {
  n: ({ scrapes }: ServerTimeline): string => `${countText(scrapes, 'scrape')} of the server's metrics`,
  nothing: 'the server told nothing',
};
const KV_USAGE = 'KV cache in use';
const PREFIX_HITS = 'prefix cache hit rate';

/** What the server's metrics say, each only where they say it. */
const SERVER_CHARTS: readonly TimeChart<ServerBin, ServerTimeline>[] = [
  {
    ...OF_SERVER,
    id: 'server-load',
    yTitle: 'requests in the server',
    series: [
      { name: 'running', mark: 'area', color: COLOURS.first, value: (bin) => bin.running, text: amountText },
      { name: 'waiting', mark: 'line', color: COLOURS.second, value: (bin) => bin.waiting, text: amountText },
    ],
    title: serverLoadTitle,
    label: (over) => `Requests running and waiting in the server ${over}, as it says`,
    note: (line) => `running as an area, waiting as a line; ${binsText(line)}`,
    columns: {
      'running (requests)': (bin) => amountCell(bin.running),
      'waiting (requests)': (bin) => amountCell(bin.waiting),
    },
    isShown: ({ bins }) => bins.some(({ running, waiting }) => running !== null || waiting !== null),
  },
  {
    // At 100 %, requests wait or are preempted.
    ...OF_SERVER,
    id: 'server-kv',
    yTitle: KV_USAGE,
    isShare: true,
    series: [{ name: KV_USAGE, mark: 'area', color: COLOURS.first, value: (bin) => bin.kv_usage, text: formatShare }],
    title: kvUsageTitle,
    label: (over) => `Share of the KV cache in use, of the fullest engine, ${over}, as the server says`,
    note: (line) => `KV cache in use, of the fullest engine; ${binsText(line)}`,
    columns: { [`${KV_USAGE} (%)`]: (bin) => percentCell(bin.kv_usage) },
    isShown: ({ bins }) => bins.some(({ kv_usage }) => kv_usage !== null),
  },
  {
    // There is no line where no prompt token was looked for.
    ...OF_SERVER,
    id: 'server-prefix',
    yTitle: PREFIX_HITS,
    isShare: true,
    series: [
      {
        name: PREFIX_HITS,
        mark: 'line',
        color: COLOURS.first,
        value: (bin) => bin.prefix_hit_rate,
        text: formatShare,
      },
    ],
    title: prefixHitsTitle,
    label: (over) =>
      `Share of the prompt tokens found in the prefix cache, of those looked for, ${over}, as the server says`,
    note: (line) => `prompt tokens found in the prefix cache, of those looked for; ${binsText(line)}`,
    columns: { [`${PREFIX_HITS} (%)`]: (bin) => percentCell(bin.prefix_hit_rate) },
    // Where no prompt of the workload begins like another, a cache without a hit is no news.
    isShown: ({ bins }, { workload }) =>
      bins.some(({ prefix_hit_rate }) => prefix_hit_rate !== null) &&
      (workload.prefix_reuse !== null || bins.some(({ prefix_hit_rate }) => (prefix_hit_rate ?? 0) > 0)),
  },
];

function hasFailures({ bins }: Timeline): boolean {
  return bins.some(({ failures_per_s }) => failures_per_s > 0);
}
