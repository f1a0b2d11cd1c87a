import type { TopLevelSpec } from 'vega-lite';
import { plainPercent } from '../../src/core/units.ts';
import type { Color, Layers, Position } from './chart.ts';
import { targetMarks } from './target-series.ts';
import { COLOURS, SHARE_LABEL, SLO_LINE } from './theme.ts';

/** The share that met under one load or SLO scale. */
export interface SharePoint {
  readonly target: string;
  readonly x: number;
  readonly share: number;
  /** Its 95 % interval; null: it has none. */
  readonly low: number | null;
  readonly high: number | null;
  /** Of the tooltip. */
  readonly text: string;
  /** Page that a click opens. */
  readonly href?: string;
}

/** Where a curve crosses the goal. */
interface CrossingMark {
  readonly target: string;
  readonly x: number;
  readonly words: string;
}

interface ShareCurves {
  /** In the order of the legend, a curve each. */
  readonly targets: readonly string[];
  readonly points: readonly SharePoint[];
  readonly crossings: readonly CrossingMark[];
  /** Share that is wanted. */
  readonly goal: number;
  /** Scale and axis. */
  readonly x: Pick<Extract<Position, { scale?: unknown }>, 'scale' | 'axis'>;
  /** Where on x the SLO itself is; null: x has no SLO. */
  readonly sloAt: number | null;
}

/** Curves of shares with their intervals as bands, the goal as a dashed line, and where they cross it. */
export function shareCurves({ targets, points, crossings, goal, x: axis, sloAt }: ShareCurves): TopLevelSpec {
  const x: Position = { field: 'x', type: 'quantitative', ...axis };
  const y: Position = {
    field: 'share',
    type: 'quantitative',
    scale: { domain: [0, 1] },
    axis: { title: 'share that meets the SLO', tickCount: 4, labelExpr: SHARE_LABEL },
  };
  const { color, shape } = targetMarks(targets);
  const all = { values: [...points] };
  const dots = (hasInterval: boolean): Layers[number] => ({
    data: { values: points.filter(({ low }) => (low !== null) === hasInterval) },
    mark: { type: 'point', filled: hasInterval, size: 60, strokeWidth: 1.5, opacity: 1 },
    encoding: {
      x,
      y,
      color,
      shape,
      tooltip: { field: 'text', type: 'nominal' },
      ...(points.some(({ href }) => href !== undefined) ? { href: { field: 'href', type: 'nominal' } } : {}),
    },
  });
  const slo: Layers =
    sloAt === null ? [] : [{ data: { values: [{ x: sloAt }] }, mark: SLO_LINE, encoding: { x: { ...x, field: 'x' } } }];
  return {
    width: 'container',
    height: 260,
    layer: [
      {
        data: all,
        mark: { type: 'area', opacity: 0.18, line: false },
        encoding: { x, y: { ...y, field: 'low' }, y2: { field: 'high' }, color },
      },
      ...slo,
      ...goalLayers(goal, y, points),
      { data: all, mark: { type: 'line', strokeWidth: 1.75 }, encoding: { x, y, color } },
      dots(true),
      dots(false),
      ...crossingLayers(crossings, { goal, x, y, color, isRight: (at) => isRightOf(at, sloAt, points) }),
    ],
  };
}

function goalLayers(goal: number, y: Position, points: readonly SharePoint[]): Layers {
  const end = Math.max(...points.map((point) => point.x));
  const isMet = points.every(({ x, share }) => x < end || share >= goal);
  const data = { values: [{ share: goal, text: `${plainPercent(goal)} % wanted` }] };
  return [
    {
      data,
      mark: { type: 'rule', strokeDash: [6, 4], strokeWidth: 1, color: COLOURS.ink },
      encoding: { y },
    },
    {
      data,
      // At the right, on the side of the line on which the curves do not end.
      mark: { type: 'text', align: 'right', dx: -4, dy: isMet ? 10 : -8, color: COLOURS.muted },
      encoding: { x: { value: 'width' }, y, text: { field: 'text', type: 'nominal' } },
    },
  ];
}

/** What the words beside an upright take of the width of a narrow page. */
const WORDS = 0.12;

/** Whether words stand to the right of their upright: the SLO is not there, and else where the axis begins at the left. */
function isRightOf(at: number, sloAt: number | null, points: readonly SharePoint[]): boolean {
  if (sloAt === null) return false;
  if (at >= sloAt) return true;
  const xs = points.map(({ x }) => x);
  const [from, to] = [Math.min(...xs), Math.max(...xs)];
  const room = WORDS * (to - from);
  return at - from < room && sloAt - at > room;
}

interface CrossingContext extends Pick<ShareCurves, 'goal'> {
  readonly isRight: (at: number) => boolean;
  readonly x: Position;
  readonly y: Position;
  readonly color: Color;
}

/** Uprights; the words of neighbours stand one above the other. */
function crossingLayers(crossings: readonly CrossingMark[], { goal, isRight, x, y, color }: CrossingContext): Layers {
  return [
    {
      data: { values: crossings.map((each) => ({ ...each, share: goal })) },
      mark: { type: 'rule', strokeWidth: 1.5 },
      encoding: { x, y, y2: { datum: 0 }, color },
    },
    ...crossings.map((each, i): Layers[number] => {
      const atRight = isRight(each.x);
      return {
        data: { values: [{ ...each, share: 0 }] },
        mark: { type: 'text', align: atRight ? 'left' : 'right', dx: atRight ? 5 : -5, dy: -8 - 16 * i },
        encoding: { x, y, text: { field: 'words', type: 'nominal' } },
      };
    }),
  ];
}
