import type { RequestRecord } from '../core/record.ts';
import type { Summary } from '../schema/summary.ts';

/** An output that differs by more than this share of what was asked for is another load. */
const TOLERANCE = 0.01;
/** A server may give any text as a reason: those beyond the first few are counted together. */
const MAX_REASONS = 8;
const OTHER_REASONS = 'other';

/** Output lengths of ok requests beside those that were asked for, and how the server says that they ended. */
export class OutputCollector {
  #counted = 0;
  #asAsked = 0;
  #short = 0;
  #long = 0;
  #askedTokens = 0;
  #gotTokens = 0;
  #hiddenTokens = 0;
  #misreported = 0;
  readonly #reasons = new Map<string, number>();

  /** A request whose outcome is `ok`; one whose planned output is not known has nothing to stand beside. */
  add(record: RequestRecord): void {
    const asked = record.output_tokens_planned;
    if (asked === null) return;
    const hidden = record.hidden_tokens ?? 0;
    const got = (record.output_tokens ?? record.token_times_us.length) + hidden;
    this.#counted++;
    this.#askedTokens += asked;
    this.#gotTokens += got;
    this.#hiddenTokens += hidden;
    if (record.output_tokens_reported !== null) this.#misreported++;
    if (got === asked) this.#asAsked++;
    else if (got < asked * (1 - TOLERANCE)) this.#short++;
    else if (got > asked * (1 + TOLERANCE)) this.#long++;
    const reason = record.finish_reason ?? 'none';
    const key = this.#reasons.has(reason) || this.#reasons.size < MAX_REASONS ? reason : OTHER_REASONS;
    this.#reasons.set(key, (this.#reasons.get(key) ?? 0) + 1);
  }

  result(): Summary['delivered']['outputs'] {
    if (this.#counted === 0) return null;
    return {
      requests: this.#counted,
      as_asked: this.#asAsked,
      short: this.#short,
      long: this.#long,
      asked_mean: this.#askedTokens / this.#counted,
      got_mean: this.#gotTokens / this.#counted,
      hidden_tokens: this.#hiddenTokens,
      misreported: this.#misreported,
      finish_reasons: Object.fromEntries([...this.#reasons].sort(([a], [b]) => (a < b ? -1 : 1))),
    };
  }
}
