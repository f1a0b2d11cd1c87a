import { formatShare, plainPercent, threeFigures } from '../src/core/units.ts';
import { countText, listText } from '../src/core/words.ts';
import { isMoreBetter, type FigureName } from '../src/schema/comparison.ts';
import type { Measurement, Night } from '../src/schema/history.ts';
import { FIRST_NIGHTS } from '../src/trend/cusum.ts';
import { namesIn, nightsToLearn, type MetricTrend, type Trend, type TrendChange } from '../src/trend/trend.ts';
import { metricLabel, signed, valueText, VERDICT_MARKS } from './comparison-words.ts';

/** The answer of a trend. `glyph` says the same as the colour that a report gives to `tone`. */
export interface TrendVerdict {
  readonly tone: 'met' | 'missed' | 'unsure' | 'none';
  readonly glyph: string;
  readonly sentence: string;
  /** Said under it, without full stops. */
  readonly notes: readonly string[];
}

/** Metrics that change within so many nights of each other changed together. */
const TOGETHER = 2;
/** Metrics that the answer names besides the first. */
const NAMED = 3;
/** Characters of a commit that tell it. */
const COMMIT_LENGTH = 7;

export function trendVerdict(trend: Trend): TrendVerdict {
  const { nights, accepted, metrics } = trend;
  const valid = nights.filter((night) => night.valid).length;
  const since = metrics.flatMap(({ changes }) => changes).filter(({ between }) => between[1] > (accepted ?? 0));
  const notes = notesOf(trend);
  const last = together(since);
  if (last.length > 0) {
    const isWorse = last.some(({ isBetter }) => !isBetter);
    const { tone, glyph } = VERDICT_MARKS[isWorse ? 'worse' : 'better'];
    return { tone, glyph, sentence: changeSentence(last, nights), notes };
  }
  if (valid < FIRST_NIGHTS)
    return {
      tone: 'unsure',
      glyph: VERDICT_MARKS.provisional.glyph,
      sentence: `Too few nights to see a change: ${valid} valid of the ${FIRST_NIGHTS} that a level needs`,
      notes,
    };
  const left = accepted === null || accepted === 0 ? nights.length : nights.length - 1 - accepted;
  const span =
    left === nights.length
      ? countText(nights.length, 'night')
      : `the ${countText(left, 'night')} since night ${(accepted ?? 0) + 1} was accepted`;
  return {
    tone: 'none',
    glyph: VERDICT_MARKS.same.glyph,
    sentence: left === 0 ? 'No change: the last night is accepted' : `No change in ${span}`,
    notes,
  };
}

/** The newest change, and those beside it; what stands out most from how nights spread first. */
function together(changes: readonly TrendChange[]): TrendChange[] {
  const newest = changes.reduce((latest, { between }) => Math.max(latest, between[1]), 0);
  return changes
    .filter(({ between }) => newest - between[1] <= TOGETHER)
    .toSorted((a, b) => (a.spreads === b.spreads ? 0 : b.spreads - a.spreads));
}

/** `TPOT p50 got 5.1 % worse between night 29 (abc1234) and night 31 (def4567); so did E2E p50 (5.0 %)`. */
function changeSentence(changes: readonly TrendChange[], nights: readonly Night[]): string {
  const worse = changes.filter(({ isBetter }) => !isBetter);
  const better = changes.filter(({ isBetter }) => isBetter);
  const before = Math.min(...changes.map(({ between }) => between[0]));
  const after = Math.max(...changes.map(({ between }) => between[1]));
  const where = `between ${nightText(before, nights)} and ${nightText(after, nights)}`;
  const [main, other] = worse.length > 0 ? [worse, better] : [better, []];
  const also = other.length === 0 ? '' : `; better: ${listText(other.map(namedChange))}`;
  const [first, ...others] = main;
  if (first === undefined) return '';
  const named = others.slice(0, others.length === NAMED + 1 ? NAMED + 1 : NAMED).map(namedChange);
  const left = others.length - named.length;
  const so = others.length === 0 ? '' : `; so did ${listText(left === 0 ? named : [...named, `${left} others`])}`;
  const text = changeText(first);
  return `${text.charAt(0).toUpperCase()}${text.slice(1)} ${where}${so}${also}`;
}

