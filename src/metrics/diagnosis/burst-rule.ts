import { axisTimeText, formatMs, formatShare, threeFigures, withThousands } from '../../core/units.ts';
import { listText } from '../../core/words.ts';
import { nearestRank } from '../samples.ts';
import { atTimes, type Concentration, FEW_SPANS, MOST_MISSES } from './concentration.ts';
import type { Course } from './course.ts';
import type { CourseBin } from './course-bins.ts';
import { type Facts, isTelling } from './facts.ts';
import { fullText } from './server-course.ts';
import { isIn, isWithin, meanInFlight, mostInFlight, seconds, type Span, total } from './spans.ts';

/** While most misses came, so many times as much was in flight as otherwise. */
const MORE_IN_FLIGHT = 1.3;
/** Without more load of any kind, but by chance... */
const SAME_LOAD = 1.1;
const LOAD_DEVIATIONS = 2;
/** ... the server answered so much less, beyond chance in deviations... */
const LESS_ANSWERED = 0.8;
const DEVIATIONS = 5;
/** ... or no more with so many times as much in flight, and took so many times as long. */
const NO_MORE_ANSWERED = 1.25;
const NO_MORE_DEVIATIONS = 2;
const CROWDED = 2;
const SLOWER = 2;
/** In a shorter time than so many stays fewer are answered by chance: those that came in it end after it. */
const STAYS = 5;
/** A span that begins or ends within this share of the run next to its edge does so at the edge. */
const AT_THE_EDGE = 0.01;

/** Most misses came with a peak of load, and the server caught up afterwards. */
export function burstText({ course, concentration, peaks, server, lengths }: Facts): string | null {
  if (!isTelling(course) || concentration === null || peaks === null) return null;
  // A few long prompts are a peak of tokens, and better told as such.
  if (peaks.noun === 'prompt tokens' && lengths !== null) return null;
  const explained = atTimes(course, peaks.explains);
  const { bad, others } = explained;
  if (total(bad, 'missed') < MOST_MISSES * course.missed) return null;
  if (meanInFlight(bad) < MORE_IN_FLIGHT * meanInFlight(others)) return null;
  const all = [...peaks.spans, ...peaks.explains];
  const most = mostInFlight(course.bins.filter((bin) => isIn(all, bin)));
  const full = fullText(server, all);
  const then = peaks.explains.length === 1 ? when(course, peaks.explains) : 'then or soon after';
  return `${peaks.spans.length === 1 ? 'A burst' : 'Bursts'} of load: ${when(course, peaks.spans)}, ${amount(peaks.during)} ${peaks.noun}/s came, ${threeFigures(peaks.times)} times the mean; up to ${withThousands(most)} requests were in flight (otherwise ${threeFigures(meanInFlight(others))} on average)${full === null ? '' : `; ${full}`}. ${shareText(course, explained, then)}`;
}

/** Most misses came while the server was slower, though no more was asked. */
export function slowdownText({ course, concentration, peaks }: Facts): string | null {
  if (!isTelling(course) || concentration === null || peaks !== null) return null;
  const { bad, others, spans } = concentration;
  const longestS = spans.reduce((longest, { from_s, to_s }) => Math.max(longest, to_s - from_s), 0);
  if (longestS < STAYS * (course.stay_s ?? 0)) return null;
  const rate = (bins: readonly CourseBin[], count: 'due' | 'prompt_tokens' | 'output_tokens' | 'answered'): number =>
    total(bins, count) / seconds(bins);
  const loads = ['due', 'prompt_tokens', 'output_tokens'] as const;
  const chance = LOAD_DEVIATIONS / Math.sqrt(Math.max(1, total(bad, 'due')));
  if (loads.some((count) => rate(bad, count) > (SAME_LOAD + chance) * rate(others, count))) return null;
  const [during, otherwise] = [rate(bad, 'answered'), rate(others, 'answered')];
  const answered = total(bad, 'answered');
  // What would be answered without the requests that were refused meanwhile.
  const expected = otherwise * seconds(bad) * (total(bad, 'taken') / Math.max(1, total(bad, 'due')));
  const began = `The server slowed down without more load: ${when(course, spans)}`;
  if (answered <= LESS_ANSWERED * expected && expected - answered >= DEVIATIONS * Math.sqrt(expected))
    return `${began} it answered ${threeFigures(during)} requests/s, otherwise ${threeFigures(otherwise)}. ${shareText(course, concentration, 'then')}`;
  const most = NO_MORE_ANSWERED * expected;
  const [stayMs, usualMs] = [medianStayMs(course, spans, true), medianStayMs(course, spans, false)];
  const isSlower = meanInFlight(bad) >= CROWDED * meanInFlight(others) && stayMs >= SLOWER * usualMs;
  if (!isSlower || most - answered < NO_MORE_DEVIATIONS * Math.sqrt(most)) return null;
  const stay = stayMs === Infinity ? 'got no answer' : `took longer than ${formatMs(stayMs)}`;
  return `${began} half of the requests ${stay}, otherwise ${formatMs(usualMs)}. ${shareText(course, concentration, 'then')}`;
}

function medianStayMs({ requests: { due_us, stay_us } }: Course, spans: readonly Span[], inside: boolean): number {
  const stays = stay_us.filter((_, i) => isWithin(spans, (due_us[i] ?? 0) / 1e6) === inside);
  return (nearestRank(stays.sort(), 500) ?? Infinity) / 1000;
}

/** `88.9 % of the misses were due from 10 s to 12 s, with 14.9 % of the requests; of the rest 98.2 % met the SLO.` */
export function shareText(course: Course, { spans, bad, others }: Concentration, then = when(course, spans)): string {
  const isSlo = course.judged_by === 'slo';
  const rest = total(others, 'taken');
  const met = formatShare((rest - total(others, 'missed')) / Math.max(1, rest));
  const share = formatShare(total(bad, 'missed') / Math.max(1, course.missed));
  return `${share} of the ${course.refused === 0 ? '' : 'other '}${isSlo ? 'misses' : 'slow requests'} were due ${then}, with ${formatShare(total(bad, 'taken') / Math.max(1, course.taken))} of the requests; of the rest ${met} ${isSlo ? 'met the SLO' : 'were not slow'}.`;
}

function when({ from_s: start, to_s: last, end_s }: Course, spans: readonly Span[]): string {
  const isAt = (atS: number, edgeS: number): boolean => Math.abs(atS - edgeS) <= AT_THE_EDGE * (last - start);
  const between = ({ from_s, to_s }: Span): string =>
    `from ${isAt(from_s, start) ? 'the start' : axisTimeText(from_s, end_s)} to ${isAt(to_s, last) ? 'the last request' : axisTimeText(to_s, end_s)}`;
  if (spans.length <= FEW_SPANS) return listText(spans.map(between));
  const [longest] = spans.toSorted((a, b) => b.to_s - b.from_s - (a.to_s - a.from_s));
  return `at ${spans.length} times, ${axisTimeText(seconds(spans), end_s)} in all${longest === undefined ? '' : ` (the longest ${between(longest)})`}`;
}

/** Three figures of a large number too: `32,000`. */
function amount(value: number): string {
  return value < 1000 ? threeFigures(value) : withThousands(Number(value.toPrecision(3)));
}
