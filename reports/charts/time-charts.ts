import { commonLimits, GOAL } from '../../src/core/slo.ts';
import type { Summary } from '../../src/schema/summary.ts';
import { axisTimeText, formatMs, formatShare, threeFigures } from '../../src/core/units.ts';
import { PERCENTILE_ERROR, TIMED_LATENCIES } from '../data/latency-timeline.ts';
import type { ReportData } from '../data/report-data.ts';
import { MIN_WINDOW_REQUESTS, type Timeline, type TimelineBin } from '../data/timeline.ts';
import { countText } from '../../src/core/words.ts';
import { goalText, populationText, secondsText } from '../format.ts';
import { type Candidate, isEnough } from './chart.ts';
import { ENOUGH_TO_DRAW, latencyTimeChart } from './latency-time-chart.ts';
import { SERVER_CHARTS } from './server-charts.ts';
import { COLOURS } from './theme.ts';
import { percentCell, timeChart, type TimeChart } from './time-chart.ts';
import { attainmentTitle, inFlightTitle, latenessTitle, loadTitle, tokensTitle } from './time-findings.ts';
import { durationS, perSecond } from './time-panel.ts';

type OverTime = Pick<ReportData, 'timeline' | 'latency_timelines' | 'server'>;

/** The panels of a run over time: latencies, what else the client saw, and what the server says of itself. */
export function timeCharts(summary: Summary, { timeline, latency_timelines, server }: OverTime): Candidate[] {
  const at = summary.slo?.at ?? GOAL;
  const limits = commonLimits(summary.slo?.limits_ms ?? {});
  const wanted = { value: at, text: `${goalText(at)} wanted` };
  const panels = [
    ...TIMED_LATENCIES.map((metric) =>
      latencyTimeChart({ metric, line: latency_timelines[metric], limit_ms: limits[metric] ?? null }),
    ),
    ...CLIENT_CHARTS.flatMap((row) =>
      timeChart(row.id === 'attainment' ? { ...row, level: wanted } : row, timeline, summary),
    ),
    ...(server === null ? [] : SERVER_CHARTS.flatMap((row) => timeChart(row, server, summary))),
  ];
  const last = panels.findLast(isEnough);
  return panels.map((panel) => ({ ...panel, draw: () => panel.draw(panel === last) }));
}

/** What holds for all panels, said once above them; null where there are none. */
export function timeLead({ timeline, latency_timelines: { ttft } }: OverTime): string | null {
  if (timeline.requests < LEAST_REQUESTS) return null;
  const [width, wider] = [timeline.bin_s, ttft.bin_s].map(secondsText);
  const within = `${(PERCENTILE_ERROR * 100).toPrecision(2)} %`;
  return [
    `Bins of ${width}.`,
    ...(timeline.excluded.length === 0 ? [] : ['Shaded: warm-up and cool-down, not measured.']),
    ...(ttft.count < LEAST_REQUESTS
      ? []
      : [
          `TTFT and TPOT${width === wider ? '' : ` (bins of ${wider})`}: the stronger the colour, the more requests; p50 and ${ttft.tail} of those due in a bin (at least ${ENOUGH_TO_DRAW}), failed ones infinitely late, within ${within}.`,
        ]),
  ].join(' ');
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
    note: () => 'sent and not ended, means over a bin',
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
      `moving window of ${axisTimeText(line.window_s, durationS(line.bins))}, of at least ${MIN_WINDOW_REQUESTS} requests`,
    columns: { 'attainment (%)': (bin) => percentCell(bin.attainment) },
    isShown: (_, { slo }) => slo !== null,
  },
  {
    // Where the client fell behind, latencies are not the server's alone.
    ...OF_REQUESTS,
    id: 'lateness',
    name: 'client lateness',
    yTitle: 'client lateness',
    isDuration: true,
    series: [{ name: 'lateness', mark: 'area', color: COLOURS.first, value: (bin) => bin.lateness_ms, text: formatMs }],
    title: latenessTitle,
    label: (over) => `How long after their due time requests were sent, ${over}`,
    note: () => 'by due time, the latest in a bin',
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
