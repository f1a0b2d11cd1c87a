import { GOAL } from '../../src/core/slo.ts';
import type { Summary } from '../../src/schema/summary.ts';
import { formatMs, formatShare, threeFigures } from '../../src/core/units.ts';
import type { ReportData } from '../data/report-data.ts';
import { MIN_WINDOW_REQUESTS, type Timeline, type TimelineBin } from '../data/timeline.ts';
import { countText } from '../../src/core/words.ts';
import { goalText, populationText, secondsText } from '../format.ts';
import type { Candidate } from './chart.ts';
import { SERVER_CHARTS } from './server-charts.ts';
import { COLOURS } from './theme.ts';
import { percentCell, timeChart, type TimeChart } from './time-chart.ts';
import { attainmentTitle, inFlightTitle, latenessTitle, loadTitle, tokensTitle } from './time-findings.ts';
import { binsText, perSecond, shadeText } from './time-panel.ts';

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

/** Fewer requests make no course over time. */
const LEAST_REQUESTS = 5;

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

function hasFailures({ bins }: Timeline): boolean {
  return bins.some(({ failures_per_s }) => failures_per_s > 0);
}
