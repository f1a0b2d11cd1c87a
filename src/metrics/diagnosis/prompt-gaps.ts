import { type Limits, partsOf, SLO_METRICS } from '../../core/slo.ts';
import type { RequestRecord } from '../../core/record.ts';
import { randomStream } from '../../core/random.ts';
import { formatMs, formatShare } from '../../core/units.ts';
import { hasKnownGaps } from '../request-latency.ts';
import { countUpTo, nearestRank, Samples } from '../samples.ts';
import { type Facts, isTelling } from './facts.ts';

/** Answers whose gaps are looked at: any, drawn by id, and of many tokens. */
const STREAMS = 200;
const MIN_TOKENS = 8;
/** Tokens of one iteration reach the client within this time. */
const SAME_ITERATION_US = 1000;
/** Gaps of each kind that make a comparison. */
const ENOUGH_GAPS = 50;
/** Long gaps hold first tokens of others by chance too: how many is seen by moving those by these times. */
const SHIFTS_US = [-3.1e6, -1.7e6, -0.9e6, 0.9e6, 1.7e6, 3.1e6];
/** A gap is long that takes so many times the usual one. */
const LONG = 1.5;
/** Behind the prompt that a token waited for comes one iteration: its first token came in so many usual gaps at the end. */
const END = 3;
/** Where long gaps nearly always hold a first token by chance, nothing can be told. */
const MOST_CHANCE = 0.95;
/** The rule holds where prompts explain at least half of that excess, and so much of the time between tokens. */
const EXPLAINED = 0.5;
const TELLING_SHARE = 0.25;

/** Long gaps between the tokens of a request, and first tokens of other requests in them. */
export interface PromptGaps {
  /** Median of the gaps without a first token, and mean of the long ones with one, in microseconds. */
  readonly usual_us: number;
  readonly with_prompt_us: number;
  /** Share of the time between tokens by which long gaps exceed the usual one. */
  readonly excess: number;
  /** Share of that excess in gaps at whose end a first token came, beyond chance: 0 as by chance, 1 all of it. */
  readonly explained: number;
}

interface Stream {
  readonly key: number;
  readonly id: string;
  /** From the run's start. */
  readonly times: Float64Array;
}

/** Collects first tokens of all requests, and the token times of a sample of answers. */
export class PromptGapsCollector {
  readonly #firstUs = new Samples();
  /** Sorted once it is twice as long as the sample: most records cost a comparison. */
  #streams: Stream[] = [];
  /** Key of the last of the sample when it was sorted. */
  #least = 0;

  add(record: RequestRecord, isOfInterest: boolean): void {
    const { request_id, due_us, token_times_us } = record;
    const first = token_times_us[0];
    if (first === undefined) return;
    this.#firstUs.push(due_us + first);
    if (!isOfInterest || token_times_us.length < MIN_TOKENS || !hasKnownGaps(record)) return;
    const key = randomStream(1, 'prompt gaps', request_id)();
    if (key < this.#least) return;
    this.#streams.push({ key, id: request_id, times: token_times_us.map((us) => due_us + us) });
    if (this.#streams.length >= 2 * STREAMS) this.#keepBest();
  }

  /**
   * Null where there are too few gaps, or first tokens in nearly all of them. To be asked once: the times of requests are
   * gone afterwards.
   */
  result(): PromptGaps | null {
    this.#keepBest();
    this.#firstUs.sort();
    const found = this.#found(this.#firstUs);
    this.#firstUs.release();
    return found;
  }

  #found(first: Samples): PromptGaps | null {
    const streams = this.#streams.map(({ times }) => times);
    const usual = usualGapUs(streams, first);
    if (usual === null) return null;
    const seen = longGaps(streams, first, usual, 0);
    if (seen.gaps < ENOUGH_GAPS) return null;
    const chance = Math.max(
      ...SHIFTS_US.map((shift) => longGaps(streams, first, usual, shift).excess_with_prompt_us / seen.excess_us),
    );
    if (chance > MOST_CHANCE) return null;
    return {
      usual_us: usual,
      with_prompt_us: seen.with_prompt_us / Math.max(1, seen.with_prompt),
      excess: seen.excess_us / seen.total_us,
      explained: Math.max(0, (seen.excess_with_prompt_us / seen.excess_us - chance) / (1 - chance)),
    };
  }

  #keepBest(): void {
    this.#streams.sort((a, b) => b.key - a.key || (a.id < b.id ? -1 : 1));
    this.#streams = this.#streams.slice(0, STREAMS);
    this.#least = this.#streams[STREAMS - 1]?.key ?? 0;
  }
}

