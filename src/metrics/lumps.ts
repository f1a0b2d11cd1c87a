import { LUMP_US, type RequestRecord } from '../core/record.ts';
import type { Summary } from '../schema/summary.ts';
import { hasKnownGaps } from './request-latency.ts';

/** An answer of so many lumps or more has the right TPOT, unless its lumps are larger than what a server decodes at once. */
const ENOUGH_LUMPS = 10;
const MAX_TOKENS_OF_A_STEP = 8;
/** The fewest tokens that came all at once of which that is not just as likely one step of a speculative decode. */
const MIN_TOKENS_AT_ONCE = 4;

/**
 * Counts answers most of whose tokens came in lumps, several events at once, as a proxy that buffers hands them over:
 * their TPOT and ITL describe the proxy.
 */
export class LumpCollector {
  #streams = 0;
  #lumped = 0;
  #tokens = 0;
  #lumps = 0;

  /**
   * A request whose outcome is `ok`. One token alone cannot be a lump; and while the client stood still it was the
   * client that held tokens back.
   */
  add(record: RequestRecord): void {
    const { token_times_us: times, lumped_tokens, client_stalled } = record;
    if (times.length < 2 || client_stalled === true || !hasKnownGaps(record)) return;
    this.#streams++;
    const lumps = countLumps(times);
    const allAtOnce = lumps === 1 && times.length >= MIN_TOKENS_AT_ONCE;
    // Runs of before, and virtual time, do not tell events from tokens.
    const isLumped = lumped_tokens !== null && lumped_tokens > times.length / 2;
    const isDistorted = lumps < ENOUGH_LUMPS || times.length > MAX_TOKENS_OF_A_STEP * lumps;
    if (!allAtOnce && !(isLumped && isDistorted)) return;
    this.#lumped++;
    this.#tokens += times.length;
    this.#lumps += lumps;
  }

  result(): Summary['delivered']['lumps'] {
    if (this.#streams === 0) return null;
    return { streams: this.#streams, lumped: this.#lumped, tokens: this.#tokens, lumps: this.#lumps };
  }
}

function countLumps(times: Float64Array): number {
  let lumps = 0;
  let firstUs = Number.NEGATIVE_INFINITY;
  for (let i = 0; i < times.length; i++) {
    const timeUs = times[i] ?? 0;
    if (timeUs - firstUs <= LUMP_US) continue;
    firstUs = timeUs;
    lumps++;
  }
  return lumps;
}
