import { commonLimits } from '../../src/core/slo.ts';
import { LATENCY_METRICS, type LatencyMetric } from '../../src/schema/latency.ts';
import type { Summary } from '../../src/schema/summary.ts';
import { axisTimeText, withThousands } from '../../src/core/units.ts';
import { judgedRequests } from '../../src/metrics/stopped.ts';
import { isAnswered } from '../../src/metrics/request-latency.ts';
import type { ReportData } from '../data/report-data.ts';
import { timeInSystemUs } from '../data/request-spans.ts';
import { METRIC_NAMES } from '../definitions.ts';
import { countText, listText } from '../../src/core/words.ts';
import { populationText } from '../format.ts';
import { type Candidate, type Chart, type ChartSection, isEnough } from './chart.ts';
import { ecdfChart } from './ecdf-chart.ts';
import { heatChart, type HeatChartData } from './heat-chart.ts';
import { missCharts } from './miss-charts.ts';
import { missSentence } from './miss-findings.ts';
import { sloScaleChart } from './slo-scale-chart.ts';
import { sloPlaneChart } from './slo-plane-chart.ts';
import { sessionChart } from './session-chart.ts';
import { tailChart } from './tail-chart.ts';
import { timeCharts, timeLead } from './time-charts.ts';
import { waterfallChart, type WaterfallData } from './waterfall-chart.ts';

/** A section of the page, with functions from a run to its charts and lead. */
interface RunSection extends Omit<ChartSection, 'charts' | 'lead' | 'left_out'> {
  readonly charts: (summary: Summary, data: ReportData) => Candidate[];
  readonly lead?: (data: ReportData) => string | null;
}

/** The sections of a run report in the order of the page. */
const SECTIONS: readonly RunSection[] = [
  {
    id: 'promise',
    heading: 'What could be promised',
    name: 'Promises',
    layout: 'column',
    charts: promiseCharts,
    lead: promiseLead,
  },
  { id: 'distributions', heading: 'Latencies', layout: 'triples', charts: distributionCharts },
  {
    id: 'reasons',
    heading: 'Why they missed',
    name: 'Misses',
    layout: 'pairs',
    charts: reasonCharts,
    lead: reasonLead,
  },
  {
    id: 'timeline',
    heading: 'Over time',
    layout: 'panels',
    charts: timeCharts,
    lead: timeLead,
    hint: 'Drag across a panel to zoom all of them, or use + - ← → and Escape on one.',
  },
  { id: 'sessions', heading: 'Sessions', layout: 'column', charts: sessionCharts },
  { id: 'requests', heading: 'Single requests', name: 'Requests', layout: 'pairs', charts: requestCharts },
  { id: 'dependence', heading: 'What latency depends on', name: 'Dependence', layout: 'pairs', charts: heatCharts },
];

/**
 * Every chart of one run that has enough data, in its section. What is left out is said in the section, or at the end
 * if nothing else stands in it.
 */
export function runSections(summary: Summary, data: ReportData): ChartSection[] {
  const bare: Candidate[] = [];
  const shown = SECTIONS.filter(({ id }) => id !== 'timeline' || hasTimes(data));
  const sections = shown.flatMap(({ charts: candidatesOf, lead: leadOf, ...section }): ChartSection[] => {
    const candidates = candidatesOf(summary, data);
    const lead = leadOf?.(data) ?? null;
    const charts = candidates.filter(isEnough).map(({ draw }) => draw());
    const without = candidates.filter((candidate) => !isEnough(candidate));
    if (charts.length > 0 || lead !== null) return [{ ...section, lead, charts, left_out: leftOutText(without) }];
    bare.push(...without);
    return [];
  });
  const left_out = leftOutText(bare);
  return left_out === null ? sections : [...sections, { ...NOT_DRAWN, charts: [], left_out }];
}

/** Whether it is known when requests were sent. */
function hasTimes({ starts }: Pick<ReportData, 'starts'>): boolean {
  return starts !== 'unknown';
}

const NOT_DRAWN = {
  id: 'not-drawn',
  heading: 'Charts that need more requests',
  name: 'Not drawn',
  layout: 'column',
} as const;

