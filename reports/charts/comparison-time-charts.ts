import { formatMs, formatShare, threeFigures, timeUnit, withThousands } from '../../src/core/units.ts';
import { countText, listText } from '../../src/core/words.ts';
import type { Comparison } from '../../src/schema/comparison.ts';
import type { ComparedBin, ComparedTimes, LatencyOfBin, SideBin } from '../data/comparison-data.ts';
import { TIMED_LATENCIES, type TimedLatency } from '../data/latency-timeline.ts';
import { MIN_WINDOW_REQUESTS } from '../data/timeline.ts';
import { METRIC_NAMES } from '../definitions.ts';
import { goalText, plainMs, secondsText } from '../format.ts';
import type { Chart, ChartSection, Layers, Position } from './chart.ts';
import { SIDES } from './comparison-ecdf-chart.ts';
import { comparedAttainmentTitle, comparedFailuresTitle, comparedLatencyTitle } from './comparison-time-findings.ts';
import { ENOUGH_TO_DRAW } from './latency-time-chart.ts';
import { logDomain, logTicks, MS_LABEL } from './log-axis.ts';
import { targetMarks } from './target-series.ts';
import { COLOURS, SHARE_LABEL, SLO_LINE } from './theme.ts';
import { binsTable, overText, percentCell } from './time-chart.ts';
import { durationS, hoverLayer, legendBehind, timeFrame, wordsAbove, Y_AXIS } from './time-panel.ts';

type Side = (typeof SIDES)[number];

const SECTION = {
  id: 'timeline',
  heading: 'Over time',
  layout: 'panels',
  hint: 'Drag across a panel to zoom all of them, or use + - ← → and Escape on one.',
} as const;

const LATENCY_HEIGHT = 112;
const SHARE_HEIGHT = 60;
/** A curve of fewer bins has no course. */
const LEAST_BINS = 3;
/** So many points of a curve have its side's shape, so that it is told apart without colour too. */
const MARKED = 12;
/** Finer than a hundredth of a pixel: the page is full of these numbers. */
const FIGURES = 5;

/** Both sides over time, one over the other: TTFT and TPOT, attainment where there is an SLO, failures where there are any. */
export function comparisonTimeSection(comparison: Comparison, times: ComparedTimes | null): ChartSection {
  if (times === null)
    return { ...SECTION, charts: [], left_out: 'Left out: a result file does not say when its requests were sent.' };
  const panels = [
    ...TIMED_LATENCIES.map((metric) => latencyPanel(comparison, metric, times)),
    ...(comparison.slo === null ? [] : [attainmentPanel(times)]),
    ...(hasFailures(times.bins) ? [failuresPanel(times)] : []),
  ];
  const hasCourse = ({ curves }: Panel): boolean =>
    SIDES.some((side) => times.bins.filter((bin) => curves(bin[side]).middle !== null).length >= LEAST_BINS);
  const shown = panels.filter(hasCourse);
  const without = panels.filter((panel) => !hasCourse(panel)).map(({ name }) => name);
  return {
    ...SECTION,
    lead: shown.length === 0 ? null : leadOf(comparison, times),
    charts: shown.map((panel) => chartOf(panel, times, panel === shown.at(-1))),
    left_out: without.length === 0 ? null : `Left out: ${listText(without)}: too few requests for a course over time.`,
  };
}

/** What holds for all panels. */
function leadOf({ base, new: now }: Comparison, { by, bin_s, tail, excluded, bins }: ComparedTimes): string {
  const isPooled = base.runs.length > 1 || now.runs.length > 1;
  const hasBand = bins.some((bin) => SIDES.some((side) => bin[side].ttft.p50_of_runs_ms !== null));
  return [
    `Bins of ${secondsText(bin_s)}${isPooled ? ', the runs of a side pooled' : ''}${by === 'due' ? '' : '; a result file without due times by the times of sending'}.`,
    `TTFT and TPOT: p50 (thick) and ${tail} (thin) of those due in a bin (at least ${ENOUGH_TO_DRAW}), failed ones infinitely late${hasFailures(bins) ? ' (a line is broken where it falls on them)' : ''}${hasBand ? '; band: from the lowest to the highest p50 of a run' : ''}.`,
    ...(excluded.length === 0 ? [] : ['Shaded: warm-up and cool-down, not measured.']),
  ].join(' ');
}

