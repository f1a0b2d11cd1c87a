import { commonLimits } from '../../src/core/slo.ts';
import { formatMs, formatShare, threeFigures, withThousands } from '../../src/core/units.ts';
import { countText, listText } from '../../src/core/words.ts';
import type { Comparison } from '../../src/schema/comparison.ts';
import type { ComparedBin, ComparedTimes, LatencyOfBin, SideBin } from '../data/comparison-data.ts';
import { TIMED_LATENCIES, type TimedLatency } from '../data/latency-timeline.ts';
import { MIN_WINDOW_REQUESTS } from '../data/timeline.ts';
import { METRIC_NAMES } from '../definitions.ts';
import { goalText, plainMs, secondsText } from '../format.ts';
import type { ChartSection, Layers } from './chart.ts';
import { SIDES } from './comparison-ecdf-chart.ts';
import { comparedAttainmentTitle, comparedFailuresTitle, comparedLatencyTitle } from './comparison-time-findings.ts';
import { type Curves, sidesPanel, type SidesPanel, totalOf } from './comparison-time-panel.ts';
import { ENOUGH_TO_DRAW } from './latency-time-chart.ts';
import { logDomain, logTicks, MS_LABEL } from './log-axis.ts';
import { COLOURS, SHARE_LABEL, SLO_LINE } from './theme.ts';
import { percentCell } from './time-chart.ts';
import { Y_AXIS } from './time-panel.ts';

const SECTION = {
  id: 'timeline',
  heading: 'Over time',
  layout: 'panels',
  hint: 'Drag across a panel to zoom all of them, or use + - ← → and Escape on one.',
} as const;

const VALUE = { field: 'value', type: 'quantitative' } as const;
const LEVEL = { type: 'rule', strokeWidth: 1, color: COLOURS.ink } as const;
const LATENCY_HEIGHT = 112;
const SHARE_HEIGHT = 60;
/** A curve of fewer bins has no course. */
const LEAST_BINS = 3;

/** Both sides over time, one over the other: TTFT and TPOT, attainment where there is an SLO, failures where there are any. */
export function comparisonTimeSection(comparison: Comparison, times: ComparedTimes | null): ChartSection {
  if (times === null)
    return { ...SECTION, charts: [], left_out: 'Left out: a result file does not say when its requests were sent.' };
  const panels = [
    ...TIMED_LATENCIES.map((metric) => latencyPanel(comparison, metric, times)),
    ...(comparison.slo === null ? [] : [attainmentPanel(times)]),
    ...(hasFailures(times.bins) ? [failuresPanel(times)] : []),
  ];
  const hasCourse = ({ curves }: SidesPanel): boolean =>
    SIDES.some((side) => times.bins.filter((bin) => curves(bin[side]).middle !== null).length >= LEAST_BINS);
  const shown = panels.filter(hasCourse);
  const without = panels.filter((panel) => !hasCourse(panel)).map(({ name }) => name);
  return {
    ...SECTION,
    lead: shown.length === 0 ? null : leadOf(comparison, times),
    charts: shown.map((panel) => sidesPanel(panel, times, panel === shown.at(-1))),
    left_out: without.length === 0 ? null : `Left out: ${listText(without)}: too few requests for a course over time.`,
  };
}

/** What holds for all panels. */
function leadOf({ base, new: now }: Comparison, { by, bin_s, tail, excluded, bins }: ComparedTimes): string {
  const isPooled = base.runs.length > 1 || now.runs.length > 1;
  const hasBand = bins.some((bin) => SIDES.some((side) => bin[side].ttft.p50_of_runs_ms !== null));
  return [
    `Bins of ${secondsText(bin_s)}${isPooled ? ', the runs of a side pooled' : ''}${by === 'due' ? '' : ', results without due times by the times of sending'}.`,
    `TTFT and TPOT: p50 (thick) and ${tail} (thin) of those due in a bin (at least ${ENOUGH_TO_DRAW}), failed ones infinitely late${hasFailures(bins) ? ' (a line is broken where it falls on them)' : ''}${hasBand ? '; band: from the lowest to the highest p50 of a run' : ''}.`,
    ...(excluded.length === 0 ? [] : ['Shaded: warm-up and cool-down, not measured.']),
  ].join(' ');
}

