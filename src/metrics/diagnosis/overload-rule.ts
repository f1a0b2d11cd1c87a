import { commonLimits } from '../../core/slo.ts';
import { formatMs, axisTimeText, threeFigures, withThousands } from '../../core/units.ts';
import { nearestRank } from '../samples.ts';
import { concentrationOf } from './concentration.ts';
import type { Course } from './course.ts';
import type { CourseBin } from './course-bins.ts';
import { type Facts, isTelling } from './facts.ts';
import { quietest } from './quietest.ts';
import { meanInFlight, mostInFlight, total } from './spans.ts';

/** In the second half of the due times the server leaves at least this share, and so many requests, unanswered... */
const LEFT_SHARE = 0.1;
const LEFT_REQUESTS = 10;
/** ... more than chance: deviations of a Poisson count. */
const DEVIATIONS = 3;
/** Without time-outs, from the third quarter to the last what is in flight grows at least so much... */
const GROWS = 1.2;
/** ... and so does the time a token, from the second quarter to the last. */
const SLOWER = 1.25;
/** The overload began when the requests in flight were last below this share of what they were in the end. */
const BEGAN = 0.1;
/** Earlier than this share of the run is from its start on: a backlog that grows evenly passes that level there. */
const AT_ONCE = 0.1;
/** At the peak of an overload that passed most requests miss, and it is over when so much of the peak is in flight. */
const MOST = 0.5;
const OVER = 0.5;
/** A server that has no more than so many at once to do is not overloaded, whatever becomes of them. */
const NO_BACKLOG = 4;
/** Of an overload more of the answered requests are slow than this; of fewer answers nothing is said. */
const SLOW_SHARE = 0.1;
const FEW_ANSWERED = 10;
/** A wait for the first token that is worth a word where no limit says so. */
const LONG_WAIT_MS = 1000;

/** The time in which more came than the server answered. */
export interface Overload {
  readonly from_s: number;
  /** When much less was in flight again; null where it went on until the last request was due. */
  readonly until_s: number | null;
}

/**
 * Null where the server kept up, or had a burst and caught up. `isJudged`: the verdict says that the run is overloaded.
 * `isOfLengths`: long requests explain the misses.
 */
export function overloadOf(course: Course, isJudged: boolean, isOfLengths: boolean): Overload | null {
  const { bins, to_s } = course;
  if (!isTelling(course) || mostInFlight(bins) <= NO_BACKLOG) return null;
  if (isJudged || lasts(bins)) return { from_s: beganBefore(course, bins), until_s: null };
  if (concentrationOf(course) !== null) return null;
  const peak = bins.reduce((high, { in_flight }, i) => (in_flight > (bins[high]?.in_flight ?? 0) ? i : high), 0);
  const rise = bins.slice(0, peak + 1);
  // No load explains the misses of requests that have the server to themselves, or of long ones.
  if (!passed(rise) || isOfLengths || quietest(course)?.isAlone === true) return null;
  const level = OVER * (bins[peak]?.in_flight ?? 0);
  const until = bins.findLast(({ in_flight }) => in_flight >= level)?.to_s ?? to_s;
  const since = beganBefore(course, rise);
  const during = bins.filter((bin) => bin.to_s > since && bin.from_s < until);
  if (!leaves(during) || total(during, 'missed') < MOST * course.missed) return null;
  return { from_s: since, until_s: until < to_s ? until : null };
}

/** Whether all that is wrong is that some got no answer, as behind a dead replica: the others did not wait. */
export function answersInTime({ bins, judged_by }: Course): boolean {
  if (judged_by !== 'slo') return false;
  const timedOut = total(bins, 'timed_out');
  const answered = total(bins, 'taken') - timedOut;
  return timedOut > 0 && answered >= FEW_ANSWERED && total(bins, 'missed') - timedOut <= SLOW_SHARE * answered;
}

function lasts(bins: readonly CourseBin[]): boolean {
  const [, second = [], third = [], last = []] = quarters(bins);
  const half = [...third, ...last];
  if (!leaves(half)) return false;
  const timesOut = total(half, 'timed_out') >= left(half) / 2;
  const grows = meanInFlight(last) >= GROWS * meanInFlight(third) && pace(last) >= SLOWER * pace(second);
  return timesOut || grows;
}

