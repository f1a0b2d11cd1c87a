import type { SequenceView } from '../instance/sequence.ts';

/** SGLang's constants (global_config.py). */
const INITIAL = 0.7;
const MINIMUM_SHARE = 0.14;
const DECAY_STEPS = 600;

/**
 * SGLang's `new_token_ratio`: the share of its remaining output that a request is expected to need. Falls with every
 * decode step that finds memory, and rises when one does not.
 */
export class NewTokenRatio {
  value: number;
  readonly #initial: number;
  readonly #minimum: number;
  readonly #decay: number;

  constructor(conservativeness: number) {
    this.#initial = Math.min(INITIAL * conservativeness, 1);
    this.#minimum = this.#initial * MINIMUM_SHARE;
    this.#decay = (this.#initial - this.#minimum) / DECAY_STEPS;
    this.value = this.#initial;
  }

  reset(): void {
    this.value = this.#initial;
  }

  decay(): void {
    this.value = Math.max(this.value - this.#decay, this.#minimum);
  }

  /**
   * After a retraction: tokens that the remaining requests have generated, and will in the next `steps`, over the tokens
   * that they may generate and `spare`.
   */
  estimate(left: readonly SequenceView[], steps: number, spare: number): void {
    let decoded = 0;
    let allowed = spare;
    for (const { generatedTokens, maxTokens } of left) {
      decoded += generatedTokens;
      allowed += maxTokens;
    }
    this.value = Math.min(1, (decoded + steps * left.length) / allowed);
  }
}
