import type { TopLevelSpec } from 'vega-lite';
import { listText } from '../../src/core/words.ts';
import { plainPercent, threeFigures, withThousands } from '../../src/core/units.ts';
import type { GoodputAnswer, GoodputProbe, GoodputReport } from '../../src/schema/goodput.ts';
import { type Knee, KNEE_RATES, kneeOf } from '../data/knee.ts';
import { isWhole, nearProbes, pooled, rateGroups } from '../goodput-rates.ts';
import { shareOf } from '../goodput-share.ts';
import { probesTable, probeText } from '../goodput-table.ts';
import { usableInterval } from '../goodput-verdict.ts';
import type { Chart, Layers, Position } from './chart.ts';
import { rateAxis, rateDomain } from './rate-axis.ts';
import { COLOURS, SHARE_LABEL } from './theme.ts';

/** The fitted line is drawn so far about the goodput, in ln rate: further off it says nothing. */
const FITTED = 0.3;
const CURVE_STEPS = 40;
/** Area of a point of the most requests, and the least, in square pixels. */
const AREA = { most: 100, least: 24 };

/**
 * Attainment against load: a point a run, probe or segment, which opens its run; hollow where it was cut; the goals as
 * dashed lines; the bracket, or the interval and the line that it is of, shaded.
 */
export function attainmentByRate(report: GoodputReport): Chart {
  const { probes, workload } = report;
  const drawn = nearProbes(report);
  const knee = kneeAt(report);
  const title = titleOf(report);
  const notes = [
    `n = ${[...countsOf(probes)].map(([kind, n]) => `${withThousands(n)} ${kind}${n === 1 ? '' : 's'}`).join(' and ')}, ${withThousands(report.requests_used)} requests.`,
    markNote(report, drawn),
    shadeNote(report),
    knee === null
      ? ''
      : `Knee, at ${kneeText(knee)} requests/s: of the rates that were not cut, ${KNEE_RATES} or more, ${knee[0] === knee[1] ? 'the one' : 'those'} whose attainment lies highest above the straight line from the first to the last.`,
    leftOutText(probes, drawn),
    workload.rate_rps > 0 ? `The trace's own rate is ${threeFigures(workload.rate_rps)} requests/s.` : '',
  ];
  return {
    id: 'attainment-by-rate',
    title,
    label: `Share of requests that meet the SLO against the rate, ${probes.length} in all. ${title}.`,
    note: notes.filter((note) => note !== '').join(' '),
    spec: spec(report, drawn, knee),
    table: probesTable(report),
  };
}

function titleOf({ answers }: GoodputReport): string {
  const texts = answers.map((answer) => `${plainPercent(answer.at)} % is ${foundText(answer)}`);
  return texts.join('; ');
}

function foundText(answer: GoodputAnswer): string {
  const interval = usableInterval(answer);
  if (interval !== null && answer.goodput_rps !== null)
    return `met up to about ${threeFigures(answer.goodput_rps)} requests/s (${interval.map(threeFigures).join(' to ')})`;
  const [low, high] = answer.bracket_rps;
  if (low === null)
    return high === null
      ? 'open: nothing was tried'
      : `missed at ${threeFigures(high)} requests/s, the lowest rate tried`;
  return high === null
    ? `met up to ${threeFigures(low)} requests/s, the highest rate tried`
    : `met at ${threeFigures(low)}, missed at ${threeFigures(high)} requests/s`;
}

function countsOf(probes: readonly GoodputProbe[]): ReadonlyMap<GoodputProbe['kind'], number> {
  return new Map([...Map.groupBy(probes, ({ kind }) => kind)].map(([kind, all]) => [kind, all.length]));
}

