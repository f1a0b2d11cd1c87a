import { exp, ln } from '../core/portable-math.ts';
import { figureName, isMoreBetter, JUDGED_NAMES, type FigureName } from '../schema/comparison.ts';
import type { Night } from '../schema/history.ts';
import { cusumOf, FIRST_NIGHTS, OUTLIER, type Alarm, type Cusum } from './cusum.ts';
import { changePoints } from './e-divisive.ts';
import { medianOf } from './level.ts';

/** A figure by night. Nights are places in the history, from 0. */
export interface MetricTrend {
  readonly name: FigureName;
  readonly points: readonly TrendPoint[];
  /** In order; the last goes on. */
  readonly levels: readonly TrendLevel[];
  readonly changes: readonly TrendChange[];
}

export interface TrendPoint {
  readonly night: number;
  /** In the metric's unit; null: infinite. */
  readonly value: number | null;
  /** What it is known to; null: exactly, for the night. */
  readonly range: readonly [low: number, high: number] | null;
  /** A night that is not valid takes part in nothing. */
  readonly isValid: boolean;
  readonly isOutlier: boolean;
}

/** Nights between two changes, as these are dated. */
interface TrendLevel {
  readonly from: number;
  readonly to: number;
  /** Valid nights since the CUSUM began anew. */
  readonly nights: number;
  /** Centre, and three spreads to either side, in the metric's unit; null before twenty nights, or where most failed. */
  readonly centre: number | null;
  readonly band: readonly [low: number, high: number] | null;
}

export interface TrendChange {
  readonly name: FigureName;
  /** The last night before it, and the first after. */
  readonly between: readonly [before: number, after: number];
  /** The night that raised it. */
  readonly raised: number;
  /** Of the level, as a share of the one before; null: infinite on a side. */
  readonly change: number | null;
  /** The same in spreads of one night; infinite where nights did not spread. */
  readonly spreads: number;
  readonly isBetter: boolean;
}

export interface Trend {
  readonly nights: readonly Night[];
  /** Place of the accepted night; null: none is, or it is not in the history. */
  readonly accepted: number | null;
  readonly metrics: readonly MetricTrend[];
}

/** What the history of a branch shows: by each judged metric, which its CUSUM decides and E-divisive dates. */
export function trendOf(nights: readonly Night[], acceptedRun: string | null): Trend {
  const accepted = nights.findLastIndex(({ run_id }) => run_id === acceptedRun);
  return {
    nights,
    accepted: accepted < 0 ? null : accepted,
    metrics: namesIn(nights).map((name) => metricTrend(name, nights)),
  };
}

/** The figures that nights have, those of runs in the order of their family. */
export function namesIn(nights: readonly Pick<Night, 'metrics'>[]): FigureName[] {
  const found = new Set(nights.flatMap(({ metrics }) => Object.keys(metrics).map((name) => figureName.parse(name))));
  return [...JUDGED_NAMES.filter((name) => found.delete(name)), ...found];
}

/** The changes of all metrics that a night raised. */
export function raisedBy({ metrics }: Trend, night: number): TrendChange[] {
  return metrics.flatMap(({ changes }) => changes).filter(({ raised }) => raised === night);
}

/** The logarithms of a figure of the valid nights that have it, and the places of these. */
export function seriesOf(
  name: FigureName,
  nights: readonly Night[],
): { readonly places: readonly number[]; readonly values: readonly number[] } {
  const found = nights.flatMap(({ valid, metrics }, night) => {
    const figure = valid ? metrics[name] : undefined;
    return figure === undefined ? [] : [{ night, value: figure.value === null ? Infinity : ln(figure.value) }];
  });
  return { places: found.map(({ night }) => night), values: found.map(({ value }) => value) };
}

function metricTrend(name: FigureName, nights: readonly Night[]): MetricTrend {
  const { places, values } = seriesOf(name, nights);
  const cusum = cusumOf(values);
  const outliers = new Set(cusum.outliers.map((at) => places[at]));
  const placeOf = (at: number): number => places[at] ?? nights.length - 1;
  const dated = changesOf(name, values, cusum);
  return {
    name,
    points: nights.flatMap(({ valid, metrics }, night) => {
      const figure = metrics[name];
      return figure === undefined
        ? []
        : [
            {
              night,
              value: figure.value,
              range: figure.range ?? null,
              isValid: valid,
              isOutlier: outliers.has(night),
            },
          ];
    }),
    levels: cusum.stretches
      .filter(({ from, to }) => to > from)
      .map(({ from, to, level }, i) => ({
        from: placeOf(dated[i - 1]?.at ?? from),
        to: placeOf((dated[i]?.at ?? to) - 1),
        nights: to - from,
        centre: level === null ? null : finite(exp(level.centre)),
        band: level === null ? null : bandOf(level.centre, OUTLIER * level.spread),
      })),
    changes: dated.map(({ at, raised, ...change }) => ({
      name,
      between: [placeOf(at - 1), placeOf(at)],
      raised: placeOf(raised),
      ...change,
    })),
  };
}

function bandOf(centre: number, half: number): readonly [number, number] | null {
  const [low, high] = [exp(centre - half), exp(centre + half)];
  return Number.isFinite(low) && Number.isFinite(high) ? [low, high] : null;
}

const finite = (value: number): number | null => (Number.isFinite(value) ? value : null);

interface Dated extends Pick<TrendChange, 'change' | 'spreads' | 'isBetter'> {
  /** The first night of the new level, by its place in the series. */
  readonly at: number;
  readonly raised: number;
}

function changesOf(name: FigureName, values: readonly number[], { alarms, stretches }: Cusum): Dated[] {
  if (alarms.length === 0) return [];
  const points = changePoints(values);
  return alarms.map((alarm, i) => {
    const since = stretches[i]?.from ?? 0;
    const at = dateOf(alarm, since, points, values);
    const [before, after] = [
      medianOf(values.slice(since, at)),
      medianOf(values.slice(at, Math.max(alarm.at + 1, stretches[i + 1]?.to ?? 0))),
    ];
    return {
      at,
      raised: alarm.at,
      change: finite(exp(after - before) - 1),
      spreads: Math.abs(after - before) / (stretches[i]?.level?.spread ?? 0),
      isBetter: (alarm.direction === 'up') === isMoreBetter(name),
    };
  });
}

/** The nearest split of the whole history that goes the same way; where there is none, the alarm's own first night. */
function dateOf(
  { at, from, direction }: Alarm,
  since: number,
  points: readonly number[],
  values: readonly number[],
): number {
  const goesUp = (point: number): boolean =>
    medianOf(values.slice(point, at + 1)) > medianOf(values.slice(since, point));
  const fitting = points.filter((point) => point > since && point <= at && goesUp(point) === (direction === 'up'));
  return fitting.toSorted((a, b) => Math.abs(a - from) - Math.abs(b - from) || a - b)[0] ?? from;
}

/** Nights that a metric still needs since its last change before changes of it can be raised. */
export function nightsToLearn({ levels }: MetricTrend): number {
  return Math.max(0, FIRST_NIGHTS - (levels.at(-1)?.nights ?? 0));
}
