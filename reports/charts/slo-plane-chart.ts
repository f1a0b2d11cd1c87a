import { formatMs, formatShare } from '../../src/core/units.ts';
import type { Slo } from '../../src/core/slo.ts';
import { GOAL_PERCENT, type SloPlane } from '../figures/slo-plane.ts';
import { countWords, joinWords, plainMs } from '../wording.ts';
import type { Chart, Layers, Position } from './chart.ts';
import { logDomain, logTicks, MS_LABEL } from './log-axis.ts';
import { COLOURS, SLO_LINE } from './theme.ts';

export interface SloPlaneData {
  readonly plane: SloPlane;
  /** Null: no SLO was given, and no cross is drawn. */
  readonly slo: Slo | null;
}

const HEIGHT = 340;

/** What could be promised: attainment over limits on TTFT and TPOT, as contours, with the SLO as a cross. */
export function sloPlaneChart({ plane, slo }: SloPlaneData): Chart {
  const title = titleOf(plane, slo);
  const strictest = strictestWords(plane, slo);
  const reached = plane.contours.filter(({ points }) => points.length > 0);
  const beyond = plane.contours.filter(({ points }) => points.length === 0).map(({ percent }) => `${percent} %`);
  const limits = [...new Set(reached.flatMap(({ points }) => points.map(({ ttft_ms }) => ttft_ms)))];
  return {
    id: 'slo-plane',
    title,
    label: `Share of requests that would meet each pair of limits on TTFT and TPOT. ${strictest}`,
    note: [
      `n = ${countWords(plane.requests, 'request')}`,
      'above and to the right of a line, at least its share of requests meets both limits',
      slo === null ? '' : 'dashed: the SLO',
      plane.never === 0
        ? ''
        : `${countWords(plane.never, 'request')} failed${slo?.e2e === undefined ? '' : ` or missed E2E <= ${plainMs(slo.e2e)}`} and meet${plane.never === 1 ? 's' : ''} no pair`,
      beyond.length === 0 ? '' : `no limits reach ${joinWords(beyond)}`,
    ]
      .filter((part) => part !== '')
      .join('; ')
      .concat(`. ${strictest}`),
    spec: { width: 'container', height: HEIGHT, layer: layersOf(plane, slo) },
    table: {
      columns: ['TTFT limit (ms)', ...reached.map(({ percent }) => `TPOT limit that ${percent} % meet (ms)`)],
      rows: limits
        .sort((a, b) => a - b)
        .map((ttft_ms) => [
          String(ttft_ms),
          ...reached.map(({ points }) => {
            const point = points.find((each) => each.ttft_ms === ttft_ms);
            return point === undefined ? '-' : String(Number(point.tpot_ms.toPrecision(6)));
          }),
        ]),
    },
  };
}

function titleOf({ share_at_slo, contours, strictest_ttft_ms, strictest_tpot_ms }: SloPlane, slo: Slo | null): string {
  if (contours.every(({ points }) => points.length === 0))
    return 'No limits on TTFT and TPOT are met by half of the requests';
  if (slo === null || share_at_slo === null) return 'Which limits on TTFT and TPOT could be promised';
  if (share_at_slo * 100 >= GOAL_PERCENT)
    return `The SLO is met by ${formatShare(share_at_slo)}: within what can be promised at ${GOAL_PERCENT} %`;
  const lever =
    strictest_ttft_ms !== null && strictest_tpot_ms === null
      ? ': a looser TTFT limit alone would'
      : strictest_tpot_ms !== null && strictest_ttft_ms === null
        ? ': a looser TPOT limit alone would'
        : strictest_ttft_ms === null
          ? ', and loosening one limit alone would not do'
          : ': a looser limit on either would';
  return `The SLO does not reach ${GOAL_PERCENT} %${lever}`;
}

/** The strictest limit along each axis, in words. */
function strictestWords({ strictest_ttft_ms, strictest_tpot_ms }: SloPlane, slo: Slo | null): string {
  const along = (name: string, ms: number | null, other: string, otherMs: number | undefined): string => {
    const given = otherMs === undefined ? `whatever the ${other}` : `with ${other} <= ${plainMs(otherMs)}`;
    return ms === null
      ? `no limit on ${name} is met by ${GOAL_PERCENT} % ${given}`
      : `${GOAL_PERCENT} % meet ${name} <= ${formatMs(ms)} ${given}`;
  };
  const text = `${along('TTFT', strictest_ttft_ms, 'TPOT', slo?.tpot)}; ${along('TPOT', strictest_tpot_ms, 'TTFT', slo?.ttft)}.`;
  return text.replace(/^n/, 'N');
}