/** Which charts are left out and why, those of one reason together; null if none is. */
function leftOutText(candidates: readonly Candidate[]): string | null {
  const names = new Map<string, string[]>();
  for (const { name, n, noun, per, least } of candidates) {
    const reason = `${countText(n, noun)}${per === undefined ? '' : ` ${per}`}, ${withThousands(least)} needed`;
    names.set(reason, [...(names.get(reason) ?? []), name]);
  }
  if (names.size === 0) return null;
  return `Not drawn: ${[...names].map(([reason, each]) => `${listText(each)} (${reason})`).join('; ')}.`;
}

/** The least number of requests that makes each chart: fewer are told by their figures. */
const LEAST_FOR_PLANE = 10;
const LEAST_FOR_CURVE = 10;
const LEAST_FOR_TAIL = 20;
const LEAST_FOR_MAP = 20;
/** A curve of fewer scales has no course. */
const LEAST_SCALES = 2;
/** A single request has phases and tokens to look at. */
const LEAST_FOR_WATERFALL = 1;

function promiseCharts({ slo, requests }: Summary, { slo_plane }: ReportData): Candidate[] {
  const { scales = [], smallest_scale: smallest } = slo ?? {};
  const byScale: Candidate[] =
    slo === null || smallest === undefined || scales.length < LEAST_SCALES
      ? []
      : [
          {
            name: 'attainment by SLO scale',
            n: judgedRequests(requests),
            noun: 'request',
            least: LEAST_FOR_CURVE,
            draw: () =>
              sloScaleChart({ scales, smallest, limits_ms: slo.limits_ms, at: slo.at, n: judgedRequests(requests) }),
          },
        ];
  if (slo_plane.contours.every(({ points }) => points.length === 0)) return byScale;
  return [
    {
      name: 'attainment over limits on TTFT and TPOT',
      n: slo_plane.requests,
      noun: 'request',
      least: LEAST_FOR_PLANE,
      draw: () =>
        sloPlaneChart({
          plane: slo_plane,
          slo: slo?.limits_ms.by_class === undefined ? (slo?.limits_ms ?? null) : null,
        }),
    },
    ...byScale,
  ];
}

/** Stands in for a plane without a contour. */
function promiseLead({ slo_plane: { contours, requests, never } }: ReportData): string | null {
  if (requests === 0 || contours.some(({ points }) => points.length > 0)) return null;
  return `No limits on TTFT and TPOT would have been met by even one in ten requests: ${withThousands(never)} of ${withThousands(requests)} meet none.`;
}

/** TTFT, TPOT, ITL and E2E, and their tails. */
function distributionCharts(summary: Summary, data: ReportData): Candidate[] {
  const { n: answered, missing: failed } = data.ttft;
  // Of answers whose tokens have no times of their own there are no gaps.
  const hasGaps = summary.latency_ms.itl.n > 0 || data.tpot.n === 0;
  const metrics = LATENCY_METRICS.filter((metric) => metric !== 'itl' || hasGaps);
  const curves = metrics.map((metric): Candidate => {
    const draw = (): Chart =>
      ecdfChart({
        metric,
        ecdf: data[metric],
        stats: summary.latency_ms[metric],
        slo: limitOf(metric, summary.slo),
        noun: metric === 'itl' ? 'token gap' : 'request',
        of: metric === 'itl' ? ` of ${populationText(answered + failed, 'request', failed)}` : '',
        ...(metric === 'tpot' && data.without_tpot > 0
          ? { note: `${countText(data.without_tpot, 'request')} of a single token not drawn, counted as met` }
          : {}),
      });
    // A request of a single token has no gap.
    const isOfGaps = metric === 'tpot' || metric === 'itl';
    return {
      name: METRIC_NAMES[metric],
      n: isOfGaps ? data.tpot.n : answered,
      noun: 'answered request',
      ...(isOfGaps && data.without_tpot > 0 ? { per: 'of several tokens' } : {}),
      least: LEAST_FOR_CURVE,
      draw,
    };
  });
  const tail: Candidate = {
    name: 'their tails',
    n: answered,
    noun: 'answered request',
    // It begins at p50.
    least: Math.max(LEAST_FOR_TAIL, Math.floor((answered + failed) / 2) + 1),
    draw: () => tailChart(data),
  };
  return [...curves, tail];
}

