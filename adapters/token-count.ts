import type { TokenOut } from '../src/core/codec.ts';
import type { TokenCountSource } from '../src/core/record.ts';

/**
 * `unknown`: text in a field that may be output, or say something about it; `perhaps`: no text, which may still be a
 * token; `none`: surely no token before the first (a role).
 */
export type Output = 'text' | 'unknown' | 'perhaps' | 'none';

/** Why the ids or the usage of a stream's events do not count its tokens. */
const FEWER_IDS = 'its token ids are fewer than its texts';
const STANDS_STILL = 'its usage stands still while text comes';
const FALLS = 'its usage falls';
const IS_MISSING = 'its usage does not come with each text';
const EXCEEDS = 'its usage exceeds what was asked for';
const IDS_EXCEED = 'its token ids exceed what was asked for, and its texts and usage do not';

/**
 * Counts the tokens of one response's events and reports each event.
 *
 * An event is counted by its token ids, else by the growth of its cumulative usage, else as one where it carries text.
 * Ids and usage are believed while they agree with what is seen: ids are at least as many as the texts, usage grows with
 * each text from the first on, and stays within what was asked for and seen. At the first disagreement the source
 * becomes `chunks`, for all events of the response: `settleTokenTimes` counts again those that were reported before.
 */
export class TokenCount {
  /** How tokens are counted; null until an event shows it. */
  source: TokenCountSource | null = null;
  /** Why ids or usage are not believed; null where they are, or where there are none. */
  countFault: string | null = null;
  /** Tokens so far. */
  tokens = 0;
  readonly #out: TokenOut;
  readonly #asked: number;
  #texts = 0;

  constructor(out: TokenOut, asked: number) {
    this.#out = out;
    this.#asked = asked;
  }

  /** Events with text so far. */
  get texts(): number {
    return this.#texts;
  }

  /** Counts an event and returns its tokens; one that may be a token is reported as 0. */
  event(output: Output, ids: number | null, usage: number | null): number {
    const hasText = output === 'text';
    if (hasText) this.#texts++;
    // Ids that are empty beside a text are none.
    if (this.source === 'token_ids' && this.tokens === 0 && hasText && !ids) this.source = null;
    if (this.source === null) this.#choose(output, ids, usage);
    const count = this.source === null ? 0 : this.#countOf(hasText, ids ?? 0, usage);
    const mayBeToken =
      this.source === 'chunks' || output === 'unknown' || (this.source === null && output === 'perhaps');
    if (count > 0 || hasText || mayBeToken) this.#out.tokens(count, output === 'unknown' ? output : hasText);
    return count;
  }

  /**
   * Checks what came by a usage. One of zero beside tokens is none. Ids beyond what was asked for are those so far, or the
   * prompt's too, where usage and texts agree on less; a server that ignores `max_tokens` counts them in its usage.
   */
  check(usage: number): void {
    const isWithin = usage >= Math.max(1, this.#texts) && usage <= this.#asked;
    if (this.source === 'token_ids' && this.tokens > this.#asked && isWithin) this.#countByChunks(false, IDS_EXCEED);
    if (this.source === 'usage' && usage > 0 && usage < this.tokens) this.#countByChunks(false, FALLS);
  }

  #choose(output: Output, ids: number | null, usage: number | null): void {
    const hasText = output === 'text';
    if (ids !== null && (ids > 0 || output === 'perhaps' || output === 'unknown')) this.source = 'token_ids';
    else if (usage !== null && output !== 'none' && !(hasText && usage === 0)) this.source = 'usage';
    else if (hasText) {
      this.source = 'chunks';
      this.countFault = usage === 0 ? STANDS_STILL : null;
    }
  }

  #countOf(hasText: boolean, ids: number, usage: number | null): number {
    if (this.source === 'token_ids') {
      if (this.tokens + ids < this.#texts) return this.#countByChunks(hasText, FEWER_IDS);
      this.tokens += ids;
      return ids;
    }
    if (this.source === 'usage') {
      const fault = this.#faultOf(hasText, usage);
      if (fault !== null) return this.#countByChunks(hasText, fault);
      const growth = Math.max(0, (usage ?? 0) - this.tokens);
      this.tokens += growth;
      return growth;
    }
    if (hasText) this.tokens++;
    return hasText ? 1 : 0;
  }

  #faultOf(hasText: boolean, usage: number | null): string | null {
    if (usage === null) return hasText ? IS_MISSING : null;
    if (usage > Math.max(this.#asked, this.#texts)) return EXCEEDS;
    if (usage < this.tokens && usage > 0) return FALLS;
    return hasText && usage <= this.tokens ? STANDS_STILL : null;
  }

  #countByChunks(hasText: boolean, fault: string): number {
    this.source = 'chunks';
    this.countFault = fault;
    this.tokens = this.#texts;
    return hasText ? 1 : 0;
  }
}
