import { formatShare, axisTimeText, threeFigures, withThousands } from '../../core/units.ts';
import { listText } from '../../core/words.ts';
import { type Concentration, concentrationOf } from './concentration.ts';
import type { CourseBin } from './course.ts';
import { type Facts, isTelling, type Span } from './facts.ts';
import { overloadSince } from './overload-rule.ts';
import { fullText } from './server-course.ts';
import { seconds, total } from './spans.ts';

/** While most misses came, so many times as much was in flight as otherwise... */
const MORE_IN_FLIGHT = 1.3;
/** ... and so many times as much came, requests or tokens of prompts... */
const MORE_LOAD = 1.25;
/** ... beyond what chance brings together: deviations of a Poisson count, of tokens with the spread of their lengths. */
const DEVIATIONS = 5;
const LENGTH_SPREAD = 1.5;
/** Without more load, of either kind, so much less was answered. */
const SAME_LOAD = 1.1;
const LESS_ANSWERED = 0.8;
/** In a shorter time than so many stays fewer are answered by chance: those that came in it end after it. */
const STAYS = 5;
/** Spans that are named one by one. */
const NAMED = 3;

/** Most misses came while more load came, and the server caught up afterwards. */
export function burstText(facts: Facts): string | null {
  const found = concentrated(facts);
  if (found === null) return null;
  const { concentration, endS } = found;
  const { bad, others, spans } = concentration;
  const load = loadOf(concentration);
  if (!load.isMore || inFlight(bad) < MORE_IN_FLIGHT * inFlight(others)) return null;
  const full = fullText(facts.server, spans);
  return `A burst of load: ${when(spans, endS)}, ${amount(load.during)} ${load.noun}/s came, ${threeFigures(load.times)} times the mean, and up to ${most(bad)} requests were in flight (otherwise ${threeFigures(inFlight(others))})${full === null ? '' : `; ${full}`}. ${share(facts, concentration)}.`;
}

/** Most misses came while the server answered less, though no more was asked. */
export function slowdownText(facts: Facts): string | null {
  const found = concentrated(facts);
  if (found === null) return null;
  const { concentration, endS } = found;
  const { bad, others, spans } = concentration;
  const longestS = spans.reduce((longest, { from_s, to_s }) => Math.max(longest, to_s - from_s), 0);
  if (longestS < STAYS * (facts.course?.stay_s ?? 0)) return null;
  const rate = (bins: readonly CourseBin[], count: 'due' | 'prompt_tokens' | 'answered'): number =>
    total(bins, count) / seconds(bins);
  if ((['due', 'prompt_tokens'] as const).some((count) => rate(bad, count) > SAME_LOAD * rate(others, count)))
    return null;
  const [during, otherwise] = [rate(bad, 'answered'), rate(others, 'answered')];
  const expected = otherwise * seconds(bad);
  if (during > LESS_ANSWERED * otherwise || expected - total(bad, 'answered') < DEVIATIONS * Math.sqrt(expected))
    return null;
  return `The server slowed down without more load: ${when(spans, endS)} it answered ${threeFigures(during)} requests/s, otherwise ${threeFigures(otherwise)}. ${share(facts, concentration)}.`;
}

function concentrated({ course }: Facts): { concentration: Concentration; endS: number } | null {
  if (course === null || !isTelling(course) || overloadSince(course) !== null) return null;
  const concentration = concentrationOf(course);
  return concentration === null || concentration.others.length === 0 ? null : { concentration, endS: course.end_s };
}

interface MoreLoad {
  readonly times: number;
  readonly during: number;
  readonly noun: string;
  readonly isMore: boolean;
}

/** What there was more of than on average: requests or tokens of prompts. */
function loadOf({ spans, bad, others }: Concentration): MoreLoad {
  const all = [...bad, ...others];
  // In one span alone: many short ones, chosen for their misses, have more load by chance.
  const ofSpans = spans.map((span) => bad.filter((bin) => bin.from_s >= span.from_s && bin.to_s <= span.to_s));
  const of = (count: 'due' | 'prompt_tokens', noun: string, spread: number): MoreLoad => {
    const [during, mean] = [total(bad, count) / seconds(bad), total(all, count) / seconds(all)];
    const times = mean === 0 ? 0 : during / mean;
    const deviations = ofSpans.map((bins) => {
      const expected = total(all, 'due') * (seconds(bins) / seconds(all));
      return ((total(bins, count) / seconds(bins) / mean - 1) * Math.sqrt(expected)) / spread;
    });
    return { times, during, noun, isMore: times >= MORE_LOAD && Math.max(...deviations) >= DEVIATIONS };
  };
  const [requests, tokens] = [of('due', 'requests', 1), of('prompt_tokens', 'prompt tokens', LENGTH_SPREAD)];
  return tokens.isMore && (!requests.isMore || tokens.times > 1.1 * requests.times) ? tokens : requests;
}

/** `Of the misses, 88.9 % were due then, with 14.9 % of the requests; of the others 98.2 % met the SLO`. */
function share({ course }: Facts, { bad, others }: Concentration): string {
  const missed = course?.missed ?? 0;
  const requests = total(bad, 'due') + total(others, 'due');
  const rest = total(others, 'due');
  const isSlo = course?.judged_by === 'slo';
  const others_met = formatShare((rest - total(others, 'missed')) / Math.max(1, rest));
  return `${formatShare(total(bad, 'missed') / Math.max(1, missed))} of the ${isSlo ? 'misses' : 'slow requests'} were due then, with ${formatShare(total(bad, 'due') / requests)} of the requests; of the others ${others_met} ${isSlo ? 'met the SLO' : 'were not slow'}`;
}

function when(spans: readonly Span[], endS: number): string {
  const between = ({ from_s, to_s }: Span): string =>
    `from ${axisTimeText(from_s, endS)} to ${axisTimeText(to_s, endS)}`;
  if (spans.length <= NAMED) return listText(spans.map(between));
  const [longest] = spans.toSorted((a, b) => b.to_s - b.from_s - (a.to_s - a.from_s));
  return `at ${spans.length} times that make up ${axisTimeText(seconds(spans), endS)}${longest === undefined ? '' : `, the longest ${between(longest)}`}`;
}

/** Three figures of a large number too: `32,000`. */
function amount(value: number): string {
  return value < 1000 ? threeFigures(value) : withThousands(Number(value.toPrecision(3)));
}

function inFlight(bins: readonly CourseBin[]): number {
  return bins.reduce((sum, { in_flight }) => sum + in_flight, 0) / Math.max(1, bins.length);
}

function most(bins: readonly CourseBin[]): string {
  return withThousands(Math.round(bins.reduce((high, { in_flight }) => Math.max(high, in_flight), 0)));
}