/** `TPOT p50 got 5.1 % worse`. */
export function changeText({ name, change, isBetter }: TrendChange): string {
  const label = metricLabel(name);
  if (change === null && isMoreBetter(name)) return `${label} came up from zero`;
  if (change === null) return isBetter ? `${label} became finite` : `${label} became infinite (requests failed)`;
  return `${label} got ${formatShare(Math.abs(change))} ${isBetter ? 'better' : 'worse'}`;
}

/** `+5.1 %`. */
export function shortChange(change: number | null, isBetter: boolean): string {
  if (change !== null) return signed(change);
  return isBetter ? 'recovers' : 'fails';
}

function namedChange({ name, change }: TrendChange): string {
  return `${metricLabel(name)}${change === null ? '' : ` (${formatShare(Math.abs(change))})`}`;
}

/** `night 29 (abc1234)`. */
function nightText(place: number, nights: readonly Night[]): string {
  const commit = nights[place]?.commit;
  return `night ${place + 1}${commit === null || commit === undefined ? '' : ` (${commitText(commit)})`}`;
}

export function commitText(commit: string): string {
  return commit.slice(0, COMMIT_LENGTH);
}

/** `2026-09-30`. */
export function dayText({ started_at }: Night): string {
  return started_at.slice(0, 10);
}

/** `the goodput of this trace at 90 % and 99 %`. */
export function measuredText(measured: Measurement): string {
  if (measured.kind === 'run') return 'a run of the trace';
  const { of, arrivals, at } = measured;
  const what =
    of === 'trace'
      ? 'this trace'
      : `traffic like the trace, ${arrivals === 'poisson' ? 'Poisson arrivals' : 'pieces of it in random order'},`;
  return `the goodput of ${what} at ${listText(at.map((share) => `${plainPercent(share)} %`))}`;
}

function notesOf(trend: Trend): string[] {
  const { nights, accepted, metrics } = trend;
  const last = nights.at(-1);
  const invalid = nights.filter(({ valid }) => !valid).length;
  const learning = Math.max(0, ...metrics.map(nightsToLearn));
  return [
    ...(last === undefined ? [] : [lastNight(last, nights.length)]),
    [
      countText(nights.length, 'night'),
      ...(invalid === 0 ? [] : [`${invalid} not valid, which take part in nothing`]),
      accepted === null
        ? 'none is accepted as the baseline'
        : `accepted baseline: ${nightText(accepted, nights)}, ${dayText(nights[accepted] ?? failed())}`,
    ].join('; '),
    ...(learning === 0
      ? []
      : [
          `${FIRST_NIGHTS} valid nights make a level, from which changes are raised: ${learning} to go${metrics.every((metric) => nightsToLearn(metric) === learning) ? '' : ' at most, by metric'}`,
        ]),
  ];
}

function lastNight(night: Night, number: number): string {
  const name = `Night ${number}, ${dayText(night)}${night.commit === null ? '' : ` (${commitText(night.commit)})`}`;
  if (!night.valid) return `${name} is not valid: ${reasonText(night.reasons)}`;
  if (night.verdict === null) return `${name} was not compared${night.accepted ? ': it is the baseline' : ''}`;
  const decisive = namesIn([night]).flatMap((each) => {
    const figure = night.metrics[each];
    return figure?.verdict === night.verdict && figure.change !== null && night.verdict !== 'same'
      ? [`${metricLabel(each)} ${signed(figure.change)}`]
      : [];
  });
  const why = ['better', 'worse'].includes(night.verdict) && decisive.length > 0 ? ` (${decisive.join(', ')})` : '';
  return `${name} alone, against the accepted level: ${night.verdict}${why}`;
}

