import { formatShare, withThousands } from '../../src/core/units.ts';
import { MISS_PHASES, type MissPhase } from '../data/miss.ts';
import { type MissBin, type Misses, missedIn } from '../data/misses.ts';
import { secondsText } from '../format.ts';
import { PHASE_VERBS } from './miss-kinds.ts';

/** Each side of a comparison needs so many requests. */
const ENOUGH = 20;
/** Long prompts are named when they miss at least this many times as often. */
const TELLING = 1.5;
/** A span of time is named when it holds this share of the misses... */
const MOST = 0.6;
/** ... in at most this share of the bins. Of few misses so many come together by chance, so their span has to be shorter. */
const SHORT = 0.4;
const SHORT_OF_FEW = 0.1;
/** With fewer misses than this no time is named. */
export const ENOUGH_TO_PLACE = 10;

/** A sentence on what the misses have in common; null without a miss. */
export function missSentence(misses: Misses): string | null {
  if (misses.missed === 0) return null;
  const main = mainPhase(misses);
  const { failed } = misses.kinds;
  const share = (count: number): string => formatShare(count / misses.missed);
  const total = misses.missed === 1 ? 'of the one miss' : `of ${withThousands(misses.missed)} misses`;
  const reasons = [
    ...(failed === 0 ? [] : [{ count: failed, text: 'are failed requests' }]),
    ...(main === null ? [] : [{ count: main.count, text: PHASE_VERBS[main.phase] }]),
  ].sort((a, b) => b.count - a.count);
  const long = longPrompts(misses);
  const span = worstSpan(misses);
  return [
    ...reasons.map(({ count, text }, i) => `${share(count)} ${i === 0 ? `${total} ` : ''}${text}`),
    ...(long === null
      ? []
      : [
          `prompts of ${withThousands(long.from)} tokens and more miss ${formatShare(long.share)}, shorter ones ${formatShare(long.others)}`,
        ]),
    ...(span === null
      ? []
      : [`${formatShare(span.share)} were due between ${secondsText(span.from)} and ${secondsText(span.to)}`]),
  ]
    .join('; ')
    .concat('.');
}

/** The phase in which most of the misses spent most of their time; null if every miss failed. */
export function mainPhase({ phases }: Misses): { phase: MissPhase; count: number } | null {
  const phase = MISS_PHASES.reduce((most, each) => (phases[each] > phases[most] ? each : most));
  return phases[phase] === 0 ? null : { phase, count: phases[phase] };
}

/** The length from which prompts miss more often than shorter ones, by the most; null if length makes no clear difference. */
export function longPrompts({
  lengths,
}: Misses): { from: number; share: number; others: number; times: number } | null {
  let best: { from: number; share: number; others: number; times: number } | null = null;
  for (let i = 1; i < lengths.length; i++) {
    const [short, long] = [totals(lengths.slice(0, i)), totals(lengths.slice(i))];
    if (short.requests < ENOUGH || long.requests < ENOUGH || short.missed === 0) continue;
    const [share, others] = [long.missed / long.requests, short.missed / short.requests];
    if (share / others < TELLING || (best !== null && share - others <= best.share - best.others)) continue;
    best = { from: lengths[i]?.from ?? 0, share, others, times: share / others };
  }
  return best;
}

/** The shortest span of whole bins that holds most of the misses, in seconds; null if it is not short. */
export function worstSpan({ times, missed }: Misses): { from: number; to: number; share: number } | null {
  if (missed < ENOUGH_TO_PLACE) return null;
  const short = missed < ENOUGH ? SHORT_OF_FEW : SHORT;
  const counts = times.map((bin) => missedIn(bin.missed));
  for (let width = 1; width <= short * times.length; width++) {
    let best = { count: -1, at: 0 };
    for (let at = 0; at + width <= times.length; at++) {
      const count = counts.slice(at, at + width).reduce((sum, each) => sum + each, 0);
      if (count > best.count) best = { count, at };
    }
    if (best.count >= MOST * missed)
      return {
        from: times[best.at]?.from ?? 0,
        to: times[best.at + width - 1]?.to ?? 0,
        share: best.count / missed,
      };
  }
  return null;
}

function totals(bins: readonly MissBin[]): { requests: number; missed: number } {
  return bins.reduce(
    (sum, bin) => ({ requests: sum.requests + bin.requests, missed: sum.missed + missedIn(bin.missed) }),
    { requests: 0, missed: 0 },
  );
}