function layersOf(plane: SloPlane, slo: Slo | null): Layers {
  const points = plane.contours.flatMap((contour) => contour.points);
  const xDomain = logDomain(
    points.map(({ ttft_ms }) => ttft_ms),
    slo?.ttft === undefined ? [] : [slo.ttft],
  );
  const yDomain = logDomain(
    points.map(({ tpot_ms }) => tpot_ms),
    slo?.tpot === undefined ? [] : [slo.tpot],
  );
  const x = axisOf('ttft_ms', xDomain, 'TTFT limit (log scale)');
  const y = axisOf('tpot_ms', yDomain, 'TPOT limit (log scale)');
  return [
    ...plane.contours.flatMap((contour) => contourLayers(contour, xDomain, yDomain, x, y)),
    ...crossLayers(slo, x, y),
    ...strictestLayers(plane, slo, xDomain, yDomain, x, y),
  ];
}

function axisOf(field: string, domain: [number, number], title: string): Position {
  return {
    field,
    type: 'quantitative',
    scale: { type: 'log', domain, nice: false, clamp: true },
    axis: { values: logTicks(domain), labelExpr: MS_LABEL, title },
  };
}

type Domain = readonly [number, number];

/** The region in which a level is reached, its edge, and its name at the right end. The regions lie over one another. */
function contourLayers(
  { percent, points }: SloPlane['contours'][number],
  [, right]: Domain,
  [, top]: Domain,
  x: Position,
  y: Position,
): Layers {
  const [first, last] = [points[0], points.at(-1)];
  if (first === undefined || last === undefined) return [];
  const drawn = [...points, { ttft_ms: right, tpot_ms: last.tpot_ms }];
  const words = drawn.map((point) => ({
    ...point,
    text: `${percent} % meet TTFT <= ${formatMs(point.ttft_ms)} with TPOT <= ${formatMs(point.tpot_ms)}`,
  }));
  const goal = percent === GOAL_PERCENT;
  return [
    {
      data: { values: drawn.map((point) => ({ ...point, top })) },
      mark: { type: 'area', interpolate: 'step-after', opacity: 0.14, color: COLOURS.first },
      encoding: { x, y, y2: { field: 'top' } },
    },
    {
      data: { values: [{ ttft_ms: first.ttft_ms, tpot_ms: top }, ...drawn] },
      mark: { type: 'line', interpolate: 'step-after', strokeWidth: goal ? 2.5 : 1.25, color: COLOURS.first },
      encoding: { x, y },
    },
    {
      data: { values: words },
      mark: { type: 'point', opacity: 0, size: 120 },
      encoding: { x, y, tooltip: { field: 'text', type: 'nominal' } },
    },
    {
      data: { values: [{ ttft_ms: first.ttft_ms, tpot_ms: top, text: `${percent} %` }] },
      mark: { type: 'text', align: 'center', dy: -8, fontWeight: goal ? 700 : 400 },
      encoding: { x, y, text: { field: 'text', type: 'nominal' } },
    },
  ];
}

function crossLayers(slo: Slo | null, x: Position, y: Position): Layers {
  const line = { ...SLO_LINE, strokeDash: [...SLO_LINE.strokeDash] };
  return [
    ...(slo?.ttft === undefined ? [] : [{ data: { values: [{ ttft_ms: slo.ttft }] }, mark: line, encoding: { x } }]),
    ...(slo?.tpot === undefined ? [] : [{ data: { values: [{ tpot_ms: slo.tpot }] }, mark: line, encoding: { y } }]),
  ];
}

/** Where the 90 % line crosses the SLO's limits: what each alone would have to be. */
function strictestLayers(
  { strictest_ttft_ms, strictest_tpot_ms }: SloPlane,
  slo: Slo | null,
  [, right]: Domain,
  [, top]: Domain,
  x: Position,
  y: Position,
): Layers {
  const values = [
    ...(strictest_ttft_ms === null
      ? []
      : [{ ttft_ms: strictest_ttft_ms, tpot_ms: slo?.tpot ?? top, text: `TTFT ${formatMs(strictest_ttft_ms)}` }]),
    ...(strictest_tpot_ms === null
      ? []
      : [{ ttft_ms: slo?.ttft ?? right, tpot_ms: strictest_tpot_ms, text: `TPOT ${formatMs(strictest_tpot_ms)}` }]),
  ];
  const limited = values.filter(({ ttft_ms, tpot_ms }) => ttft_ms < right && tpot_ms < top);
  return [
    {
      data: { values: limited },
      mark: { type: 'point', filled: true, opacity: 1, size: 60, color: COLOURS.ink },
      encoding: { x, y },
    },
    {
      data: { values: limited },
      mark: { type: 'text', align: 'left', dx: 8, dy: -9 },
      encoding: { x, y, text: { field: 'text', type: 'nominal' } },
    },
  ];
}
