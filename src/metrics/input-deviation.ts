import type { RequestRecord } from '../core/record.ts';
import type { Summary } from '../schema/summary.ts';

/**
 * Differences between prompt lengths as the server counted them and as planned, over responses that report input
 * tokens.
 */
export class InputDeviation {
  #counted = 0;
  #differing = 0;
  #sum = 0;
  #largest = 0;

  add({ input_tokens_planned: planned, input_tokens: counted }: RequestRecord): void {
    if (planned === null || counted === null) return;
    this.#counted++;
    if (counted === planned) return;
    this.#differing++;
    this.#sum += counted - planned;
    this.#largest = Math.max(this.#largest, Math.abs(counted - planned));
  }

  result(): Summary['delivered']['input_deviation_tokens'] {
    if (this.#counted === 0) return null;
    return {
      mean: this.#sum / this.#counted,
      max: this.#largest,
      requests: this.#differing,
      counted: this.#counted,
    };
  }
}