/** None if every request met the SLO. */
function reasonCharts(_: Summary, data: ReportData): Candidate[] {
  const { misses } = data;
  return misses === null || misses.missed === 0 ? [] : missCharts(misses, hasTimes(data));
}

function reasonLead({ misses }: ReportData): string | null {
  return misses === null ? null : missSentence(misses);
}

/** A row a session; none without sessions. */
function sessionCharts(summary: Summary, { sessions }: ReportData): Candidate[] {
  return sessions.length === 0
    ? []
    : [
        {
          name: 'sessions',
          n: sessions.length,
          noun: 'session',
          least: 1,
          draw: () => sessionChart(summary, sessions),
        },
      ];
}

/** The slowest and a sample, or every request where they are the same. */
function requestCharts({ requests, slo }: Summary, { sample, id_prefix, starts }: ReportData): Candidate[] {
  const { slowest, random } = sample;
  const isAll = requests.scheduled === random.length;
  const failed = slowest.filter((record) => !isAnswered(record)).length;
  const longestMs = slowest[0] === undefined ? 0 : timeInSystemUs(slowest[0]) / 1000;
  const of = (chosen: Omit<WaterfallData, 'context'>): Candidate => ({
    name: chosen.title,
    n: chosen.requests.length,
    noun: 'request',
    least: LEAST_FOR_WATERFALL,
    draw: () => waterfallChart({ ...chosen, context: { id_prefix, starts, limits: slo?.limits_ms ?? null } }),
  });
  if (isAll)
    return random.length === 0
      ? []
      : [
          of({
            id: 'sample',
            title: `Every request${longestText(longestMs)}`,
            which: 'all, by due time',
            requests: random,
          }),
        ];
  return [
    of({
      id: 'slowest',
      title: `The slowest${longestText(longestMs)}${failed === 0 ? '' : `; ${failed} of ${slowest.length} failed`}`,
      which: 'those that were in the system longest, failed ones too',
      requests: slowest,
    }),
    of({ id: 'sample', title: 'A random sample', which: 'drawn by a fixed seed', requests: random }),
  ];
}

/** In the unit of the chart's axis. */
function longestText(ms: number): string {
  return ms === 0 ? '' : `: up to ${axisTimeText(ms / 1000, ms / 1000)}`;
}

function heatCharts({ slo }: Summary, { maps, starts }: ReportData): Candidate[] {
  const of = (name: string, data: HeatChartData): Candidate => ({
    name,
    n: data.map.requests,
    noun: 'value',
    least: LEAST_FOR_MAP,
    draw: () => heatChart(data),
  });
  const byInput = [
    of('TTFT by input tokens', {
      id: 'ttft-by-input',
      metric: 'ttft',
      map: maps.ttft_by_input,
      x: 'input tokens',
      limit_ms: commonLimits(slo?.limits_ms ?? {}).ttft ?? null,
      not_drawn: 'of unknown input length',
    }),
  ];
  if (!hasTimes({ starts })) return byInput;
  return [
    ...byInput,
    of('TPOT by requests in flight', {
      id: 'tpot-by-concurrency',
      metric: 'tpot',
      map: maps.tpot_by_concurrency,
      x: 'requests in flight',
      limit_ms: commonLimits(slo?.limits_ms ?? {}).tpot ?? null,
      not_drawn: 'of a single token',
      note: 'in flight: sent and not ended, the mean between first and last token, of failed requests when they were sent',
    }),
  ];
}

function limitOf(metric: LatencyMetric, slo: Summary['slo']): { limit_ms: number; share: number } | null {
  if (slo === null || metric === 'itl') return null;
  const limit_ms = commonLimits(slo.limits_ms)[metric];
  const share = slo.attainment[metric];
  return limit_ms === undefined || share === null ? null : { limit_ms, share };
}
