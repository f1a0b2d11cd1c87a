import { levelOf, standardised, type Level } from './level.ts';

/** Nights since the last change that give centre and spread, at first and once there are as many. */
export const FIRST_NIGHTS = 20;
export const LATER_NIGHTS = 40;
/** Slack and threshold of the CUSUM, in spreads, and the most that a single night counts. */
const SLACK = 1;
const THRESHOLD = 4;
export const MOST = 3;
/** A night farther than so many spreads from the centre, alone, is an outlier. */
export const OUTLIER = 3;

/** Nights between two changes, by their places in the series; `to` is behind the last. */
interface Stretch {
  readonly from: number;
  readonly to: number;
  /** Null before `FIRST_NIGHTS` nights. */
  readonly level: Level | null;
}

export interface Alarm {
  /** The night that raised it. */
  readonly at: number;
  /** The first night of those that added up to it: the level begins anew there. */
  readonly from: number;
  readonly direction: 'up' | 'down';
}

export interface Cusum {
  readonly stretches: readonly Stretch[];
  readonly alarms: readonly Alarm[];
  /** Nights beyond `OUTLIER` spreads whose neighbours are not; they raise no alarm. */
  readonly outliers: readonly number[];
}

/**
 * Two one-sided cumulative sums over the logarithms of a figure by night, in order: whether it changed, and when that was
 * raised. Centre and spread are those of the first `FIRST_NIGHTS` since the last change, later `LATER_NIGHTS`; before
 * that nothing is decided. What is decided of a night needs no later one.
 */
export function cusumOf(values: readonly number[]): Cusum {
  const stretches: Stretch[] = [];
  const alarms: Alarm[] = [];
  let from = 0;
  for (;;) {
    const alarm = nextAlarm(values, from);
    const to = alarm?.from ?? values.length;
    stretches.push({ from, to, level: levelSince(values, from, to) });
    if (alarm === null) break;
    alarms.push(alarm);
    from = alarm.from;
  }
  return { stretches, alarms, outliers: stretches.flatMap((stretch) => outliersOf(values, stretch)) };
}

function levelSince(values: readonly number[], from: number, to: number): Level | null {
  if (to - from < FIRST_NIGHTS) return null;
  return levelOf(values.slice(from, from + windowOf(to - from)));
}

/** How many of so many nights since a change give its level. */
export function windowOf(nights: number): number {
  return nights < LATER_NIGHTS ? FIRST_NIGHTS : LATER_NIGHTS;
}

function nextAlarm(values: readonly number[], from: number): Alarm | null {
  let level = levelSince(values, from, from + FIRST_NIGHTS);
  const sums = { up: { sum: 0, since: 0 }, down: { sum: 0, since: 0 } };
  for (let at = from + FIRST_NIGHTS; at < values.length && level !== null; at++) {
    if (at === from + LATER_NIGHTS) level = levelSince(values, from, at);
    if (level === null) break;
    const score = standardised(values[at] ?? level.centre, level);
    for (const direction of ['up', 'down'] as const) {
      const beyond = Math.min(MOST, direction === 'up' ? score : -score) - SLACK;
      const side = sums[direction];
      if (side.sum === 0) side.since = at;
      side.sum = Math.max(0, side.sum + beyond);
      if (side.sum > THRESHOLD) return { at, from: side.since, direction };
    }
  }
  return null;
}

function outliersOf(values: readonly number[], { from, to, level }: Stretch): number[] {
  if (level === null) return [];
  const side = (at: number): number => {
    const value = at < from || at >= to ? undefined : values[at];
    const score = value === undefined ? 0 : standardised(value, level);
    return Math.abs(score) > OUTLIER ? Math.sign(score) : 0;
  };
  return Array.from({ length: to - from }, (_, i) => from + i).filter(
    (at) => side(at) !== 0 && side(at - 1) !== side(at) && side(at + 1) !== side(at),
  );
}
