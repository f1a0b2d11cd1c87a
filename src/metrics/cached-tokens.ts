import type { RequestRecord } from '../core/record.ts';
import type { Manifest } from '../schema/manifest.ts';
import type { Summary } from '../schema/summary.ts';

/** Tokens that prompts share besides those of the trace: what a server adds to each, and a word by chance. */
const SHARED_BY_CHANCE_TOKENS = 16;
/** The server may count a prompt a little longer than it was planned. */
const TOLERANCE = 0.01;

/**
 * Prompt tokens that the server had in its cache, beside the most that the plan's own prefix blocks allow: those of an
 * endless cache that was empty at the start. More than that are prompts of an earlier run.
 */
export class CachedTokensCollector {
  readonly #manifest: Manifest;
  #requests = 0;
  #inputTokens = 0;
  #cachedTokens = 0;

  constructor(manifest: Manifest) {
    this.#manifest = manifest;
  }

  /** Any ok request, measured or not: what a warm-up puts into the cache is the plan's own. */
  add({ cached_tokens: cached, input_tokens: input, input_tokens_planned: planned }: RequestRecord): void {
    if (cached === null) return;
    this.#requests++;
    this.#inputTokens += input ?? planned ?? 0;
    this.#cachedTokens += cached;
  }

  result(): Summary['delivered']['cached_tokens'] {
    const { workload, prompts, imported } = this.#manifest;
    // What the prompts of an imported run share is not known.
    if (this.#requests === 0 || imported !== undefined) return null;
    const allowed = (workload.prefix_reuse ?? 0) * workload.input_tokens;
    const perRequest = SHARED_BY_CHANCE_TOKENS + (prompts?.overhead_tokens ?? 0);
    const tolerated = allowed + this.#requests * perRequest + this.#inputTokens * TOLERANCE;
    return {
      requests: this.#requests,
      input: this.#inputTokens,
      cached: this.#cachedTokens,
      allowed: Math.round(allowed),
      exceeds: this.#cachedTokens > tolerated,
    };
  }
}