/** Of the bins until most was in flight. */
function passed(rise: readonly CourseBin[]): boolean {
  const [first = [], , , last = []] = quarters(rise);
  const most = total(last, 'missed') >= MOST * total(last, 'taken');
  return most && leaves(rise) && (total(rise, 'timed_out') >= left(rise) / 2 || pace(last) >= SLOWER * pace(first));
}

function quarters(bins: readonly CourseBin[]): CourseBin[][] {
  const length = Math.floor(bins.length / 4);
  return [0, 1, 2, 3].map((q) => bins.slice(q * length, q === 3 ? bins.length : (q + 1) * length));
}

function left(bins: readonly CourseBin[]): number {
  return total(bins, 'taken') - total(bins, 'answered');
}

function leaves(bins: readonly CourseBin[]): boolean {
  const taken = total(bins, 'taken');
  return left(bins) >= Math.max(LEFT_REQUESTS, LEFT_SHARE * taken, DEVIATIONS * Math.sqrt(taken));
}

function beganBefore({ from_s, to_s }: Course, bins: readonly CourseBin[]): number {
  const level = BEGAN * meanInFlight(quarters(bins)[3] ?? []);
  const since = bins.findLast(({ in_flight }) => in_flight < level)?.to_s ?? from_s;
  return since < from_s + AT_ONCE * (to_s - from_s) ? from_s : since;
}

export function overloadText({ course, overload, summary, manifest }: Facts): string | null {
  if (course === null || overload === null) return null;
  const { from_s: since, until_s: until } = overload;
  const { bins, from_s, to_s, end_s } = course;
  const during = bins.filter((bin) => bin.to_s > since && bin.from_s < (until ?? Infinity));
  const seconds = (until ?? to_s) - since;
  const rate = (count: number): string => threeFigures(count / seconds);
  const timedOut = total(during, 'timed_out');
  const answered = total(during, 'answered');
  const began = since === from_s ? 'from the start' : `from ${axisTimeText(since, end_s)}`;
  const ended = until === null ? (since === from_s ? '' : ' on') : ` to ${axisTimeText(until, end_s)}`;
  const waitMs = waitOf(course, overload);
  const limits =
    manifest.imported === undefined
      ? ` (${manifest.ttft_timeout_s} s to the first token, ${manifest.timeout_s} s in all)`
      : '';
  return [
    `Overloaded ${began}${ended}: ${rate(total(during, 'due'))} requests/s came and ${answered === 0 ? 'none' : rate(answered)} were answered, so that up to ${withThousands(mostInFlight(during))} were in flight at once${until === null ? '' : `, and ${withThousands(Math.round(bins.at(-1)?.in_flight ?? 0))} still when the last request was due`}`,
    ...(timedOut === 0 ? [] : [`${withThousands(timedOut)} were given up when their time was out${limits}`]),
    ...(waitMs === null || waitMs < (commonLimits(summary.slo?.limits_ms ?? {}).ttft ?? LONG_WAIT_MS)
      ? []
      : [`half of the requests due then waited longer than ${formatMs(waitMs)} for their first token`]),
  ]
    .join('; ')
    .concat('. It needs less load, or more servers.');
}

/** Median TTFT of the requests that were due during the overload; null where most got no token. */
function waitOf({ requests: { due_us, ttft_us } }: Course, { from_s, until_s }: Overload): number | null {
  const ttfts = ttft_us.filter((_, i) => {
    const dueS = (due_us[i] ?? 0) / 1e6;
    return dueS >= from_s && dueS < (until_s ?? Infinity);
  });
  const us = nearestRank(ttfts.sort(), 500);
  return us === null || us === Infinity ? null : us / 1000;
}

/** Median of the bins' medians; infinite where most got no answer. */
function pace(bins: readonly CourseBin[]): number {
  const sorted = bins
    .filter(({ taken }) => taken > 0)
    .map(({ pace_us }) => pace_us)
    .toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? 0;
}