/** First tokens, moved by `shiftUs`, that came in the last `withinUs` of a gap. */
interface FirstTokens {
  /** In order of time. */
  readonly us: Samples;
  readonly shiftUs: number;
  readonly withinUs: number;
}

/** Calls `visit` with each gap, and with how many first tokens came in it. */
function eachGap(
  streams: readonly Float64Array[],
  { us, shiftUs, withinUs }: FirstTokens,
  visit: (gapUs: number, prompts: number) => void,
): void {
  for (const times of streams)
    for (let i = 1; i < times.length; i++) {
      const [from, to] = [times[i - 1] ?? 0, times[i] ?? 0];
      // Tokens of one chunk: no time for anything.
      if (to <= from) continue;
      // One at the end of a gap came out of the same iteration, one at its start out of the one before.
      const after = Math.max(from, to - withinUs) + SAME_ITERATION_US - shiftUs;
      const until = to + SAME_ITERATION_US - shiftUs;
      visit(to - from, countUpTo(us, until) - countUpTo(us, after));
    }
}

/** Median of the gaps without a first token; null where they are few. */
function usualGapUs(streams: readonly Float64Array[], us: Samples): number | null {
  const without = new Samples();
  eachGap(streams, { us, shiftUs: 0, withinUs: Infinity }, (gapUs, prompts) => {
    if (prompts === 0) without.push(gapUs);
  });
  return without.length < ENOUGH_GAPS ? null : nearestRank(without.sorted(), 500);
}

/** Gaps that are long, and those of them at whose end a first token came. */
interface LongGaps {
  gaps: number;
  /** Time by which they exceed the usual gap. */
  excess_us: number;
  with_prompt: number;
  with_prompt_us: number;
  excess_with_prompt_us: number;
  /** Of all gaps. */
  total_us: number;
}

function longGaps(streams: readonly Float64Array[], us: Samples, usualUs: number, shiftUs: number): LongGaps {
  const sum = { gaps: 0, excess_us: 0, with_prompt: 0, with_prompt_us: 0, excess_with_prompt_us: 0, total_us: 0 };
  eachGap(streams, { us, shiftUs, withinUs: END * usualUs }, (gapUs, prompts) => {
    sum.total_us += gapUs;
    if (gapUs < LONG * usualUs) return;
    sum.gaps++;
    sum.excess_us += gapUs - usualUs;
    if (prompts === 0) return;
    sum.with_prompt++;
    sum.with_prompt_us += gapUs;
    sum.excess_with_prompt_us += gapUs - usualUs;
  });
  return sum;
}

function limitsGaps(limits: Limits): boolean {
  return SLO_METRICS.some((metric) => limits[metric] !== undefined && metric !== 'ttft' && metric !== 'e2e');
}

/** The server computes prompts between the tokens of answers; where too much load is said to be the cause, in few words. */
export function promptsText({ course, gaps, summary, overload, peaks }: Facts): string | null {
  if (gaps === null || !isTelling(course)) return null;
  const isTpot = summary.slo === null || partsOf(summary.slo.limits_ms).some(([, limits]) => limitsGaps(limits));
  const { usual_us, with_prompt_us, explained, excess } = gaps;
  if (!isTpot || explained < EXPLAINED || explained * excess < TELLING_SHARE) return null;
  const [longer, usual] = [formatMs(with_prompt_us / 1000), formatMs(usual_us / 1000)];
  const [share, of] = [formatShare(explained * excess), course.judged_by === 'slo' ? ' in answers that missed' : ''];
  return overload !== null || peaks !== null
    ? `Tokens waited for the prompts of others: ${longer} in place of ${usual}, ${share} of the time between tokens${of}.`
    : `Prompts between tokens: the server computed prompts of other requests while answers waited for their next token, which then took ${longer} in place of ${usual}; that is ${share} of the time between tokens${of}.`;
}
