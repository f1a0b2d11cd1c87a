import { GOAL } from '../../src/core/slo.ts';
import type { Summary } from '../../src/schema/summary.ts';
import { formatMs, formatShare, threeFigures } from '../../src/core/units.ts';
import type { ReportData } from '../data/report-data.ts';
import type { ServerBin, ServerTimeline } from '../data/server-timeline.ts';
import { MIN_WINDOW_REQUESTS, type TimeBins, type Timeline, type TimelineBin } from '../data/timeline.ts';
import { countText } from '../../src/core/words.ts';
import { amountText, axisTimeText, goalText, populationText, secondsText } from '../format.ts';
import type { Candidate, Chart } from './chart.ts';
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
  /** What is plotted, where the chart is left out. */
  readonly name: string;
  readonly height?: number;
  readonly yTitle: string;
  /** A y axis from 0 to 100 %. */
  readonly isShare?: boolean;
  readonly series: readonly TimeSeries<Bin>[];
  readonly title: (line: Line, summary: Summary) => string;
  /** The first sentence of the label, without its full stop. `over` is e.g. `over 60 s`. */
  readonly label: (over: string, line: Line) => string;
  /** Population: `40 requests, 2 failed`. */
  readonly n: (line: Line) => string;
  /** How much data there is, and how much of it makes a chart. */
  readonly of: (line: Line) => Omit<Candidate, 'name' | 'draw'>;
  readonly note: (line: Line) => string;
  /** Columns of the table by their head. */
  readonly columns: Readonly<Record<string, (bin: Bin) => string>>;
  /** Whether there is anything to show. Without it there always is. */
  readonly isShown?: (line: Line, summary: Summary) => boolean;
  /** Tooltip of a bin in which no series has a value. */
  readonly nothing?: string;
  /** A level to compare with. */
  readonly level?: { readonly value: number; readonly text: string };
}

const HEIGHT = 110;

/** The panels of a run over time, the client's and then the server's. */
export function timeCharts(
  summary: Summary,
  { timeline, server }: Pick<ReportData, 'timeline' | 'server'>,
): Candidate[] {
  const at = summary.slo?.at ?? GOAL;
  const wanted = { value: at, text: `${goalText(at)} wanted` };
  return [
    ...CLIENT_CHARTS.flatMap((row) =>
      timeChart(row.id === 'attainment' ? { ...row, level: wanted } : row, timeline, summary),
    ),
    ...(server === null ? [] : SERVER_CHARTS.flatMap((row) => timeChart(row, server, summary))),
  ];
}

function timeChart<Bin extends Span, Line extends TimeBins<Bin>>(
  row: TimeChart<Bin, Line>,
  line: Line,
  summary: Summary,
): Candidate[] {
  if (row.isShown !== undefined && !row.isShown(line, summary)) return [];
  return [{ name: row.name, ...row.of(line), draw: () => drawn(row, line, summary) }];
}

function drawn<Bin extends Span, Line extends TimeBins<Bin>>(
  row: TimeChart<Bin, Line>,
  line: Line,
  summary: Summary,
): Chart {
  const { id, height = HEIGHT, columns } = row;
  const title = row.title(line, summary);
  const endS = durationS(line.bins);
  return {
    id,
    title,
    label: `${row.label(`over ${axisTimeText(endS, endS)}`, line)}. ${title}.`,
    note: `n = ${row.n(line)}; ${row.note(line)}.`,
    spec: timePanel(line, { ...row, height }),
    table: {
      columns: ['from (s)', ...Object.keys(columns)],
      rows: line.bins.map((bin) => [String(bin.from_s), ...Object.values(columns).map((cell) => cell(bin))]),
    },
  };
}

const percentCell = (share: number | null): string => (share === null ? '-' : (share * 100).toFixed(1));
const amountCell = (amount: number | null): string => (amount === null ? '-' : amountText(amount));

/** Few requests make no course over time, and two scrapes are its ends. */
const LEAST_REQUESTS = 5;
const LEAST_SCRAPES = 3;

const OF_REQUESTS = {
  n: ({ requests, failed }: Timeline): string => populationText(requests, 'request', failed),
  of: ({ requests }: Timeline) => ({ n: requests, noun: 'request', least: LEAST_REQUESTS }),
};

