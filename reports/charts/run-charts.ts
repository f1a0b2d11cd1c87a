import { LATENCY_METRICS, type LatencyMetric, type Summary } from '../../src/schema/summary.ts';
import { formatMs } from '../../src/core/units.ts';
import { isAnswered } from '../../src/metrics/request-latency.ts';
import type { ReportData } from '../data/report-data.ts';
import type { ServerTimeline } from '../data/server-timeline.ts';
import { timeInSystemUs } from '../data/request-spans.ts';
import { countWords } from '../format.ts';
import { attainmentChart } from './attainment-chart.ts';
import type { Chart } from './chart.ts';
import { ecdfChart } from './ecdf-chart.ts';
import { heatChart } from './heat-chart.ts';
import { inFlightChart } from './in-flight-chart.ts';
import { latenessChart } from './lateness-chart.ts';
import { loadChart } from './load-chart.ts';
import { missCharts } from './miss-charts.ts';
import { serverLoadChart } from './server-load-chart.ts';
import { KV_USAGE, PREFIX_HITS, serverShareChart } from './server-share-chart.ts';
import { sloPlaneChart } from './slo-plane-chart.ts';
import { tailChart } from './tail-chart.ts';
import { tokensChart } from './tokens-chart.ts';
import { waterfallChart } from './waterfall-chart.ts';

/** Every chart of a run report. */
export function runCharts(summary: Summary, figures: ReportData): Chart[] {
  return [promiseCharts, distributionCharts, reasonCharts, timelineCharts, requestCharts, heatCharts].flatMap(
    (charts) => charts(summary, figures),
  );
}

/** What could be promised. */
export function promiseCharts(summary: Summary, { slo_plane }: ReportData): Chart[] {
  return slo_plane.contours.every(({ points }) => points.length === 0)
    ? []
    : [sloPlaneChart({ plane: slo_plane, slo: summary.slo?.limits_ms ?? null })];
}

/** Fewer points than this draw no tail. */
const ENOUGH_FOR_TAIL = 20;

/** TTFT, TPOT, ITL and E2E, and their tails. */
export function distributionCharts(summary: Summary, figures: ReportData): Chart[] {
  const curves = LATENCY_METRICS.map((metric) =>
    ecdfChart({
      metric,
      ecdf: figures[metric],
      stats: summary.latency_ms[metric],
      slo: limitOf(metric, summary.slo),
      noun: metric === 'itl' ? 'token gap' : 'request',
      ...(metric === 'tpot' && figures.without_tpot > 0
        ? { note: `${countWords(figures.without_tpot, 'request')} of a single token not drawn, counted as met` }
        : {}),
    }),
  );
  const tail = tailChart(figures);
  return tail.table.rows.length < ENOUGH_FOR_TAIL ? curves : [...curves, tail];
}

/** Why requests missed the SLO; nothing where none did. */
export function reasonCharts(_: Summary, { misses }: ReportData): Chart[] {
  return misses === null || misses.missed === 0 ? [] : missCharts(misses);
}

export function timelineCharts(summary: Summary, { timeline, server }: ReportData): Chart[] {
  return [
    loadChart(timeline),
    inFlightChart(timeline),
    tokensChart(timeline),
    // A run with too few requests for a moving window has no such line.
    ...(timeline.bins.every(({ attainment }) => attainment === null) ? [] : [attainmentChart(timeline)]),
    // Virtual time knows no client that could be late.
    ...(summary.validity.lateness_ms === null ? [] : [latenessChart(timeline)]),
    ...(server === null ? [] : serverCharts(server, summary)),
  ];
}

/** What the server said of itself, as far as it did. */
function serverCharts(server: ServerTimeline, { workload }: Summary): Chart[] {
  const { bins } = server;
  // Where no prompt begins like another, that none was found is no news.
  const hits = workload.prefix_reuse !== null || bins.some((bin) => (bin.prefix_hit_rate ?? 0) > 0);
  return [
    ...(bins.some(({ running, waiting }) => running !== null || waiting !== null) ? [serverLoadChart(server)] : []),
    ...[KV_USAGE, ...(hits ? [PREFIX_HITS] : [])].flatMap((share) =>
      bins.some((bin) => share.value(bin) !== null) ? [serverShareChart(server, share)] : [],
    ),
  ];
}

/** Single requests. */
export function requestCharts(_: Summary, { sample }: ReportData): Chart[] {
  const { slowest, random } = sample;
  const failed = slowest.filter((record) => !isAnswered(record)).length;
  const longest = slowest[0] === undefined ? '' : `: up to ${formatMs(timeInSystemUs(slowest[0]) / 1000)}`;
  return [
    ...(slowest.length === 0
      ? []
      : [
          waterfallChart({
            id: 'slowest',
            title: `The slowest${longest}${failed === 0 ? '' : `; ${failed} of ${slowest.length} failed`}`,
            which: 'those that were in the system longest, failed ones too',
            requests: slowest,
          }),
        ]),
    ...(random.length === 0
      ? []
      : [waterfallChart({ id: 'sample', title: 'A random sample', which: 'drawn by a fixed seed', requests: random })]),
  ];
}

/** What latencies depend on. */
export function heatCharts({ slo }: Summary, { maps }: ReportData): Chart[] {
  const charts = [
    heatChart({
      id: 'ttft-by-input',
      metric: 'ttft',
      map: maps.ttft_by_input,
      x: 'input tokens',
      limit_ms: slo?.limits_ms.ttft ?? null,
      note: 'failed requests are not drawn',
    }),
    heatChart({
      id: 'tpot-by-concurrency',
      metric: 'tpot',
      map: maps.tpot_by_concurrency,
      x: 'requests in flight',
      limit_ms: slo?.limits_ms.tpot ?? null,
      note: 'in flight: sent and not ended, the mean between first and last token',
    }),
  ];
  return charts.filter(({ table }) => table.rows.length > 0);
}

function limitOf(metric: LatencyMetric, slo: Summary['slo']): { limit_ms: number; share: number } | null {
  if (slo === null || metric === 'itl') return null;
  const limit_ms = slo.limits_ms[metric];
  const share = slo.attainment[metric];
  return limit_ms === undefined || share === null ? null : { limit_ms, share };
}