/** The first reason without its advice; the run's own report has all. */
export function reasonText([first = 'no reason is kept', ...others]: readonly string[]): string {
  const [head = first] = first.split('; ');
  return `${head}${others.length === 0 ? '' : `, and ${countText(others.length, 'more reason')}`}`;
}

/** `48.2 ms`, `15.2 requests/s (15.2 to 15.4)`. */
export function figureText(
  name: FigureName,
  { value, range }: { readonly value: number | null; readonly range?: readonly [number, number] | null },
): string {
  const text = valueText(name, value);
  return range === undefined || range === null ? text : `${text} (${range.map(threeFigures).join(' to ')})`;
}

export const TREND_COLUMNS = ['', 'last night', 'from the accepted level', '', 'level now', 'changes'] as const;

/** A metric in a row: what its last valid night says, its level since the last change, its changes. */
export function trendRow(metric: MetricTrend, nights: readonly Night[]): string[] {
  const { name, points, levels, changes } = metric;
  const place = points.findLast(({ isValid }) => isValid)?.night;
  const figure = place === undefined ? undefined : nights[place]?.metrics[name];
  return [
    metricLabel(name),
    figure === undefined ? '-' : figureText(name, figure),
    figure === undefined || figure.change === null ? '-' : signed(figure.change),
    figure === undefined || figure.verdict === null ? '-' : `${VERDICT_MARKS[figure.verdict].glyph} ${figure.verdict}`,
    levelText(metric, levels.at(-1)),
    changes.length === 0
      ? 'none'
      : changes
          .map(({ change, isBetter, between }) => `${shortChange(change, isBetter)} in night ${between[1] + 1}`)
          .join(', '),
  ];
}

function levelText(metric: MetricTrend, level: MetricTrend['levels'][number] | undefined): string {
  const left = nightsToLearn(metric);
  if (level === undefined || left > 0) return `${FIRST_NIGHTS - left} of ${FIRST_NIGHTS} nights`;
  if (level.centre === null || level.band === null) return 'fails';
  const half = level.band[0] > 0 ? (level.band[1] / level.band[0]) ** 0.5 - 1 : 0;
  return `${valueText(metric.name, level.centre)}${half === 0 ? '' : ` ± ${formatShare(half)}`}`;
}

export const CHANGE_COLUMNS = ['change', 'after', 'first', 'commits', 'raised in'] as const;

export function changeRow(change: TrendChange, nights: readonly Night[]): string[] {
  const [before, after] = change.between;
  const [from, to] = [nights[before]?.commit ?? null, nights[after]?.commit ?? null];
  const dated = (place: number): string => `night ${place + 1}, ${dayText(nights[place] ?? failed())}`;
  return [
    changeText(change),
    dated(before),
    dated(after),
    from === null || to === null ? '-' : `${commitText(from)}..${commitText(to)}`,
    `night ${change.raised + 1}`,
  ];
}

/** All changes, the newest first. */
export function changesOf({ metrics }: Trend): TrendChange[] {
  return metrics.flatMap(({ changes }) => changes).toSorted((a, b) => b.between[1] - a.between[1]);
}

export const NIGHT_COLUMNS = ['night', 'run', 'commit', 'against the accepted', 'raised'] as const;
/** The column that a page makes a link to the run of. */
export const RUN_COLUMN = 1;

export function nightRow(night: Night, place: number): string[] {
  const { commit, valid, verdict, alarms, accepted, run_id } = night;
  const [first, ...others] = alarms.map(
    ({ name, change, better }) => `${metricLabel(name)} ${shortChange(change, better)}`,
  );
  return [
    String(place + 1),
    run_id,
    commit === null ? '-' : commitText(commit),
    !valid
      ? 'not valid'
      : verdict === null
        ? accepted
          ? 'accepted'
          : '-'
        : `${VERDICT_MARKS[verdict].glyph} ${verdict}`,
    first === undefined ? '-' : `${first}${others.length === 0 ? '' : ` and ${others.length} more`}`,
  ];
}

function failed(): never {
  throw new Error('a trend names a night that is not in the history');
}