/** What the client saw, from records. */
const CLIENT_CHARTS: readonly TimeChart<TimelineBin, Timeline>[] = [
  {
    // Areas, lines and bars are told apart without colour too.
    ...OF_REQUESTS,
    id: 'load',
    name: 'arrivals',
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
    ...OF_REQUESTS,
    id: 'in-flight',
    name: 'requests in flight',
    yTitle: 'requests in flight',
    series: [
      { name: 'in flight', mark: 'area', color: COLOURS.first, value: (bin) => bin.in_flight, text: threeFigures },
    ],
    title: inFlightTitle,
    label: (over) => `Requests in flight ${over}`,
    note: (line) => `sent and not ended, as means over ${binsText(line)}`,
    columns: { 'in flight (requests)': (bin) => threeFigures(bin.in_flight) },
  },
  {
    // Counted when they reached the client.
    id: 'tokens',
    name: 'output tokens',
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
    of: OF_REQUESTS.of,
    n: (line) => `${countText(line.tokens, 'token')} of ${OF_REQUESTS.n(line)}`,
    note: binsText,
    columns: { 'output (tokens/s)': (bin) => threeFigures(bin.output_tokens_per_s) },
  },
  {
    id: 'attainment',
    name: 'attainment',
    yTitle: 'share that meets the SLO',
    isShare: true,
    series: [
      { name: 'attainment', mark: 'line', color: COLOURS.first, value: (bin) => bin.attainment, text: formatShare },
    ],
    title: attainmentTitle,
    label: (over) => `Share of requests that met the SLO ${over}`,
    of: ({ bins }) => ({
      n: bins.reduce((most, { window_requests }) => Math.max(most, window_requests), 0),
      noun: 'request',
      per: 'in a window',
      least: MIN_WINDOW_REQUESTS,
    }),
    n: ({ measured_requests, measured_failed, excluded }) =>
      populationText(measured_requests, excluded.length === 0 ? 'request' : 'measured request', measured_failed),
    note: (line) =>
      `by due time, in a moving window of ${secondsText(line.window_s)}; no line where fewer than ${MIN_WINDOW_REQUESTS} requests were due${shadeText(line)}`,
    columns: { 'attainment (%)': (bin) => percentCell(bin.attainment) },
    isShown: (_, { slo }) => slo !== null,
  },
  {
    // Where the client fell behind, latencies are not the server's alone.
    ...OF_REQUESTS,
    id: 'lateness',
    name: 'client lateness',
    yTitle: 'client lateness (ms)',
    series: [{ name: 'lateness', mark: 'area', color: COLOURS.first, value: (bin) => bin.lateness_ms, text: formatMs }],
    title: latenessTitle,
    label: (over) => `How long after their due time requests were sent, ${over}`,
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
  of: ({ scrapes }: ServerTimeline) => ({ n: scrapes, noun: 'scrape', least: LEAST_SCRAPES }),
  nothing: 'the server told nothing',
};
const KV_USAGE = 'KV cache in use';
const PREFIX_HITS = 'prefix cache hit rate';

/** What the server's metrics say, each only where they say it. */
const SERVER_CHARTS: readonly TimeChart<ServerBin, ServerTimeline>[] = [
  {
    ...OF_SERVER,
    id: 'server-load',
    name: 'requests in the server',
    yTitle: 'requests in the server',
    series: [
      { name: 'running', mark: 'area', color: COLOURS.first, value: (bin) => bin.running, text: amountText },
      { name: 'waiting', mark: 'line', color: COLOURS.second, value: (bin) => bin.waiting, text: amountText },
    ],
    title: serverLoadTitle,
    label: (over) => `Requests running and waiting in the server ${over}, as it says`,
    note: (line) => `running as an area, waiting as a line, as means of the scrapes in ${binsText(line)}`,
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
    name: 'KV cache',
    yTitle: KV_USAGE,
    isShare: true,
    series: [{ name: KV_USAGE, mark: 'area', color: COLOURS.first, value: (bin) => bin.kv_usage, text: formatShare }],
    title: kvUsageTitle,
    label: (over) => `Share of the KV cache in use, of the fullest engine, ${over}, as the server says`,
    note: (line) => `KV cache in use, of the fullest engine, as means of the scrapes in ${binsText(line)}`,
    columns: { [`${KV_USAGE} (%)`]: (bin) => percentCell(bin.kv_usage) },
    isShown: ({ bins }) => bins.some(({ kv_usage }) => kv_usage !== null),
  },
  {
    // There is no line where no prompt token was looked for.
    ...OF_SERVER,
    id: 'server-prefix',
    name: 'prefix cache hits',
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
