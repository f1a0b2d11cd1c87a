import type { TopLevelSpec } from 'vega-lite';
import { formatShare, threeFigures } from '../../src/core/units.ts';
import {
  type AttainmentCurve,
  goodputOf,
  type Kind,
  KINDS,
  type PlacementReport,
  unitWords,
} from '../../src/schema/placement.ts';
import { kindsInOrder } from '../placement-text.ts';
import { ARRIVALS, percent } from '../placement-verdict.ts';
import { percentCell } from './time-chart.ts';
import type { Chart, Color, Layers, Position } from './chart.ts';
import { COLOURS, SHARE_LABEL } from './theme.ts';

/** A curve of fewer points has no course. */
const LEAST_POINTS = 2;

/** How many requests meet the SLO at which rate, for the best of each kind: a chart for each of the arrivals. */
export function attainmentCharts(report: PlacementReport): Chart[] {
  const lines = report.attainment.map(lineOf).filter(({ points }) => points.length >= LEAST_POINTS);
  // One axis for both charts, so that they can be compared.
  const rates = lines.flatMap(({ points }) => points.map(({ rps }) => rps));
  const domain: Domain = [Math.min(...rates), Math.max(...rates)];
  return (['trace', 'poisson'] as const).flatMap((arrivals) => {
    const some = kindsInOrder(report).flatMap((kind) =>
      lines.filter(({ curve }) => curve.arrivals === arrivals && curve.kind === kind),
    );
    return some.length === 0 ? [] : [attainmentChart(report, arrivals, some, domain)];
  });
}

type Domain = readonly [from: number, to: number];

interface Point {
  readonly kind: Kind;
  /** Per GPU. */
  readonly rps: number;
  readonly attainment: number;
  readonly text: string;
}

interface Line {
  readonly curve: AttainmentCurve;
  /** Simulations that went to their ends, the lowest rate first. */
  readonly points: readonly Point[];
}

function lineOf(curve: AttainmentCurve): Line {
  const { kind, gpus, groups, probes } = curve;
  const points = probes.flatMap(({ rate_rps, attainment }): Point[] => {
    if (attainment === null) return [];
    const rps = rate_rps / gpus;
    const text = `${unitWords(groups)}: ${formatShare(attainment)} meet the SLO at ${threeFigures(rps)} requests/s per GPU`;
    return [{ kind, rps, attainment, text }];
  });
  return { curve, points };
}

function attainmentChart(
  report: PlacementReport,
  arrivals: AttainmentCurve['arrivals'],
  lines: readonly Line[],
  domain: Domain,
): Chart {
  const goal = percent(report.at);
  const marks = goodputMarks(report, lines);
  const kept = marks.map(({ kind, rps }) => `${kind} up to ${threeFigures(rps)}`).join(', ');
  const title =
    kept === ''
      ? `No placement meets the SLO with ${ARRIVALS[arrivals]}`
      : `With ${ARRIVALS[arrivals]} ${goal} meet the SLO: ${kept} requests/s per GPU`;
  const units = lines.map(({ curve }) => unitWords(curve.groups));
  const ended = lines.some(({ curve }) => curve.probes.some(({ attainment }) => attainment === null));
  return {
    id: `attainment-${arrivals}`,
    title,
    label: `Share of requests that meet the SLO against the rate. ${title}.`,
    note:
      `Each point is a simulation with ${ARRIVALS[arrivals]}, the large ones are the highest rates that met. The best of each kind: ${units.join('; ')}.` +
      (ended ? ' Simulations that were ended as soon as they had missed are in the table alone.' : ''),
    spec: spec(lines, marks, { value: report.at, text: `${goal} wanted` }, domain),
    table: {
      columns: ['placement', 'requests/s per GPU', 'requests/s', 'meet the SLO (%)'],
      rows: lines.flatMap(({ curve: { groups, gpus, probes } }) =>
        probes.map(({ rate_rps, attainment }) => [
          unitWords(groups),
          threeFigures(rate_rps / gpus),
          threeFigures(rate_rps),
          attainment === null ? `under ${percentCell(report.at)}` : percentCell(attainment),
        ]),
      ),
    },
  };
}

interface Mark extends Point {
  readonly words: string;
  readonly isRight: boolean;
}

/** The goodput of each line; the words of the higher are to the right of it, those of the other to its left. */
function goodputMarks({ contenders }: PlacementReport, lines: readonly Line[]): Mark[] {
  const most = lines.flatMap(({ curve: { kind, groups, gpus, arrivals }, points }) => {
    const same = contenders.find((each) => each.kind === kind && unitWords(each.groups) === unitWords(groups));
    const found = same === undefined ? null : goodputOf(same, arrivals);
    return points.find(({ rps }) => rps === (found?.goodput_rps ?? 0) / gpus) ?? [];
  });
  const highest = Math.max(...most.map(({ rps }) => rps));
  return most.map((point) => ({
    ...point,
    words: `${threeFigures(point.rps)}/s`,
    isRight: point.rps === highest,
  }));
}

function spec(
  lines: readonly Line[],
  marks: readonly Mark[],
  goal: { readonly value: number; readonly text: string },
  domain: Domain,
): TopLevelSpec {
  const x: Position = {
    field: 'rps',
    type: 'quantitative',
    scale: { domain: [...domain], nice: true, zero: false },
    axis: { title: 'requests/s per GPU', tickCount: { expr: 'ceil(width / 80)' }, grid: false },
  };
  const y: Position = {
    field: 'attainment',
    type: 'quantitative',
    scale: { domain: [0, 1] },
    axis: { title: 'share that meets the SLO', tickCount: 4, labelExpr: SHARE_LABEL },
  };
  const color: Color = {
    field: 'kind',
    type: 'nominal',
    scale: { domain: [...KINDS], range: [COLOURS.first, COLOURS.second] },
  };
  const level: { readonly data: { readonly values: object[] }; readonly y: Position } = {
    data: { values: [goal] },
    y: { ...y, field: 'value' },
  };
  const words = (isRight: boolean): Layers[number] => ({
    data: { values: marks.filter((mark) => mark.isRight === isRight) },
    mark: { type: 'text', align: isRight ? 'left' : 'right', dx: isRight ? 8 : -8, dy: isRight ? -8 : 14 },
    encoding: { x, y, text: { field: 'words', type: 'nominal' } },
  });
  return {
    width: 'container',
    height: 220,
    layer: [
      {
        data: level.data,
        mark: { type: 'rule', strokeDash: [6, 4], strokeWidth: 1, color: COLOURS.ink },
        encoding: { y: level.y },
      },
      {
        data: level.data,
        mark: { type: 'text', align: 'right', dx: -4, dy: 10, color: COLOURS.muted },
        encoding: { x: { value: 'width' }, y: level.y, text: { field: 'text', type: 'nominal' } },
      },
      {
        data: { values: lines.flatMap(({ points }) => points) },
        mark: { type: 'line', strokeWidth: 1.75, point: { size: 24 } },
        encoding: { x, y, color, tooltip: { field: 'text', type: 'nominal' } },
      },
      {
        data: { values: [...marks] },
        mark: { type: 'point', filled: true, size: 110, opacity: 1 },
        encoding: { x, y, color, tooltip: { field: 'text', type: 'nominal' } },
      },
      words(true),
      words(false),
    ],
  };
}
