import { release } from '../../core/release.ts';
import { formatShare, withThousands } from '../../core/units.ts';
import { nearestRank } from '../samples.ts';
import type { Course } from './course.ts';
import { isTelling } from './facts.ts';

/** A length tells misses apart where it finds so many more of them than of other requests, beyond chance (Kolmogorov)... */
const APART = 0.55;
const DEVIATIONS = 2;
/** ... and the longer ones mostly miss. */
const MOSTLY = 0.5;

interface LengthSplit {
  readonly from_tokens: number;
  /** Share of the requests that are so long, and the misses of them and of the others. */
  readonly share: number;
  readonly missed: number;
  readonly otherwise: number;
  /** Share of misses that are found less share of others that are: 1 is all and only misses. */
  readonly apart: number;
}

/** A prompt is far longer than most from so many times the median on; those are few. */
const FAR_LONGER = 8;
const FEW = 0.1;
/** They hold others up where of them and of those that come meanwhile so many more miss, which are most of the misses. */
const MEANWHILE_APART = 0.4;
const MEANWHILE_MISSES = 0.6;

/** Long requests miss, and others do not; or others miss that come while a long prompt is computed. */
export function lengthText(course: Course | null): string | null {
  return isTelling(course) ? (ownLengthText(course) ?? behindText(course)) : null;
}

function ownLengthText(course: Course): string | null {
  const { missed, prompt_tokens, output_tokens } = course.requests;
  const [prompts, outputs] = [splitBy(prompt_tokens, missed), splitBy(output_tokens, missed)];
  const isPrompts = (prompts?.apart ?? 0) >= (outputs?.apart ?? 0);
  const split = isPrompts ? prompts : outputs;
  if (split === null) return null;
  const what = course.judged_by === 'slo' ? 'missed' : 'were slow';
  const noun = isPrompts ? 'prompt' : 'output';
  return `Long ${noun}s: of the requests with ${withThousands(split.from_tokens)} and more ${noun} tokens, ${formatShare(split.share)} of all, ${formatShare(split.missed)} ${what}, of the shorter ones ${formatShare(split.otherwise)}.`;
}

function behindText({ requests, judged_by }: Course): string | null {
  const { due_us, ttft_us, end_us, missed, prompt_tokens } = requests;
  const sorted = prompt_tokens.slice().sort();
  const far = FAR_LONGER * (nearestRank(sorted, 500) ?? Infinity);
  release(sorted);
  const isLong = (i: number): boolean => (prompt_tokens[i] ?? 0) >= far;
  const long: number[] = [];
  for (let i = 0; i < due_us.length && long.length <= FEW * due_us.length; i++) if (isLong(i)) long.push(i);
  if (long.length === 0 || long.length > FEW * due_us.length) return null;
  const behind = { requests: 0, missed: 0 };
  const others = { requests: 0, missed: 0 };
  let [next, until] = [0, -Infinity];
  for (let i = 0; i < due_us.length; i++) {
    const at = due_us[i] ?? 0;
    for (let j = long[next]; j !== undefined && (due_us[j] ?? 0) < at; j = long[++next])
      until = Math.max(until, Math.min((due_us[j] ?? 0) + (ttft_us[j] ?? Infinity), end_us[j] ?? Infinity));
    const own = isLong(i) || at < until ? behind : others;
    own.requests++;
    own.missed += missed[i] ?? 0;
  }
  const [share, otherwise] = [behind, others].map((of) => of.missed / Math.max(1, of.requests));
  const isMost = behind.missed >= MEANWHILE_MISSES * (behind.missed + others.missed) && behind.missed > 0;
  if (share === undefined || otherwise === undefined || !isMost || share - otherwise < MEANWHILE_APART) return null;
  const what = judged_by === 'slo' ? 'missed' : 'were slow';
  const shortest = long.reduce((low, i) => Math.min(low, prompt_tokens[i] ?? Infinity), Infinity);
  return `Long prompts: of those with ${withThousands(shortest)} and more tokens, and of the requests that came while one of them waited or was computed, ${formatShare(share)} ${what}, of the others ${formatShare(otherwise)}.`;
}

function splitBy(tokens: Uint32Array, missed: Uint8Array): LengthSplit | null {
  const all = missed.reduce((sum, each) => sum + each, 0);
  const met = missed.length - all;
  if (all === 0 || met === 0) return null;
  // Length and miss in one number: sorting numbers is many times as fast as sorting by a function.
  const sorted = new Float64Array(tokens);
  for (let i = 0; i < sorted.length; i++) sorted[i] = 2 * (sorted[i] ?? 0) + (missed[i] ?? 0);
  sorted.sort();
  const least = Math.max(APART, DEVIATIONS * Math.sqrt(1 / all + 1 / met));
  const lengthAt = (i: number): number => Math.floor((sorted[i] ?? 0) / 2);
  let best: LengthSplit | null = null;
  let found = 0;
  for (let i = sorted.length - 1; i >= 0; i--) {
    found += (sorted[i] ?? 0) % 2;
    // Requests of one length stay together.
    if (i > 0 && lengthAt(i - 1) === lengthAt(i)) continue;
    const longer = sorted.length - i;
    const apart = found / all - (longer - found) / met;
    if (apart < least || apart <= (best?.apart ?? 0) || found < MOSTLY * longer) continue;
    best = {
      from_tokens: lengthAt(i),
      share: longer / sorted.length,
      missed: found / longer,
      otherwise: (all - found) / Math.max(1, sorted.length - longer),
      apart,
    };
  }
  release(sorted);
  return best;
}