/** A panel of both sides: what tells it apart from the other panels. */
interface Panel {
  readonly id: string;
  /** What is plotted, where it is left out. */
  readonly name: string;
  readonly title: string;
  readonly label: string;
  /** How to read it, where that is not plain. */
  readonly note?: string;
  readonly height: number;
  readonly curves: (side: SideBin) => Curves;
  readonly yTitle: string;
  readonly y: Position;
  /** Values under it are drawn at it: a log axis has no place for 0. */
  readonly least?: number;
  /** A side's values in a bin, as its tooltip has them. */
  readonly text: (side: SideBin) => string;
  /** Lines to compare with. */
  readonly levels: Layers;
  /** Columns of the table of one side, by their head. */
  readonly columns: Readonly<Record<string, (side: SideBin) => string>>;
}

const VALUE = { field: 'value', type: 'quantitative' } as const;

/** A bin's values; null: nothing is drawn. */
interface Curves {
  readonly middle: number | null;
  readonly tail?: number | null;
  readonly band?: readonly [number, number] | null;
}

function latencyPanel({ slo }: Comparison, metric: TimedLatency, times: ComparedTimes): Panel {
  const name = METRIC_NAMES[metric];
  const { bins, tail } = times;
  const limitMs = slo?.limits_ms[metric] ?? null;
  const curves = ({ [metric]: latency }: SideBin): Required<Curves> =>
    latency.requests < ENOUGH_TO_DRAW
      ? { middle: null, tail: null, band: null }
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
    label: `${name} of both sides by due time`,
    ...(single === 0 ? {} : { note: `${countText(single, 'request')} of a single token not drawn` }),
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
    levels:
      limitMs === null
        ? []
        : [
            {
              data: { values: [{ value: limitMs }] },
              mark: { ...SLO_LINE, clip: true },
              encoding: { y: VALUE },
            },
            wordsAbove(`dashed: the SLO, ${plainMs(limitMs)}`),
          ],
    columns: {
      requests: ({ [metric]: { requests } }) => withThousands(requests),
      [`${name} p50 (ms)`]: ({ [metric]: latency }) => latencyCell(latency, latency.p50_ms),
      [`${name} ${tail} (ms)`]: ({ [metric]: latency }) => latencyCell(latency, latency.tail_ms),
    },
  };
}

function attainmentPanel(times: ComparedTimes): Panel {
  const { wanted, window_s } = times;
  return {
    id: 'attainment',
    name: 'attainment over time',
    title: comparedAttainmentTitle(times),
    label: 'Share of requests of both sides that met the SLO by due time',
    note: `moving window of ${secondsText(window_s)}, of at least ${MIN_WINDOW_REQUESTS} requests`,
    height: SHARE_HEIGHT,
    curves: ({ attainment }) => ({ middle: attainment }),
    yTitle: 'share that meets the SLO',
    y: {
      ...VALUE,
      scale: { domain: [0, 1] },
      axis: { ...Y_AXIS, values: [0, 0.5, 1], labelExpr: SHARE_LABEL, title: 'share that meets the SLO' },
    },
    text: ({ attainment }) => (attainment === null ? 'too few requests' : formatShare(attainment)),
    levels:
      wanted === null
        ? []
        : [
            {
              data: { values: [{ value: wanted }] },
              mark: { type: 'rule', strokeWidth: 1, color: COLOURS.ink, clip: true },
              encoding: { y: VALUE },
            },
            wordsAbove(`line: ${goalText(wanted)} wanted`),
          ],
    columns: { 'attainment (%)': ({ attainment }) => percentCell(attainment) },
  };
}

