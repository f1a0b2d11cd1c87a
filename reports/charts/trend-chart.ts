import type { TopLevelSpec } from 'vega-lite';
import { countText } from '../../src/core/words.ts';
import { isGoodput, type FigureName } from '../../src/schema/comparison.ts';
import {
  nightsToLearn,
  type MetricTrend,
  type Trend,
  type TrendChange,
  type TrendPoint,
} from '../../src/trend/trend.ts';
import { metricLabel, valueText } from '../comparison-words.ts';
import { changeText, commitText, dayText, figureText, shortChange } from '../trend-words.ts';
import type { Chart, ChartSection, Color, Layers, Position } from './chart.ts';
import { MS_LABEL } from './log-axis.ts';
import { COLOURS, SHARE_LABEL } from './theme.ts';

/** Nights farther than so many half bands from the level stand at the edge of their panel. */
const MOST_BANDS = 4;
/** Around the values, as a share of their range. */
const ROOM = 0.08;

/** A panel for each figure. */
export function trendSections(trend: Trend): ChartSection[] {
  const { metrics } = trend;
  if (metrics.length === 0) return [];
  const hasRanges = metrics.some(({ points }) => points.some(({ range }) => range !== null));
  const ranges = hasRanges
    ? ' Upright through a point: what the goodput is known to, a bracket or a 95 % interval.'
    : '';
  return [
    {
      id: 'trend',
      heading: 'By night',
      layout: 'pairs',
      lead: `A point a night: hollow where the night is not valid, a diamond where it lies beyond the band alone.${ranges} Band: the level since the last change, from its first 20 nights (later 40), with three spreads to either side. Dashed upright: a change, dated; triangle: the night that raised it. Dotted: the accepted night.`,
      charts: metrics.map((metric) => trendChart(metric, trend)),
    },
  ];
}

function trendChart(metric: MetricTrend, trend: Trend): Chart {
  const { name, points, changes } = metric;
  const last = changes.at(-1);
  const label = metricLabel(name);
  const isLearning = last === undefined && nightsToLearn(metric) > 0;
  const title = isLearning
    ? `${label}: too few nights for a level`
    : last === undefined
      ? `${label}: no change in ${countText(points.length, 'night')}`
      : `${changeText(last)} in night ${last.between[1] + 1}`;
  const odd = [
    [points.filter(({ isValid }) => !isValid).length, 'not valid'],
    [points.filter(({ isOutlier }) => isOutlier).length, 'alone beyond the band'],
    [points.filter(({ value }) => value === null).length, 'failed, at the upper edge'],
  ] as const;
  return {
    id: `trend-${name.replaceAll('.', '-')}`,
    title,
    label: `${label} by night, ${countText(points.length, 'night')}. ${title}.`,
    note: [
      countText(points.length, 'night'),
      ...odd.filter(([count]) => count > 0).map(([count, what]) => `${count} ${what}`),
    ].join(', '),
    spec: spec(metric, trend),
    table: {
      columns: ['night', 'day', 'commit', label, ''],
      rows: points.map((point) => pointRow(name, point, trend)),
    },
  };
}

function pointRow(name: FigureName, point: TrendPoint, { nights }: Trend): string[] {
  const { night, isValid, isOutlier } = point;
  const found = nights[night];
  return [
    String(night + 1),
    found === undefined ? '-' : dayText(found),
    found === undefined || found.commit === null ? '-' : commitText(found.commit),
    figureText(name, point),
    !isValid ? 'not valid' : isOutlier ? 'outlier' : '',
  ];
}

interface Mark {
  readonly night: number;
  readonly value: number;
  readonly text: string;
}

function spec(metric: MetricTrend, trend: Trend): TopLevelSpec {
  const domain = domainOf(metric, trend);
  const { x, y } = axesOf(metric.name, domain, trend);
  const marks = metric.points.map((point): Mark & Pick<TrendPoint, 'isValid' | 'isOutlier'> => ({
    night: point.night + 1,
    // A failed quantile has no place: it is at the upper edge, and its words say so.
    value: point.value ?? domain[1],
    text: `night ${pointRow(metric.name, point, trend)
      .filter((cell) => cell !== '')
      .join(', ')}`,
    isValid: point.isValid,
    isOutlier: point.isOutlier,
  }));
  const usual = marks.filter(({ isValid, isOutlier }) => isValid && !isOutlier);
  const tooltip = { field: 'text', type: 'nominal' } as const;
  const point = (values: readonly Mark[], mark: object): Layers[number] => ({
    data: { values: [...values] },
    mark: { type: 'point', opacity: 1, ...mark },
    encoding: { x, y, tooltip },
  });
  return {
    width: 'container',
    height: 150,
    layer: [
      ...levelLayers(metric, { x, y }),
      ...acceptedLayers(metric, trend, y),
      ...changeLayers(metric, domain, { x, y }),
      ...rangeLayers(metric, { x, y }),
      {
        data: { values: usual },
        mark: { type: 'line', strokeWidth: 1, opacity: 0.5, color: COLOURS.first },
        encoding: { x, y },
      },
      point(usual, { filled: true, size: 36, color: COLOURS.first }),
      point(
        marks.filter(({ isValid }) => !isValid),
        { filled: false, size: 40, strokeWidth: 1.5, color: COLOURS.muted },
      ),
      point(
        marks.filter(({ isOutlier }) => isOutlier),
        { filled: true, shape: 'diamond', size: 90, color: COLOURS.second },
      ),
    ],
  };
}

interface Axes {
  readonly x: Position;
  readonly y: Position;
}

