import { countText } from '../../core/words.ts';
import { formatShare, withThousands } from '../../core/units.ts';
import { nearestRank } from '../samples.ts';
import { isEvent } from './concentration.ts';
import { type Facts, isTelling } from './facts.ts';
import { missesWhere, quietest } from './quietest.ts';

/** Misses come with load where the busier half misses so many times as often, beyond chance in deviations. */
const MORE_OFTEN = 2;
const DEVIATIONS = 5;

/** The limits are missed even by requests that had the server nearly to themselves. */
export function floorText({ course, overload }: Facts): string | null {
  const quiet = course === null || overload !== null ? null : quietest(course);
  if (quiet === null || !quiet.isAlone) return null;
  const which =
    quiet.up_to === 0
      ? 'that had the server to themselves'
      : `that came with at most ${countText(quiet.up_to, 'other')} in flight`;
  return `The SLO is out of reach at any load tried here: of the requests ${which}, ${formatShare(quiet.share)} of all, ${formatShare(quiet.missed)} missed it.`;
}

/** Requests miss where more others are in flight, at any time of the run; asked where neither a burst nor a slowdown holds. */
export function loadText({ course, overload, lengths, concentration }: Facts): string | null {
  if (!isTelling(course) || overload !== null || lengths !== null) return null;
  // What happened at one time left requests in flight as well.
  if (concentration !== null && isEvent(course, concentration)) return null;
  const { requests } = course;
  const quiet = quietest(course);
  if (quiet !== null)
    return quiet.isAlone
      ? null
      : `Too much load at all times, or an SLO out of reach: of the quietest ${formatShare(quiet.share)} of the requests, with up to ${countText(quiet.up_to, 'other')} in flight, ${formatShare(quiet.missed)} missed it. A run with less load tells which.`;
  const from = nearestRank(requests.in_flight.slice().sort(), 500) ?? 0;
  const few = missesWhere(requests, (inFlight) => inFlight < from);
  const many = missesWhere(requests, (inFlight) => inFlight >= from);
  const pooled = course.missed / course.taken;
  const deviation = Math.sqrt(pooled * (1 - pooled) * (1 / few.requests + 1 / many.requests));
  if (many.missed < MORE_OFTEN * few.missed || !(many.missed - few.missed >= DEVIATIONS * deviation)) return null;
  const what = course.judged_by === 'slo' ? 'missed' : 'were slow';
  return `Load: with ${withThousands(from)} and more requests in flight ${formatShare(many.missed)} ${what}, with fewer ${formatShare(few.missed)}.`;
}
