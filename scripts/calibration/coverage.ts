import { attainmentInterval, supports } from '../../src/metrics/attainment-interval.ts';
import type { JudgedRequests } from '../../src/metrics/judged-requests.ts';
import { nearestRank, sum } from '../../src/metrics/samples.ts';
import { wilson } from '../../src/metrics/wilson.ts';
import { blockInterval } from './bootstrap.ts';
import { type Case, replication } from './cases.ts';
import type { Traffic } from './traffic.ts';

type Interval = readonly [number, number] | null;

/** What one replication says. */
export interface Outcome {
  readonly joint: number;
  readonly ours: ReturnType<typeof attainmentInterval>;
  readonly bootstrap: Interval;
  /** Wilson's interval of as many independent requests. */
  readonly wilson: Interval;
}

export interface Replications {
  readonly rateRps: number;
  readonly seeds: number;
  readonly requests: number;
}

/** The intervals of `seeds` replications, which differ from the seed by which the rate was found. */
export async function outcomes(
  each: Case,
  traffic: Traffic,
  { rateRps, seeds, requests }: Replications,
): Promise<Outcome[]> {
  const found: Outcome[] = [];
  for (let seed = 1001; seed <= 1000 + seeds; seed++)
    found.push(outcomeOf(await replication(each, traffic, { rateRps, seed, requests }), seed));
  return found;
}

function outcomeOf(judged: JudgedRequests, seed: number): Outcome {
  const { dueUs, met, staysUs } = judged;
  const joint = sum(met) / met.length;
  const timeInSystemUs = nearestRank(staysUs.slice().sort(), 900);
  return {
    joint,
    ours: attainmentInterval(judged),
    bootstrap: blockInterval({ dueUs, met: [...met], timeInSystemUs, seed }).ci95,
    wilson: wilson(joint, met.length, 1.96),
  };
}

/** A share of replications, and of how many. */
export interface Share {
  readonly of: number;
  readonly share: number;
}

export interface Coverage {
  /** The mean of the replications, and how they spread about it. */
  readonly truth: number;
  readonly sd: number;
  /** Replications that got an interval, and that are called overloaded. */
  readonly given: Share;
  readonly overloaded: Share;
  /** Intervals that hold the truth, of those that were given. */
  readonly ours: Share;
  readonly bootstrap: Share;
  readonly wilson: Share;
  /** Of the replications whose requests all met. */
  readonly unanimous: Share;
  /** Mean width over that of an ideal interval, 3.92 standard deviations. */
  readonly width: number;
  /** Replications whose interval lies at or above the goal, and below it. */
  readonly ticks: Share;
  readonly crosses: Share;
}

export function coverageOf(found: readonly Outcome[], goal: number): Coverage {
  const truth = mean(found.map(({ joint }) => joint));
  const variance = (found.length / (found.length - 1)) * mean(found.map(({ joint }) => (joint - truth) ** 2));
  const covers = (intervals: readonly Interval[]): Share => {
    const given = intervals.filter((interval) => interval !== null);
    return shareOf(given, ([low, high]) => low <= truth && truth <= high);
  };
  const ours = found.map(({ ours: { ci95 } }) => ci95);
  const widths = ours.flatMap((interval) => (interval === null ? [] : [interval[1] - interval[0]]));
  return {
    truth,
    sd: Math.sqrt(variance),
    given: shareOf(ours, (interval) => interval !== null),
    overloaded: shareOf(found, (one) => one.ours.overloaded),
    ours: covers(ours),
    bootstrap: covers(found.map((one) => one.bootstrap)),
    wilson: covers(found.map((one) => one.wilson)),
    unanimous: covers(found.flatMap(({ joint, ours: { ci95 } }) => (joint === 1 ? [ci95] : []))),
    width: mean(widths) / (3.92 * Math.sqrt(variance)),
    ticks: shareOf(found, (one) => supports({ ...one.ours, joint: one.joint }, goal) === 'met'),
    crosses: shareOf(found, (one) => supports({ ...one.ours, joint: one.joint }, goal) === 'missed'),
  };
}

/**
 * Replications at a rate at which the truth is `miss` below the goal, by secants in the logarithm of the rate from a
 * rate at which it is known.
 */
export async function missingBy(
  miss: number,
  each: Case,
  traffic: Traffic,
  start: Replications & { readonly truth: number },
): Promise<Outcome[]> {
  const wanted = each.goal - miss;
  let [from, at] = [start.rateRps, start.truth];
  let to = from * 1.02;
  for (let attempt = 1; ; attempt++) {
    const found = await outcomes(each, traffic, { ...start, rateRps: to });
    const truth = mean(found.map(({ joint }) => joint));
    if (Math.abs(truth - wanted) <= miss / 5 || attempt === 6) return found;
    const slope = Math.min(-0.01, (truth - at) / Math.log(to / from));
    [from, at] = [to, truth];
    to *= Math.exp(Math.max(-0.1, Math.min(0.1, (wanted - truth) / slope)));
  }
}

function shareOf<T>(all: readonly T[], holds: (one: T) => boolean): Share {
  return { of: all.length, share: all.filter(holds).length / all.length };
}

function mean(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0) / values.length;
}
