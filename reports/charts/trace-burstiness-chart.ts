import type { TraceInspection, WindowStatistics } from '../../src/core/trace-inspection.ts';
import { threeFigures, withThousands } from '../../src/core/units.ts';
import { countText } from '../../src/core/words.ts';
import { secondsText } from '../format.ts';
import type { Chart, Layers, Position } from './chart.ts';
import { logDomain, logTicks, MS_LABEL } from './log-axis.ts';
import { COLOURS } from './theme.ts';

const HEIGHT = 220;
/** Of fewer bins the variance is that of chance. */
const LEAST_BINS = 10;
const LEAST_POINTS = 2;
/** Below the line of Poisson's 1, for its words. */
const ROOM_BELOW = 1.5;
/** Times Poisson's variance that is called more. */
const MORE = 1.5;

interface Point {
  readonly window: WindowStatistics;
  readonly idc: number;
}

/** Dispersion of counts against the length of the window, beside Poisson's 1; null where there is not enough time. */
export function traceBurstinessChart(found: TraceInspection): Chart | null {
  const points = found.windows.flatMap((window): Point[] =>
    window.idc === null || window.bins < LEAST_BINS || window.idc <= 0 ? [] : [{ window, idc: window.idc }],
  );
  if (points.length < LEAST_POINTS) return null;
  const title = titleOf(points);
  return {
    id: 'burstiness',
    title,
    label: `Variance over mean of the counts of arrivals, by the length of the window in which they are counted. ${title}.`,
    note: `n = ${countText(found.rows, 'request')}; counts in windows of one length, from the first request on; windows of which the trace has ${LEAST_BINS} or more. At 1 they vary as those of a Poisson process; a curve that rises with the window is a rate that changes, one above 1 from the left on are bursts.`,
    spec: { width: 'container', height: HEIGHT, layer: layersOf(points) },
    table: {
      columns: ['window (s)', 'windows', 'variance over mean', 'peak over mean rate', 'most requests', 'empty windows'],
      rows: points.map(({ window, idc }) => [
        String(window.window_s),
        withThousands(window.bins),
        threeFigures(idc),
        window.peak_over_mean === null ? '-' : threeFigures(window.peak_over_mean),
        withThousands(window.max_count),
        withThousands(window.empty),
      ]),
    },
  };
}

function titleOf(points: readonly Point[]): string {
  const [first, last] = [points[0], points.at(-1)];
  if (first === undefined || last === undefined) return 'Burstiness by window';
  const over = points.find(({ idc }) => idc >= MORE);
  const window = ({ window: { window_s } }: Point): string => secondsText(window_s);
  if (over === undefined)
    return points.every(({ idc }) => idc > 1 / MORE)
      ? `Counts vary as those of a Poisson process, from ${window(first)} to ${window(last)}`
      : `More even than Poisson: counts in ${window(last)} vary ${threeFigures(last.idc)} times as much`;
  const most = points.reduce((high, point) => (point.idc > high.idc ? point : high));
  return `Burstier than Poisson from windows of ${window(over)} on: ${threeFigures(most.idc)} times its variance in ${window(most)}`;
}

function layersOf(points: readonly Point[]): Layers {
  const [xDomain, yDomain] = [
    logDomain(
      points.map(({ window }) => window.window_s * 1000),
      [],
    ),
    logDomain([...points.map(({ idc }) => idc), 1 / ROOM_BELOW], []),
  ];
  const x: Position = {
    field: 'ms',
    type: 'quantitative',
    scale: { type: 'log', domain: xDomain, nice: false },
    axis: { title: 'window (log scale)', values: logTicks(xDomain), labelExpr: MS_LABEL },
  };
  const y: Position = {
    field: 'idc',
    type: 'quantitative',
    scale: { type: 'log', domain: yDomain, nice: false },
    axis: { title: 'variance over mean of counts (log scale)', values: logTicks(yDomain), format: ',~r' },
  };
  const values = points.map(({ window, idc }) => ({
    ms: window.window_s * 1000,
    idc,
    text: `${withThousands(window.bins)} windows of ${secondsText(window.window_s)}: ${threeFigures(idc)} times Poisson’s variance, at most ${countText(window.max_count, 'request')}`,
  }));
  // Its words stand on the side where the curve does not end.
  const baseline = (points.at(-1)?.idc ?? 1) < 1 ? 'bottom' : 'top';
  return [
    {
      data: { values: [{ idc: 1 }] },
      mark: { type: 'rule', strokeWidth: 1.5, strokeDash: [2, 3], color: COLOURS.muted },
      encoding: { y },
    },
    {
      data: { values: [{ idc: 1 }] },
      mark: { type: 'text', align: 'right', baseline, dx: -4, dy: baseline === 'top' ? 4 : -3, color: COLOURS.muted },
      encoding: { x: { value: 'width' }, y, text: { value: 'Poisson: 1' } },
    },
    { data: { values }, mark: { type: 'line', strokeWidth: 2, color: COLOURS.first }, encoding: { x, y } },
    {
      data: { values },
      mark: { type: 'point', filled: true, size: 50, opacity: 1, color: COLOURS.first },
      encoding: { x, y, tooltip: { field: 'text', type: 'nominal' } },
    },
  ];
}