function axesOf(name: FigureName, domain: readonly [number, number], { nights }: Trend): Axes {
  const perSecond = isGoodput(name) ? 'requests/s' : name === 'throughput' ? 'output tokens/s' : null;
  const labels = perSecond !== null ? { format: '~r' } : { labelExpr: name === 'attainment' ? SHARE_LABEL : MS_LABEL };
  return {
    x: {
      field: 'night',
      type: 'quantitative',
      scale: { domain: [0.5, Math.max(nights.length, 2) + 0.5], nice: false },
      axis: { title: 'night', grid: false, tickMinStep: 1, tickCount: { expr: 'ceil(width / 60)' }, format: 'd' },
    },
    y: {
      field: 'value',
      type: 'quantitative',
      scale: { domain: [...domain], clamp: true, nice: false, zero: false },
      axis: { title: perSecond ?? metricLabel(name), tickCount: 4, ...labels },
    },
  };
}

/** Holds every valid night, but for those very far from their level. */
function domainOf({ name, points, levels }: MetricTrend, { accepted }: Trend): [number, number] {
  const shown = points.flatMap(({ night, value, range, isValid }) => {
    if (value === null || (!isValid && night !== accepted)) return [];
    const values = [value, ...(range ?? [])];
    const level = levels.find(({ from, to }) => night >= from && night <= to);
    if (level?.band === undefined || level.band === null || level.centre === null) return values;
    const { centre, band } = level;
    const most = MOST_BANDS * Math.max(band[1] - centre, (range?.[1] ?? centre) - centre, 0.002 * centre);
    return values.map((each) => Math.max(centre - most, Math.min(centre + most, each)));
  });
  const values = [...shown, ...levels.flatMap(({ band }) => band ?? [])];
  if (values.length === 0) return [0, 1];
  const [low, high] = [Math.min(...values), Math.max(...values)];
  const room = high > low ? ROOM * (high - low) : 0.05 * (high === 0 ? 1 : high);
  return [Math.max(0, low - room), name === 'attainment' ? Math.min(1, high + room) : high + room];
}

/** What each figure is known to: a bracket, or an interval. */
function rangeLayers({ points }: MetricTrend, { x, y }: Axes): Layers {
  const ranges = points.flatMap(({ night, range, isValid }) =>
    range === null ? [] : [{ night: night + 1, value: range[0], high: range[1], isValid }],
  );
  if (ranges.length === 0) return [];
  return [
    {
      data: { values: ranges },
      mark: { type: 'rule', strokeWidth: 2, opacity: 0.45 },
      encoding: {
        x,
        y,
        y2: { field: 'high' },
        color: { field: 'isValid', type: 'nominal', legend: null, scale: RANGE_COLOURS },
      },
    },
  ];
}

const RANGE_COLOURS = { domain: [true, false], range: [COLOURS.first, COLOURS.muted] };

function levelLayers({ levels }: MetricTrend, { x, y }: Axes): Layers {
  const bands = levels.flatMap(({ from, to, centre, band }) =>
    band === null || centre === null
      ? []
      : [{ night: from + 0.5, to: to + 1.5, value: band[0], high: band[1], centre }],
  );
  if (bands.length === 0) return [];
  return [
    {
      data: { values: bands },
      mark: { type: 'rect', color: COLOURS.fourth, opacity: 0.2 },
      encoding: { x, x2: { field: 'to' }, y, y2: { field: 'high' } },
    },
    {
      data: { values: bands },
      mark: { type: 'rule', color: COLOURS.muted, strokeWidth: 1 },
      encoding: { x, x2: { field: 'to' }, y: { ...y, field: 'centre' } },
    },
  ];
}

function acceptedLayers({ name, points }: MetricTrend, { accepted }: Trend, y: Position): Layers {
  const value = points.find(({ night }) => night === accepted)?.value ?? null;
  if (value === null || accepted === null) return [];
  return [
    {
      data: { values: [{ value, text: `accepted: night ${accepted + 1}, ${valueText(name, value)}` }] },
      mark: { type: 'rule', strokeDash: [2, 3], strokeWidth: 1.5, color: COLOURS.ink },
      encoding: { y, tooltip: { field: 'text', type: 'nominal' } },
    },
  ];
}

function changeLayers({ changes }: MetricTrend, domain: readonly [number, number], { x, y }: Axes): Layers {
  if (changes.length === 0) return [];
  const at = changes.map((change) => ({
    night: (change.between[0] + change.between[1]) / 2 + 1,
    text: shortChange(change.change, change.isBetter),
    ...colours(change),
    tooltip: `${changeText(change)} in night ${change.between[1] + 1}`,
  }));
  const raised = changes.map((change) => ({
    night: change.raised + 1,
    value: domain[0],
    text: `raised in night ${change.raised + 1}`,
    ...colours(change),
  }));
  const color = (field: 'color' | 'textColor'): Color => ({ field, type: 'nominal', scale: null, legend: null });
  return [
    {
      data: { values: at },
      mark: { type: 'rule', strokeDash: [5, 3], strokeWidth: 1.5 },
      encoding: { x, color: color('color'), tooltip: { field: 'tooltip', type: 'nominal' } },
    },
    {
      data: { values: at },
      mark: { type: 'text', align: 'right', baseline: 'top', dx: -5 },
      encoding: { x, y: { value: 0 }, color: color('textColor'), text: { field: 'text', type: 'nominal' } },
    },
    {
      data: { values: raised },
      mark: { type: 'point', shape: 'triangle-up', filled: true, size: 80, opacity: 1, yOffset: -4 },
      encoding: { x, y, color: color('color'), tooltip: { field: 'text', type: 'nominal' } },
    },
  ];
}

function colours({ isBetter }: TrendChange): { readonly color: string; readonly textColor: string } {
  return isBetter
    ? { color: COLOURS.third, textColor: COLOURS.goodText }
    : { color: COLOURS.bad, textColor: COLOURS.badText };
}
