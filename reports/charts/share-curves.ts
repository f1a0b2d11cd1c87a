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
      ...crossingLayers(crossings, { goal, sloAt, x, y, color }),
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

interface CrossingContext extends Pick<ShareCurves, 'goal' | 'sloAt'> {
  readonly x: Position;
  readonly y: Position;
  readonly color: Color;
}

/** Uprights; the words of neighbours stand one above the other, on the side on which the SLO is not. */
function crossingLayers(crossings: readonly CrossingMark[], { goal, sloAt, x, y, color }: CrossingContext): Layers {
  return [
    {
      data: { values: crossings.map((each) => ({ ...each, share: goal })) },
      mark: { type: 'rule', strokeWidth: 1.5 },
      encoding: { x, y, y2: { datum: 0 }, color },
    },
    ...crossings.map((each, i): Layers[number] => {
      const isRight = sloAt !== null && each.x >= sloAt;
      return {
        data: { values: [{ ...each, share: 0 }] },
        mark: { type: 'text', align: isRight ? 'left' : 'right', dx: isRight ? 5 : -5, dy: -8 - 16 * i },
        encoding: { x, y, text: { field: 'words', type: 'nominal' } },
      };
    }),
  ];
}
