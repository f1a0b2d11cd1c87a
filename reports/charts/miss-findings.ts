import { axisTimeText, formatShare, withThousands } from '../../src/core/units.ts';
import { MISS_PHASES, type MissPhase } from '../data/miss.ts';
import { type MissBin, type Misses, missedIn } from '../data/misses.ts';
import { beatsChance } from '../data/follows.ts';

import { PHASE_VERBS } from './miss-kinds.ts';

/** Each side of a comparison needs so many requests. */
const ENOUGH = 20;
/** Long prompts are named when they miss at least this many times as often. */
const TELLING = 1.5;
/** Shares are alike where their ratio is below `TELLING`, and they differ by at most this... */
const ALIKE = 0.1;
/** ... and by no more than chance, in standard deviations of the difference of two shares. */
const DEVIATIONS = 3;
/** A span of time is named when it holds this share of the misses... */
const MOST = 0.6;
/** ... in at most this share of the bins. Of few misses so many come together by chance, so their span has to be shorter. */
const SHORT = 0.4;
const SHORT_OF_FEW = 0.1;
/** With fewer misses than this no time is named. */
const ENOUGH_TO_PLACE = 10;

/** A sentence on what the misses have in common; null without a miss. */
export function missSentence(misses: Misses): string | null {
  if (misses.missed === 0) return null;
  const main = mainPhase(misses);
  const { failed } = misses.kinds;
  const total = misses.missed === 1 ? 'of the one miss' : `of ${withThousands(misses.missed)} misses`;
  const share = (count: number, text: string): string => `${formatShare(count / misses.missed)} of the misses ${text}`;
  const reasons = [
    ...(failed === 0 ? [] : [{ count: failed, text: 'are failed requests' }]),
    ...(main === null ? [] : [{ count: main.count, text: PHASE_VERBS[main.phase] }]),
  ].sort((x, y) => y.count - x.count);
  const long = lengthFinding(misses);
  const span = worstSpan(misses);
  const endS = misses.times.at(-1)?.to ?? 1;
  const parts = [
    ...reasons.map(({ count, text }) => share(count, text)),
    ...(span === null
      ? []
      : [
          `${formatShare(span.share)} of the misses were due between ${axisTimeText(span.from, endS)} and ${axisTimeText(span.to, endS)}, with ${formatShare(span.of_requests)} of the requests`,
        ]),
    ...(long.kind === 'longer'
      ? [
          `prompts of ${withThousands(long.from)} tokens and more miss ${formatShare(long.share)}, shorter ones ${formatShare(long.others)}`,
        ]
      : []),
  ];
  if (parts.length === 0) return null;
  // The number of misses is said once, and "of the misses" no more than once.
  const [first = '', ...others] = parts;
  const rest = others.map((part) => part.replace(' of the misses', ''));
  return `${[first.replace('of the misses', total), ...rest].join('; ')}.`.replace(/^prompts/, 'Prompts');
}

/**
 * The phase in which most of the misses spent most of their time; null if every miss failed, where the target does not
 * tell, and for decode, which says no more than that it is TPOT that they missed.
 */
export function mainPhase({ phases }: Misses): { phase: MissPhase; count: number } | null {
  const phase = MISS_PHASES.reduce((most, each) => (phases[each] > phases[most] ? each : most));
  return phases[phase] === 0 || phase === 'decode' || phase === 'unknown' ? null : { phase, count: phases[phase] };
}

/** What the length of prompts has to do with misses. */
export type LengthFinding =
  | {
      readonly kind: 'longer';
      readonly from: number;
      readonly share: number;
      readonly others: number;
      readonly times: number;
    }
  /** Prompts of every length miss about as often. */
  | { readonly kind: 'alike' }
  /** Too few requests to tell, or lengths and load differ at the same times. */
  | { readonly kind: 'unclear' };

/**
 * The length from which prompts miss more often than shorter ones, by the most. It has to hold among neighbours in time,
 * too: long prompts that came when the load was high would miss more often whatever their length. Lengths are alike
 * where no two bins differ, and no length from which prompts differ from shorter ones.
 */
export function lengthFinding({ lengths, length_pairs, missed }: Misses): LengthFinding {
  let best: Extract<LengthFinding, { kind: 'longer' }> | null = null;
  let compared = false;
  const bins = lengths.map((bin) => totals([bin]));
  let differ = bins.some((bin, i) => bins.slice(i + 1).some((other) => !areAlike(bin, other)));
  for (let i = 1; i < lengths.length; i++) {
    const from = lengths[i]?.from ?? 0;
    const [short, long] = [totals(lengths.slice(0, i)), totals(lengths.slice(i))];
    if (short.requests < ENOUGH || long.requests < ENOUGH) continue;
    compared = true;
    const [share, others] = [long.missed / long.requests, short.missed / short.requests];
    if (!areAlike(short, long)) differ = true;
    if (others === 0 || share < TELLING * others || (best !== null && share - others <= best.share - best.others))
      continue;
    const pairs = length_pairs.find((each) => each.from === from);
    if (pairs === undefined || !beatsChance(pairs.longer_missed, pairs.longer_missed + pairs.shorter_missed)) continue;
    best = { kind: 'longer', from, share, others, times: share / others };
  }
  return best ?? { kind: compared && !differ && missed >= ENOUGH ? 'alike' : 'unclear' };
}

/** Whether two groups of requests miss about as often; too few requests do not tell them apart. */
function areAlike(a: Total, b: Total): boolean {
  if (a.requests < ENOUGH || b.requests < ENOUGH) return true;
  const [low = 0, high = 0] = [a.missed / a.requests, b.missed / b.requests].sort((x, y) => x - y);
  const pooled = (a.missed + b.missed) / (a.requests + b.requests);
  const deviation = Math.sqrt(pooled * (1 - pooled) * (1 / a.requests + 1 / b.requests));
  return (high === 0 || high < TELLING * low) && high - low <= ALIKE && high - low <= DEVIATIONS * deviation;
}

export interface WorstSpan {
  /** In seconds. */
  readonly from: number;
  readonly to: number;
  /** Of the misses, and of the requests. */
  readonly share: number;
  readonly of_requests: number;
}

/**
 * The shortest span of whole bins that holds most of the misses; null if it is not short, or if they are there because
 * most of the requests are.
 */
export function worstSpan({ times, missed, requests }: Misses): WorstSpan | null {
  if (missed < ENOUGH_TO_PLACE) return null;
  const short = missed < ENOUGH ? SHORT_OF_FEW : SHORT;
  const counts = times.map((bin) => missedIn(bin.missed));
  for (let width = 1; width <= short * times.length; width++) {
    let best = { count: -1, at: 0 };
    for (let at = 0; at + width <= times.length; at++) {
      const count = counts.slice(at, at + width).reduce((sum, each) => sum + each, 0);
      if (count > best.count) best = { count, at };
    }
    if (best.count < MOST * missed) continue;
    const bins = times.slice(best.at, best.at + width);
    const [share, of_requests] = [best.count / missed, totals(bins).requests / requests];
    return share < TELLING * of_requests
      ? null
      : { from: bins[0]?.from ?? 0, to: bins.at(-1)?.to ?? 0, share, of_requests };
  }
  return null;
}

interface Total {
  readonly requests: number;
  readonly missed: number;
}

function totals(bins: readonly MissBin[]): Total {
  return bins.reduce(
    (sum, bin) => ({ requests: sum.requests + bin.requests, missed: sum.missed + missedIn(bin.missed) }),
    { requests: 0, missed: 0 },
  );
}