function failuresPanel(times: ComparedTimes): Panel {
  const shareOf = ({ requests, failed }: SideBin): number | null => (requests === 0 ? null : failed / requests);
  return {
    id: 'failures',
    name: 'failures over time',
    title: comparedFailuresTitle(times),
    label: 'Share of requests of both sides that failed by due time',
    height: SHARE_HEIGHT,
    curves: (side) => ({ middle: shareOf(side) }),
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

function chartOf(panel: Panel, times: ComparedTimes, hasTimeLabels: boolean): Chart {
  const { id, title, label, note, columns } = panel;
  const heads = SIDES.flatMap((side) =>
    Object.entries(columns).map(([head, cell]) => [`${side} ${head}`, (bin: ComparedBin): string => cell(bin[side])]),
  );
  return {
    id,
    title,
    label: `${label} ${overText(times)}. ${title}.`,
    note: `n = ${SIDES.map((side) => populationOf(times.bins, side)).join(', ')}${note === undefined ? '' : `; ${note}`}.`,
    spec: timeFrame(times, { height: panel.height, hasTimeLabels }, (x) => layersOf(panel, times, x)),
    table: binsTable(times, Object.fromEntries(heads)),
  };
}

function populationOf(bins: readonly ComparedBin[], side: Side): string {
  const failed = totalOf(bins, (bin) => bin[side].failed);
  const requests = countText(
    totalOf(bins, (bin) => bin[side].requests),
    'request',
  );
  return `${requests} of ${side}${failed === 0 ? '' : ` (${withThousands(failed)} failed)`}`;
}

/** Of each side the band, then the thin and the thick line over all of these, each bin from its start to its end. */
function layersOf({ curves, y, yTitle, least = 0, levels, text }: Panel, { bins }: ComparedTimes, x: Position): Layers {
  const { unitS } = timeUnit(durationS(bins));
  const { color, shape } = targetMarks(SIDES, legendBehind(yTitle));
  const place = (value: number | null | undefined): number | null =>
    value === null || value === undefined ? null : round(Math.max(least, value));
  const ofBoth = <Row>(
    rowsOf: (curve: Curves, bin: ComparedBin, side: Side) => readonly Row[],
  ): (Row & { target: string })[] =>
    SIDES.flatMap((side) =>
      bins.flatMap((bin) => rowsOf(curves(bin[side]), bin, side).map((row) => ({ target: side, ...row }))),
    );
  const line = (valueOf: (curve: Curves) => number | null | undefined, strokeWidth: number): Layers[number] => ({
    data: {
      values: ofBoth((curve, bin) =>
        [bin.from_s, bin.to_s].map((seconds) => ({ at: round(seconds / unitS), value: place(valueOf(curve)) })),
      ),
    },
    mark: { type: 'line', strokeWidth, clip: true },
    encoding: { x, y, color },
  });
  const bands = ofBoth(({ band }, { from_s, to_s }) =>
    band === null || band === undefined
      ? []
      : [{ at: round(from_s / unitS), to: round(to_s / unitS), value: place(band[0]), high: place(band[1]) }],
  );
  const isMarked = markedBins(bins, curves);
  return [
    ...(bands.length === 0
      ? []
      : [
          {
            data: { values: bands },
            mark: { type: 'rect', opacity: 0.2, clip: true },
            encoding: { x, x2: { field: 'to' }, y, y2: { field: 'high' }, color },
          } satisfies Layers[number],
        ]),
    ...(bins.some((bin) => SIDES.some((side) => curves(bin[side]).tail !== undefined))
      ? [line(({ tail }) => tail, 1)]
      : []),
    line(({ middle }) => middle, 2.5),
    {
      data: {
        values: ofBoth(({ middle }, bin, side) =>
          middle === null || !isMarked(bin, side)
            ? []
            : [{ at: round((bin.from_s + bin.to_s) / 2 / unitS), value: place(middle) }],
        ),
      },
      mark: { type: 'point', filled: true, opacity: 1, size: 45, clip: true },
      encoding: { x, y, color, shape },
    },
    ...levels,
    hoverLayer(bins, x, (bin) => SIDES.map((side) => `${side} ${text(bin[side])}`).join('; ')),
  ];
}

/** Base and new in turn where there are enough, so that both shapes are seen where the curves are one. */
function markedBins(bins: readonly ComparedBin[], curves: Panel['curves']): (bin: ComparedBin, side: Side) => boolean {
  const known = bins.filter((bin) => SIDES.some((side) => curves(bin[side]).middle !== null));
  const step = Math.ceil(known.length / MARKED);
  const places = new Map(known.map((bin, i) => [bin, i % step]));
  return (bin, side) => places.get(bin) === (side === 'base' ? 0 : Math.floor(step / 2));
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

function totalOf(bins: readonly ComparedBin[], amountOf: (bin: ComparedBin) => number): number {
  return bins.reduce((sum, bin) => sum + amountOf(bin), 0);
}

function round(value: number): number {
  return Number(value.toPrecision(FIGURES));
}
