import { formatMs } from '../../src/core/units.ts';
import type { Slo } from '../../src/core/slo.ts';
import type { SloPlane } from '../data/slo-plane.ts';
import type { Layers, Position } from './chart.ts';
import { logDomain, logTicks, MS_LABEL } from './log-axis.ts';
import { COLOURS, SLO_LINE } from './theme.ts';

/** The axes reach this many times beyond the limits drawn. */
const ROOM = 1.2;
/** Height of a level's name, in pixels. */
const NAME_HEIGHT = 16;
/** Beyond this share of the width a name has no room to the right of its line. */
const EDGE = 0.85;
/** Beyond this share of the width the name of a strictest limit has no room there either. */
const NEAR_EDGE = 0.75;

/** The plane's axes, and where they end in milliseconds. */
interface Plane {
  readonly x: Position;
  readonly y: Position;
  readonly left: number;
  readonly right: number;
  readonly top: number;
}

/** Contours, their names, the SLO's lines, and the strictest limits along them. */
export function sloPlaneLayers(plane: SloPlane, slo: Slo | null): Layers {
  const axes = axesOf(plane, slo);
  return [
    ...plane.contours.flatMap((contour) => contourLayers(contour, contour.percent === plane.at_percent, axes)),
    ...levelNames(plane, axes),
    ...crossLayers(slo, axes),
    ...strictestLayers(plane, slo, axes),
  ];
}

function axesOf({ contours }: SloPlane, slo: Slo | null): Plane {
  const points = contours.flatMap((contour) => contour.points);
  const xDomain = logDomain(
    points.flatMap(({ ttft_ms }) => [ttft_ms / ROOM, ttft_ms * ROOM]),
    slo?.ttft === undefined ? [] : [slo.ttft],
  );
  const yDomain = logDomain(
    points.flatMap(({ tpot_ms }) => [tpot_ms / ROOM, tpot_ms * ROOM]),
    slo?.tpot === undefined ? [] : [slo.tpot],
  );
  return {
    x: axisOf('ttft_ms', xDomain, { title: 'TTFT limit (log scale)' }),
    y: axisOf('tpot_ms', yDomain, { title: 'TPOT limit (log scale)', titleY: -28 }),
    left: xDomain[0],
    right: xDomain[1],
    top: yDomain[1],
  };
}

function axisOf(field: string, domain: [number, number], axis: { title: string; titleY?: number }): Position {
  return {
    field,
    type: 'quantitative',
    scale: { type: 'log', domain, nice: false, clamp: true },
    axis: { values: logTicks(domain), labelExpr: MS_LABEL, ...axis },
  };
}

/** The region in which a level is reached, its edge, and tooltips along it. The regions lie over one another. */
function contourLayers(
  { percent, points }: SloPlane['contours'][number],
  isWanted: boolean,
  { x, y, right, top }: Plane,
): Layers {
  const [first, last] = [points[0], points.at(-1)];
  if (first === undefined || last === undefined) return [];
  const drawn = [...points, { ttft_ms: right, tpot_ms: last.tpot_ms }];
  const tooltips = drawn.map((point) => ({
    ...point,
    text: `${percent} % meet TTFT ≤ ${formatMs(point.ttft_ms)} with TPOT ≤ ${formatMs(point.tpot_ms)}`,
  }));
  return [
    {
      data: { values: drawn.map((point) => ({ ...point, top })) },
      mark: { type: 'area', interpolate: 'step-after', opacity: 0.14, color: COLOURS.first },
      encoding: { x, y, y2: { field: 'top' } },
    },
    {
      data: { values: [{ ttft_ms: first.ttft_ms, tpot_ms: top }, ...drawn] },
      mark: { type: 'line', interpolate: 'step-after', strokeWidth: isWanted ? 2.5 : 1.25, color: COLOURS.first },
      encoding: { x, y },
    },
    {
      data: { values: tooltips },
      mark: { type: 'point', opacity: 0, size: 120 },
      encoding: { x, y, tooltip: { field: 'text', type: 'nominal' } },
    },
  ];
}

/** The name of each level beside its line, each lower than the one before, so that names of near lines stay apart. */
function levelNames({ contours, at_percent }: SloPlane, { x, left, right }: Plane): Layers {
  const reached = contours.flatMap(({ percent, points }) =>
    points[0] === undefined ? [] : [{ percent, ttft_ms: points[0].ttft_ms }],
  );
  return reached.map(({ percent, ttft_ms }, i) => {
    const atEdge = Math.log(ttft_ms / left) / Math.log(right / left) > EDGE;
    return {
      data: { values: [{ ttft_ms, text: `${percent} %` }] },
      mark: {
        type: 'text',
        align: atEdge ? 'right' : 'left',
        dx: atEdge ? -5 : 5,
        fontWeight: percent === at_percent ? 700 : 400,
      },
      encoding: { x, y: { value: 10 + NAME_HEIGHT * i }, text: { field: 'text', type: 'nominal' } },
    };
  });
}

function crossLayers(slo: Slo | null, { x, y }: Plane): Layers {
  return [
    ...(slo?.ttft === undefined
      ? []
      : [{ data: { values: [{ ttft_ms: slo.ttft }] }, mark: SLO_LINE, encoding: { x } }]),
    ...(slo?.tpot === undefined
      ? []
      : [{ data: { values: [{ tpot_ms: slo.tpot }] }, mark: SLO_LINE, encoding: { y } }]),
  ];
}

/** Where the contour of the wanted share crosses the SLO's lines: what each limit alone would have to be. */
function strictestLayers(
  { strictest_ttft_ms, strictest_tpot_ms }: SloPlane,
  slo: Slo | null,
  { x, y, left, right, top }: Plane,
): Layers {
  const values = [
    ...(strictest_ttft_ms === null
      ? []
      : [
          {
            ttft_ms: strictest_ttft_ms,
            tpot_ms: slo?.tpot ?? top,
            metric: 'TTFT',
            text: `TTFT ${formatMs(strictest_ttft_ms)}`,
          },
        ]),
    ...(strictest_tpot_ms === null
      ? []
      : [
          {
            ttft_ms: slo?.ttft ?? right,
            tpot_ms: strictest_tpot_ms,
            metric: 'TPOT',
            text: `TPOT ${formatMs(strictest_tpot_ms)}`,
          },
        ]),
  ];
  const limited = values.filter(({ ttft_ms, tpot_ms }) => ttft_ms < right && tpot_ms < top);
  return [
    {
      data: { values: limited },
      mark: { type: 'point', filled: true, opacity: 1, size: 60, color: COLOURS.ink },
      encoding: { x, y },
    },
    ...(['TTFT', 'TPOT'] as const).map((metric): Layers[number] => {
      // The names keep away from the cross and from the right edge, and from each other.
      const ttft = strictest_ttft_ms ?? 0;
      const nearEdge = Math.log(ttft / left) > NEAR_EDGE * Math.log(right / left);
      const before = metric === 'TTFT' && (nearEdge || (ttft < (slo?.ttft ?? 0) && ttft > 1.5 * left));
      return {
        data: { values: limited.filter((each) => each.metric === metric) },
        mark: {
          type: 'text',
          align: before ? 'right' : 'left',
          dx: before ? -8 : 8,
          dy: metric === 'TTFT' && !before ? -9 : 12,
        },
        encoding: { x, y, text: { field: 'text', type: 'nominal' } },
      };
    }),
  ];
}
