import { AXIS_UNITS } from '../../src/certificate/beyond.ts';
import { formatMs } from '../../src/core/units.ts';
import { countText, listText } from '../../src/core/words.ts';
import {
  LOAD_AXES,
  type Certificate,
  type CertifiedCurve,
  type CertifiedPoint,
  type LoadAxis,
} from '../../src/schema/certificate.ts';
import { limitText, loadText } from '../certificate-words.ts';
import type { Chart, ChartSection, Layers, Position } from './chart.ts';
import { logDomain, logTicks, MS_LABEL } from './log-axis.ts';
import { targetMarks } from './target-series.ts';
import { COLOURS } from './theme.ts';

const HEIGHT = 260;

/** The charts of a certificate in the order of its page: error against load, a chart an axis. */
export function certificateSections(certificate: Certificate): ChartSection[] {
  return [
    {
      id: 'error',
      heading: 'Error against load',
      name: 'Error',
      layout: 'column',
      charts: LOAD_AXES.flatMap((axis) => errorByLoad(certificate, axis) ?? []),
    },
  ];
}

/** What of a trial decides on an axis, in ms: of requests their lateness, of tokens their times. */
const JUDGED: Readonly<
  Record<LoadAxis, (point: CertifiedPoint) => { readonly ms: number; readonly range: readonly number[] }>
> = {
  tokens_per_s: errorOf,
  requests_per_s: ({ lateness_ms: { p99, p99_range } }) => ({ ms: p99, range: p99_range }),
  streams: errorOf,
};

function errorOf({ timestamp_error_us: { p99, p99_range } }: CertifiedPoint): ReturnType<(typeof JUDGED)[LoadAxis]> {
  return { ms: p99 / 1000, range: p99_range.map((us) => us / 1000) };
}

const WHAT: Readonly<Record<LoadAxis, string>> = {
  tokens_per_s: 'token times p99 late',
  requests_per_s: 'requests p99 late',
  streams: 'token times p99 late',
};

const pollingName = (poll: CertifiedCurve['poll']): string => `polling ${poll}`;

function errorByLoad({ curves, limit_ms: limitMs }: Certificate, axis: LoadAxis): Chart | null {
  const ofAxis = curves.filter((curve) => curve.axis === axis);
  if (ofAxis.length === 0) return null;
  const points = ofAxis.flatMap(({ poll, points: all }) =>
    all.map((point) => {
      const { ms, range } = JUDGED[axis](point);
      const bound = point.verdict === 'server_bound' ? '; the server wrote no more' : '';
      return {
        target: pollingName(poll),
        load: point[axis],
        ms,
        low: range[0] ?? ms,
        high: range[1] ?? ms,
        verdict: point.verdict,
        text: `${loadText(point[axis])} ${AXIS_UNITS[axis]}, polling ${poll}: ${formatMs(ms)}${bound}`,
      };
    }),
  );
  const limits = listText(ofAxis.map((curve) => `${limitText(curve)} with polling ${curve.poll}`));
  const title = `Within ${limitMs} ms: ${limits} (${AXIS_UNITS[axis]})`;
  const trials = ofAxis.reduce(
    (sum, { points: all }) => sum + all.reduce((n, { repetitions }) => n + repetitions, 0),
    0,
  );
  return {
    id: `error-by-${axis.replaceAll('_', '-')}`,
    title,
    label: `${WHAT[axis]} against ${AXIS_UNITS[axis]}, by polling. ${title}.`,
    note: `n = ${countText(trials, 'trial')}; a point is the median of those at its load, the bar its range. Line across: the limit, ${limitMs} ms. Hollow: the server wrote less than it was to.`,
    spec: {
      width: 'container',
      height: HEIGHT,
      layer: layersOf(points, { axis, limitMs, polls: ofAxis.map(({ poll }) => pollingName(poll)) }),
    },
    table: {
      columns: ['polling', AXIS_UNITS[axis], `${WHAT[axis]} (ms)`, 'range (ms)', 'verdict'],
      rows: points.map(({ target, load, ms, low, high, verdict }) => [
        target,
        loadText(load),
        ms.toFixed(3),
        `${low.toFixed(3)} to ${high.toFixed(3)}`,
        verdict.replace('_', ' '),
      ]),
    },
  };
}

interface Drawn {
  readonly load: number;
  readonly ms: number;
  readonly low: number;
  readonly high: number;
  readonly verdict: CertifiedPoint['verdict'];
}

function layersOf(
  points: readonly Drawn[],
  { axis, limitMs, polls }: { readonly axis: LoadAxis; readonly limitMs: number; readonly polls: readonly string[] },
): Layers {
  const loads = points.map(({ load }) => load).filter((load) => load > 0);
  const xDomain: [number, number] = [Math.min(...loads, 1e9) / 1.05, Math.max(...loads, 1) * 1.05];
  const yDomain = logDomain([...points.flatMap(({ low, high }) => [low, high]), limitMs], []);
  const x: Position = {
    field: 'load',
    type: 'quantitative',
    scale: { type: 'log', domain: xDomain, nice: false },
    axis: { title: `${AXIS_UNITS[axis]} (log scale)`, values: logTicks(xDomain), format: '~s' },
  };
  const y = (field: 'ms' | 'low'): Position => ({
    field,
    type: 'quantitative',
    scale: { type: 'log', domain: yDomain, nice: false, clamp: true },
    axis: { title: `${WHAT[axis]} (log scale)`, values: logTicks(yDomain), labelExpr: MS_LABEL },
  });
  const { color, shape } = targetMarks(polls);
  const values = [...points];
  return [
    {
      data: { values: [{ ms: limitMs }] },
      mark: { type: 'rule', strokeWidth: 1, color: COLOURS.muted },
      encoding: { y: y('ms') },
    },
    {
      data: { values: [{ ms: limitMs, text: `limit ${limitMs} ms` }] },
      mark: { type: 'text', align: 'left', baseline: 'bottom', dx: 4, dy: -3, color: COLOURS.muted },
      encoding: { x: { value: 0 }, y: y('ms'), text: { field: 'text', type: 'nominal' } },
    },
    { data: { values }, mark: { type: 'line', strokeWidth: 2 }, encoding: { x, y: y('ms'), color } },
    {
      data: { values },
      mark: { type: 'rule', strokeWidth: 1.5 },
      encoding: { x, y: y('low'), y2: { field: 'high' }, color },
    },
    ...(['within', 'late', 'server_bound'] as const).map((verdict): Layers[number] => ({
      data: { values: values.filter((point) => point.verdict === verdict) },
      mark: {
        type: 'point',
        size: 50,
        opacity: 1,
        ...(verdict === 'server_bound' ? { fill: COLOURS.paper, strokeWidth: 2 } : { filled: true }),
      },
      encoding: { x, y: y('ms'), color, shape, tooltip: { field: 'text', type: 'nominal' } },
    })),
  ];
}
