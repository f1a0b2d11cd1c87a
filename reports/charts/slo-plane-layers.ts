import { formatMs } from '../../src/core/units.ts';
import type { Slo } from '../../src/core/slo.ts';
import type { SloPlane } from '../data/slo-plane.ts';
import type { Layers, Position } from './chart.ts';
import { logDomain, logTicks, MS_LABEL } from './log-axis.ts';
import { COLOURS, SLO_LINE } from './theme.ts';

/** The axes reach this many times beyond the limits drawn. */
const ROOM = 1.2;
/** Height of a row of level names, in pixels. */
const NAME_HEIGHT = 15;
/** Names of one row lie apart by at least this share of the width, which is a phone's at the least. */
const NAME_WIDTH = 0.13;
/** The name of a strictest limit has no room between this share of the width and the edge on its side. */
const NEAR_EDGE = 0.3;

/** The plane's axes, and where they end in milliseconds. */
interface Plane {
  readonly x: Position;
  readonly y: Position;
  readonly left: number;
  readonly right: number;
  readonly top: number;
  readonly names: readonly LevelName[];
}

/** The name of a level above its line, where no line runs: row 0 lies on the plot, the others above it. */
interface LevelName {
  readonly percent: number;
  readonly ttft_ms: number;
  readonly row: number;
}

/** Contours, their names, the SLO's lines, and the strictest limits along them. */
export function sloPlaneLayers(plane: SloPlane, slo: Slo | null): Layers {
  const axes = axesOf(plane, slo);
  return [
    ...plane.contours.flatMap((contour) => contourLayers(contour, contour.percent === plane.at_percent, axes)),
    ...axes.names.map((name) => levelName(name, name.percent === plane.at_percent, axes)),
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
  const names = levelNames(contours, xDomain);
  const rows = Math.max(1, ...names.map(({ row }) => row + 1));
  return {
    names,
    x: axisOf('ttft_ms', xDomain, { title: 'TTFT limit (log scale)' }),
    y: axisOf('tpot_ms', yDomain, { title: 'TPOT limit (log scale)', titleY: -13 - NAME_HEIGHT * rows }),
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
    text: `${percent} % meet TTFT ≤ ${formatMs(point.ttft_ms)} with ${point.tpot_ms === 0 ? 'any TPOT limit' : `TPOT ≤ ${formatMs(point.tpot_ms)}`}`,
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

/** Each in the lowest row in which it keeps clear of the names before it. */
function levelNames(contours: SloPlane['contours'], [left, right]: readonly [number, number]): LevelName[] {
  const names: (LevelName & { readonly at: number })[] = [];
  for (const { percent, points } of contours) {
    const ttft_ms = points[0]?.ttft_ms;
    if (ttft_ms === undefined) continue;
    const at = Math.log(ttft_ms / left) / Math.log(right / left);
    const taken = new Set(names.filter((name) => Math.abs(name.at - at) < NAME_WIDTH).map(({ row }) => row));
    const row = [...names.keys(), names.length].find((each) => !taken.has(each)) ?? 0;
    names.push({ percent, ttft_ms, row, at });
  }
  return names;
}

function levelName({ percent, ttft_ms, row }: LevelName, isWanted: boolean, { x }: Plane): Layers[number] {
  return {
    data: { values: [{ ttft_ms, text: `${percent} %` }] },
    mark: { type: 'text', fontWeight: isWanted ? 700 : 400 },
    encoding: { x, y: { value: -9 - NAME_HEIGHT * row }, text: { field: 'text', type: 'nominal' } },
  };
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
            isMet: strictest_ttft_ms < (slo?.ttft ?? Infinity),
            text: `TTFT ${formatMs(strictest_ttft_ms)}`,
          },
        ]),
    // A log axis has no place for 0.
    ...(strictest_tpot_ms === null || strictest_tpot_ms === 0
      ? []
      : [
          {
            ttft_ms: slo?.ttft ?? right,
            tpot_ms: strictest_tpot_ms,
            isMet: strictest_tpot_ms < (slo?.tpot ?? Infinity),
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
    ...limited.map(({ text, isMet, ...point }): Layers[number] => {
      // A contour falls to the right, so that none of its line is above and right of its points, or below and left. A
      // stricter limit than the SLO's has the SLO's line on its right, a looser one on its left.
      const at = Math.log(point.ttft_ms / left) / Math.log(right / left);
      const before = at > 1 - NEAR_EDGE || (isMet && at > NEAR_EDGE);
      return {
        data: { values: [{ ...point, text }] },
        mark: { type: 'text', align: before ? 'right' : 'left', dx: before ? -8 : 8, dy: before ? 12 : -10 },
        encoding: { x, y, text: { field: 'text', type: 'nominal' } },
      };
    }),
  ];
}
