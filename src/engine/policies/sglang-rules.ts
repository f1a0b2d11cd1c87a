/** What differs between the schedulers of two versions of SGLang. */
export interface SglangRules {
  /** A request that has ended leaves the batch before prompts are tried; or else only when the batch decodes next. */
  readonly endedLeaveFirst: boolean;
  /** Where memory is short of what an iteration takes, all of that is evicted; or else what is missing. */
  readonly evictsAll: boolean;
  /**
   * Each prompt is admitted if the budget is not spent, and if memory has room for it and its output without what it
   * finds in the cache; or else before its share of the cache is taken off, and if the budget has room for it.
   */
  readonly budgetFirst: boolean;
  /** Tokens reserved with each prompt besides its own: one page. */
  readonly spareTokens: number;
  /** All that requests with `ignore_eos` may generate is reserved, and not the ratio's share of it. */
  readonly heedsIgnoreEos: boolean;
  /** What a retracted request has generated counts in what it may generate. */
  readonly countsGenerated: boolean;
  /** The next chunk of a prompt is no longer than unreserved memory, unless there is none. */
  readonly chunksFitMemory: boolean;
  /** Requests are retracted until the others have memory for so many decode steps. */
  readonly retractSteps: number;
  /** Added to the tokens that the others may generate, when the ratio is estimated then. */
  readonly estimateSpare: number;
  /** The ratio is reset as soon as no batch runs; or else once no request waits either. */
  readonly resetsWithWaiting: boolean;
  /** Whether a request that is admitted is looked up once more after `lpm` has sorted. */
  readonly looksUpAgain: boolean;
  /** Every so many rounds the first of those that wait, where they are not sorted, count as used; 0: never. */
  readonly refreshRounds: number;
  /** An overlapped decision leaves out requests whose last token is being computed, as their maximum says. */
  readonly foreseesLength: boolean;
}