function latencyPanel({ slo }: Comparison, metric: TimedLatency, times: ComparedTimes): SidesPanel {
  const name = METRIC_NAMES[metric];
  const { bins, tail } = times;
  const limitMs = commonLimits(slo?.limits_ms ?? {})[metric] ?? null;
  const curves = ({ [metric]: latency }: SideBin): Curves =>
    latency.requests < ENOUGH_TO_DRAW
      ? lineAlone(null)
      : { middle: latency.p50_ms, tail: latency.tail_ms, band: rangeOf(latency.p50_of_runs_ms) };
  const drawn = bins.flatMap((bin) =>
    SIDES.flatMap((side) => {
      const { middle, tail: high, band } = curves(bin[side]);
      return [middle, high, ...(band ?? [])].filter((each) => each !== null);
    }),
  );
  const domain = logDomain([...drawn, ...(limitMs === null ? [] : [limitMs])], []);
  const single = totalOf(bins, ({ base, new: now }) =>
    [base, now].reduce((sum, side) => sum + side.requests - side[metric].requests, 0),
  );
  return {
    id: `${metric}-over-time`,
    name: `${name} over time`,
    title: comparedLatencyTitle(metric, times),
    label: `${name} of both sides`,
    notes: [
      ...(single === 0 ? [] : [`${countText(single, 'request')} of a single token not drawn`]),
      ...(limitMs === null ? [] : [`dashed: the SLO, ${plainMs(limitMs)}`]),
    ],
    height: LATENCY_HEIGHT,
    curves,
    yTitle: `${name} (log scale)`,
    y: {
      ...VALUE,
      scale: { type: 'log', domain, nice: false },
      axis: { ...Y_AXIS, values: logTicks(domain), labelExpr: MS_LABEL, title: `${name} (log scale)` },
    },
    least: domain[0],
    text: ({ [metric]: latency }) =>
      latency.requests === 0
        ? 'no request'
        : `p50 ${latencyText(latency.p50_ms)}, ${tail} ${latencyText(latency.tail_ms)} of ${countText(latency.requests, 'request')}`,
    levels: limitMs === null ? [] : [levelAt(limitMs, SLO_LINE)],
    columns: {
      requests: ({ [metric]: { requests } }) => withThousands(requests),
      [`${name} p50 (ms)`]: ({ [metric]: latency }) => latencyCell(latency, latency.p50_ms),
      [`${name} ${tail} (ms)`]: ({ [metric]: latency }) => latencyCell(latency, latency.tail_ms),
    },
  };
}

function attainmentPanel(times: ComparedTimes): SidesPanel {
  const { wanted, window_s } = times;
  return {
    id: 'attainment',
    name: 'attainment over time',
    title: comparedAttainmentTitle(times),
    label: 'Share of requests of both sides that met the SLO',
    notes: [
      `moving window of ${secondsText(window_s)}, of at least ${MIN_WINDOW_REQUESTS} requests`,
      ...(wanted === null ? [] : [`line: ${goalText(wanted)} wanted`]),
    ],
    height: SHARE_HEIGHT,
    curves: ({ attainment }) => lineAlone(attainment),
    yTitle: 'share that meets the SLO',
    y: {
      ...VALUE,
      scale: { domain: [0, 1] },
      axis: { ...Y_AXIS, values: [0, 0.5, 1], labelExpr: SHARE_LABEL, title: 'share that meets the SLO' },
    },
    text: ({ attainment }) => (attainment === null ? 'too few requests' : formatShare(attainment)),
    levels: wanted === null ? [] : [levelAt(wanted, LEVEL)],
    columns: { 'attainment (%)': ({ attainment }) => percentCell(attainment) },
  };
}

function failuresPanel(times: ComparedTimes): SidesPanel {
  const shareOf = ({ requests, failed }: SideBin): number | null => (requests === 0 ? null : failed / requests);
  return {
    id: 'failures',
    name: 'failures over time',
    title: comparedFailuresTitle(times),
    label: 'Share of requests of both sides that failed',
    notes: [],
    height: SHARE_HEIGHT,
    curves: (side) => lineAlone(shareOf(side)),
    yTitle: 'share that fails',
    y: {
      ...VALUE,
      scale: { zero: true },
      axis: { ...Y_AXIS, tickCount: 3, labelExpr: SHARE_LABEL, title: 'share that fails' },
    },
    text: ({ requests, failed }) =>
      requests === 0 ? 'no request' : `${withThousands(failed)} of ${withThousands(requests)} failed`,
    levels: [],
    columns: {
      requests: ({ requests }) => withThousands(requests),
      failed: ({ failed }) => withThousands(failed),
    },
  };
}

function levelAt(value: number, mark: typeof LEVEL | typeof SLO_LINE): Layers[number] {
  return { data: { values: [{ value }] }, mark: { ...mark, clip: true }, encoding: { y: VALUE } };
}

function lineAlone(middle: number | null): Curves {
  return { middle, tail: null, band: null };
}

function rangeOf(values: readonly number[] | null): [number, number] | null {
  return values === null ? null : [Math.min(...values), Math.max(...values)];
}

function latencyText(ms: number | null): string {
  return ms === null ? 'fails' : formatMs(ms);
}

function latencyCell({ requests }: LatencyOfBin, ms: number | null): string {
  if (ms !== null) return threeFigures(ms);
  return requests === 0 ? '-' : 'fails';
}

function hasFailures(bins: readonly ComparedBin[]): boolean {
  return bins.some(({ base, new: now }) => base.failed + now.failed > 0);
}
