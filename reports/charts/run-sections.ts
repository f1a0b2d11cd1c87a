import { LATENCY_METRICS, type LatencyMetric, type Summary } from '../../src/schema/summary.ts';
import { formatMs, withThousands } from '../../src/core/units.ts';
import { isAnswered } from '../../src/metrics/request-latency.ts';
import type { ReportData } from '../data/report-data.ts';
import { timeInSystemUs } from '../data/request-spans.ts';
import { countText } from '../format.ts';
import type { Chart, ChartSection } from './chart.ts';
import { ecdfChart } from './ecdf-chart.ts';
import { heatChart } from './heat-chart.ts';
import { missCharts } from './miss-charts.ts';
import { missSentence } from './miss-findings.ts';
import { sloPlaneChart } from './slo-plane-chart.ts';
import { tailChart } from './tail-chart.ts';
import { timeCharts } from './time-charts.ts';
import { waterfallChart } from './waterfall-chart.ts';

/** A section of the page, with functions from a run to its charts and lead. */
interface RunSection extends Omit<ChartSection, 'charts' | 'lead'> {
  readonly charts: (summary: Summary, data: ReportData) => Chart[];
  readonly lead?: (data: ReportData) => string | null;
}

/** The sections of a run report in the order of the page. */
const SECTIONS: readonly RunSection[] = [
  { id: 'promise', heading: 'What could be promised', layout: 'column', charts: promiseCharts, lead: promiseLead },
  { id: 'distributions', heading: 'Latencies', layout: 'pairs', charts: distributionCharts },
  { id: 'reasons', heading: 'Why they missed', layout: 'pairs', charts: reasonCharts, lead: reasonLead },
  {
    id: 'timeline',
    heading: 'Over time',
    layout: 'column',
    charts: timeCharts,
    hint: 'Drag across a panel to zoom all of them, or use + - ← → and Escape on one.',
  },
  { id: 'requests', heading: 'Single requests', layout: 'column', charts: requestCharts },
  { id: 'dependence', heading: 'What latency depends on', layout: 'pairs', charts: heatCharts },
];

/** Every chart of one run, in its section. */
export function runSections(summary: Summary, data: ReportData): ChartSection[] {
  return SECTIONS.map(({ charts, lead, ...section }) => ({
    ...section,
    lead: lead?.(data) ?? null,
    charts: charts(summary, data),
  }));
}

function promiseCharts(summary: Summary, { slo_plane }: ReportData): Chart[] {
  return slo_plane.contours.every(({ points }) => points.length === 0)
    ? []
    : [sloPlaneChart({ plane: slo_plane, slo: summary.slo?.limits_ms ?? null })];
}

/** Stands in for a plane without a contour. */
function promiseLead({ slo_plane: { contours, requests, never } }: ReportData): string | null {
  if (requests === 0 || contours.some(({ points }) => points.length > 0)) return null;
  return `No limits on TTFT and TPOT would have been met by even one in ten requests: ${withThousands(never)} of ${withThousands(requests)} meet none.`;
}

/** Points that make a tail worth drawing. */
const ENOUGH_FOR_TAIL = 20;

/** TTFT, TPOT, ITL and E2E, and their tails. */
function distributionCharts(summary: Summary, data: ReportData): Chart[] {
  const curves = LATENCY_METRICS.map((metric) =>
    ecdfChart({
      metric,
      ecdf: data[metric],
      stats: summary.latency_ms[metric],
      slo: limitOf(metric, summary.slo),
      noun: metric === 'itl' ? 'token gap' : 'request',
      ...(metric === 'tpot' && data.without_tpot > 0
        ? { note: `${countText(data.without_tpot, 'request')} of a single token not drawn, counted as met` }
        : {}),
    }),
  );
  const tail = tailChart(data);
  return tail.table.rows.length < ENOUGH_FOR_TAIL ? curves : [...curves, tail];
}

/** None if every request met the SLO. */
function reasonCharts(_: Summary, { misses }: ReportData): Chart[] {
  return misses === null || misses.missed === 0 ? [] : missCharts(misses);
}

function reasonLead({ misses }: ReportData): string | null {
  return misses === null ? null : missSentence(misses);
}

function requestCharts(_: Summary, { sample }: ReportData): Chart[] {
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

function heatCharts({ slo }: Summary, { maps }: ReportData): Chart[] {
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