function markNote({ of }: GoodputReport, drawn: readonly GoodputProbe[]): string {
  const what = [
    ...(of === 'trace' ? ['each point a run'] : []),
    ...(drawn.some(({ kind }) => kind === 'probe') ? ['diamond: a probe from an empty system'] : []),
    ...(drawn.some(({ kind }) => kind === 'segment') ? ['circle: a segment on a running system'] : []),
  ].join('; ');
  const parts = [
    `${what}, its area by its requests`,
    ...(drawn.some(({ ci95 }) => ci95 !== null) ? ['thick line: its 95 % interval'] : []),
    ...(drawn.some(({ attainment }) => attainment === null)
      ? [
          'hollow: cut once the goals were settled, at the bound that settled them, with all that its attainment can be as a thin line',
        ]
      : []),
    'dashed: what is wanted',
    ...(drawn.some(({ dir }) => dir !== null) ? ['a click opens the run'] : []),
  ];
  const text = parts.join('; ');
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}.`;
}

function leftOutText(probes: readonly GoodputProbe[], drawn: readonly GoodputProbe[]): string {
  const far = probes.filter((each) => !drawn.includes(each)).map(({ rate_rps }) => threeFigures(rate_rps));
  return far.length === 0
    ? ''
    : `Further off, in the table alone: ${far.length === 1 ? 'a probe' : 'probes'} at ${listText(far)} requests/s.`;
}

function kneeText([from, to]: Knee): string {
  return from === to ? threeFigures(from) : `${threeFigures(from)} to ${threeFigures(to)}`;
}

function kneeAt(report: GoodputReport): Knee | null {
  const points = rateGroups(report)
    .filter(isWhole)
    .map((group) => {
      const { attainment, met, missed } = pooled(group);
      return { rateRps: group.rateRps, share: attainment ?? 0, requests: met + missed };
    });
  return kneeOf(points);
}

interface Shade {
  readonly rps: number;
  readonly to: number;
}

/** The interval of each goal, or its bracket. */
function shadesOf({ answers }: GoodputReport): Shade[] {
  return answers.flatMap((answer) => {
    const [rps, to] = usableInterval(answer) ?? answer.bracket_rps;
    return rps === null || to === null || to < rps ? [] : [{ rps, to }];
  });
}

function shadeNote(report: GoodputReport): string {
  const [answer] = report.answers;
  if (shadesOf(report).length === 0 || answer === undefined) return '';
  return usableInterval(answer) === null
    ? 'Shaded: between the highest rate that met and the lowest that missed.'
    : 'Line: fitted to the segments near the goodput; about it, the line through both ends of its 95 % interval, which is shaded.';
}

interface CurvePoint {
  readonly rps: number;
  readonly share: number;
  readonly low: number;
  readonly high: number;
}

/** The fitted line, and the same line through each end of the interval. Empty without them. */
function curveOf({ answers, probes }: GoodputReport): CurvePoint[] {
  const [answer] = answers;
  const interval = answer === undefined ? null : usableInterval(answer);
  if (answer === undefined || interval === null || answer.goodput_rps === null || answer.slope === null) return [];
  const { at, goodput_rps, slope } = answer;
  const lnRates = probes.filter(({ kind }) => kind === 'segment').map(({ rate_rps }) => Math.log(rate_rps));
  const middle = Math.log(goodput_rps);
  const from = Math.max(middle - FITTED, Math.min(...lnRates, Math.log(interval[0])));
  const to = Math.min(middle + FITTED, Math.max(...lnRates, Math.log(interval[1])));
  const shareAt = (lnRate: number, crossingRps: number): number =>
    1 / (1 + (1 / at - 1) * Math.exp(-slope * (lnRate - Math.log(crossingRps))));
  return Array.from({ length: CURVE_STEPS + 1 }, (_, i) => {
    const x = from + ((to - from) * i) / CURVE_STEPS;
    return {
      rps: Math.exp(x),
      share: shareAt(x, goodput_rps),
      low: shareAt(x, interval[0]),
      high: shareAt(x, interval[1]),
    };
  });
}

interface Point {
  readonly rps: number;
  /** Where a run was cut, the bound that it settled. */
  readonly share: number;
  /** Its 95 % interval; where a run was cut, all that its attainment can be. */
  readonly low: number | null;
  readonly high: number | null;
  readonly isCut: boolean;
  readonly shape: string;
  readonly size: number;
  readonly text: string;
  readonly href: string | null;
}

function pointsOf({ at }: GoodputReport, drawn: readonly GoodputProbe[]): Point[] {
  const most = Math.max(1, ...drawn.map(({ met, missed }) => met + missed));
  return drawn.map((probe) => {
    const { ci95, met, missed, requests, dir } = probe;
    const { share, bound } = shareOf(probe, at);
    const [low, high] = bound === null ? (ci95 ?? [null, null]) : [met / requests, 1 - missed / requests];
    return {
      rps: probe.rate_rps,
      share,
      low,
      high,
      isCut: bound !== null,
      shape: probe.kind === 'probe' ? 'diamond' : 'circle',
      size: Math.max(AREA.least, (AREA.most * (met + missed)) / most),
      text: `${probeText(probe, at)}${dir === null ? '' : ' (a click opens the run)'}`,
      href: dir === null ? null : `${dir}/report.html`,
    };
  });
}

function spec(report: GoodputReport, drawn: readonly GoodputProbe[], knee: Knee | null): TopLevelSpec {
  const shades = shadesOf(report);
  const points = pointsOf(report, drawn);
  const curve = curveOf(report);
  const goals = report.answers.map(({ at }) => ({ value: at, text: `${plainPercent(at)} % wanted` }));
  const x = rateAxis(rateDomain([...points.map(({ rps }) => rps), ...shades.flatMap(({ rps, to }) => [rps, to])]));
  // The words of a goal stand on the side of its line where the highest rate is not.
  const last = points.toSorted((a, b) => a.rps - b.rps).at(-1);
  const isMetLast = (last?.share ?? 0) >= report.at;
  const lowest = Math.min(...points.map(({ share }) => share), ...goals.map(({ value }) => value)) - 0.05;
  const from = Math.max(0, Math.floor(lowest * 10) / 10);
  const y: Position = {
    field: 'share',
    type: 'quantitative',
    scale: { domain: [from, 1], zero: false },
    axis: { title: 'share that meets the SLO', tickCount: 5, labelExpr: SHARE_LABEL },
  };
  const low: Position = { ...y, field: 'low' };
  const whiskers = (isCut: boolean): Layers[number] => ({
    data: {
      // What lies below the plot is not drawn.
      values: points
        .filter((point) => point.low !== null && point.isCut === isCut)
        .map((point) => ({ ...point, low: Math.max(point.low ?? 0, from) })),
    },
    mark: { type: 'rule', strokeWidth: isCut ? 1 : 2.5, opacity: isCut ? 0.5 : 0.8, color: COLOURS.first },
    encoding: { x, y: low, y2: { field: 'high' } },
  });
  const marks = (isCut: boolean): Layers[number] => ({
    data: { values: points.filter((point) => point.isCut === isCut) },
    mark: { type: 'point', filled: !isCut, strokeWidth: 1.5, opacity: isCut ? 1 : 0.75, color: COLOURS.first },
    encoding: {
      x,
      y,
      shape: { field: 'shape', type: 'nominal', scale: null },
      size: { field: 'size', type: 'quantitative', scale: null },
      tooltip: { field: 'text', type: 'nominal' },
      ...(points.some(({ href }) => href !== null) ? { href: { field: 'href', type: 'nominal' } } : {}),
    },
  });
  return {
    width: 'container',
    height: 280,
    layer: [
      {
        data: { values: shades },
        mark: { type: 'rect', color: COLOURS.second, opacity: 0.15 },
        encoding: { x, x2: { field: 'to' } },
      },
      {
        data: { values: goals },
        mark: { type: 'rule', strokeDash: [6, 4], color: COLOURS.ink },
        encoding: { y: { ...y, field: 'value' } },
      },
      {
        data: { values: goals },
        mark: { type: 'text', align: 'right', dx: -2, dy: isMetLast ? 11 : -9, color: COLOURS.muted },
        encoding: { x: { value: 'width' }, y: { ...y, field: 'value' }, text: { field: 'text', type: 'nominal' } },
      },
      ...(knee === null ? [] : kneeLayers(knee, x)),
      {
        data: { values: curve },
        mark: { type: 'area', clip: true, color: COLOURS.second, opacity: 0.25 },
        encoding: { x, y: low, y2: { field: 'high' } },
      },
      {
        data: { values: curve },
        mark: { type: 'line', clip: true, strokeWidth: 2, color: COLOURS.second },
        encoding: { x, y },
      },
      {
        data: { values: report.of === 'trace' ? points.filter(({ isCut }) => !isCut) : [] },
        mark: { type: 'line', strokeWidth: 1.5, color: COLOURS.first },
        encoding: { x, y },
      },
      whiskers(false),
      whiskers(true),
      marks(false),
      marks(true),
    ],
  };
}

function kneeLayers([from, to]: Knee, x: Position): Layers {
  const ends = from === to ? [{ rps: from }] : [{ rps: from }, { rps: to }];
  return [
    { data: { values: ends }, mark: { type: 'rule', strokeDash: [1, 3], color: COLOURS.muted }, encoding: { x } },
    {
      data: { values: [{ rps: from, text: 'knee' }] },
      mark: { type: 'text', align: 'right', dx: -5, color: COLOURS.muted },
      encoding: { x, y: { value: 270 }, text: { field: 'text', type: 'nominal' } },
    },
  ];
}
