import { formatMs, axisTimeText, threeFigures, withThousands } from '../../core/units.ts';
import type { Course, CourseBin } from './course.ts';
import type { Facts } from './facts.ts';
import { total } from './spans.ts';

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
/** Earlier than this share of the run is from its start on. */
const AT_ONCE = 0.05;

/** More came than the server answered, until the last request was due; null where it kept up or caught up. */
export function overloadSince({ bins, from_s, to_s }: Course): number | null {
  const quarter = Math.floor(bins.length / 4);
  const [second, third, last] = [
    bins.slice(quarter, 2 * quarter),
    bins.slice(2 * quarter, 3 * quarter),
    bins.slice(3 * quarter),
  ];
  const half = [...third, ...last];
  const due = total(half, 'due') - total(half, 'refused');
  const left = due - total(half, 'answered');
  if (left < Math.max(LEFT_REQUESTS, LEFT_SHARE * due, DEVIATIONS * Math.sqrt(due))) return null;
  const timesOut = total(half, 'timed_out') >= left / 2;
  const grows = meanInFlight(last) >= GROWS * meanInFlight(third) && pace(last) >= SLOWER * pace(second);
  if (!timesOut && !grows) return null;
  const level = BEGAN * meanInFlight(last);
  const since = bins.findLast(({ in_flight }) => in_flight < level)?.to_s ?? from_s;
  return since < from_s + AT_ONCE * (to_s - from_s) ? from_s : since;
}

export function overloadText({ course, summary, manifest }: Facts): string | null {
  const since = course === null ? null : overloadSince(course);
  if (course === null || since === null) return null;
  const { bins, from_s, to_s, end_s } = course;
  const during = bins.filter((bin) => bin.to_s > since);
  const seconds = to_s - Math.max(since, from_s);
  const rate = (count: number): string => `${threeFigures(count / seconds)} requests/s`;
  const timedOut = total(during, 'timed_out');
  const { ttft } = summary.latency_ok_ms;
  return [
    `Overloaded ${since === from_s ? 'from the start' : `from ${axisTimeText(since, end_s)} on`}: ${rate(total(during, 'due'))} came and ${rate(total(during, 'answered'))} were answered, so that up to ${withThousands(Math.round(most(during)))} were in flight at once`,
    ...(timedOut === 0
      ? []
      : [
          `${withThousands(timedOut)} were given up when their time was out (${manifest.ttft_timeout_s} s to the first token, ${manifest.timeout_s} s in all)`,
        ]),
    ...(ttft.p50 === null
      ? []
      : [`half of those that were answered waited longer than ${formatMs(ttft.p50)} for their first token`]),
  ]
    .join('; ')
    .concat('. It needs less load, or more servers.');
}

function meanInFlight(bins: readonly CourseBin[]): number {
  return bins.reduce((sum, { in_flight }) => sum + in_flight, 0) / bins.length;
}

function most(bins: readonly CourseBin[]): number {
  return bins.reduce((high, { in_flight }) => Math.max(high, in_flight), 0);
}

/** Median of the bins' medians; infinite where most requests failed. */
function pace(bins: readonly CourseBin[]): number {
  const sorted = bins
    .filter(({ due }) => due > 0)
    .map(({ pace_us }) => pace_us)
    .toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? 0;
}
