import type { Phases } from '../../core/record.ts';

/** What a request that has moved did since its prompt was computed. */
interface Moves {
  decodeUs: number;
  transferUs: number;
  decodeQueueUs: number;
  /** The part of `decodeQueueUs` before transfers. */
  bridgeQueueUs: number;
  /** Since when it does what it does now, which is not in the sums yet. */
  sinceUs: number;
  isDecoding: boolean;
}

/**
 * When a request went from phase to phase, microseconds of the engine's clock; NaN: not yet. Once its prompt is
 * computed it decodes at an instance or is between two of them, any number of times. A move before that counts as
 * prefill.
 *
 *     arrival --queue--> scheduled --prefill--> prefilled --decode--> end
 *     ... decode--> left --queue--> began to move --transfer--> arrived --queue--> scheduled --decode--> ...
 */
export class PhaseTimes {
  firstScheduledUs = Number.NaN;
  /** When its prompt had been computed for the first time. */
  prefilledUs = Number.NaN;
  #moves: Moves | null = null;

  /** An instance admits it. */
  scheduled(nowUs: number): void {
    if (Number.isNaN(this.firstScheduledUs)) this.firstScheduledUs = nowUs;
    if (this.#moves === null || this.#moves.isDecoding) return;
    this.#moves.decodeQueueUs += lap(this.#moves, nowUs);
    this.#moves.isDecoding = true;
  }

  /** It leaves its instance for another one. */
  left(nowUs: number): void {
    const { prefilledUs } = this;
    if (Number.isNaN(prefilledUs)) return;
    const moves = (this.#moves ??= {
      decodeUs: 0,
      transferUs: 0,
      decodeQueueUs: 0,
      bridgeQueueUs: 0,
      sinceUs: prefilledUs,
      isDecoding: true,
    });
    // It may move on before it was admitted.
    if (moves.isDecoding) moves.decodeUs += lap(moves, nowUs);
    else moves.decodeQueueUs += lap(moves, nowUs);
    moves.isDecoding = false;
  }

  transferBegins(nowUs: number): void {
    if (this.#moves === null) return;
    const us = lap(this.#moves, nowUs);
    this.#moves.decodeQueueUs += us;
    this.#moves.bridgeQueueUs += us;
  }

  arrived(nowUs: number): void {
    if (this.#moves !== null) this.#moves.transferUs += lap(this.#moves, nowUs);
  }

  /** As those of the request that its prompt was computed for, which has been kept since. */
  continueFrom(held: PhaseTimes): void {
    this.firstScheduledUs = held.firstScheduledUs;
    this.prefilledUs = held.prefilledUs;
    this.left(held.prefilledUs);
  }

  /** How long it waited before transfers, as part of `decode_queue_us`; null: it has not moved. */
  get bridgeQueueUs(): number | null {
    return this.#moves === null ? null : this.#moves.bridgeQueueUs;
  }

  /** How long each phase took: null for those that it did not have. They add up to the time from arrival to end. */
  phases(arrivalUs: number, endUs: number): Phases {
    const moves = this.#moves;
    return {
      prefill_queue_us: this.firstScheduledUs - arrivalUs,
      prefill_us: this.prefilledUs - this.firstScheduledUs,
      transfer_us: moves === null ? null : moves.transferUs,
      // Before its transfer too it waits for those that decode.
      decode_queue_us: moves === null ? null : moves.decodeQueueUs,
      decode_us: moves === null ? endUs - this.prefilledUs : moves.decodeUs + (endUs - moves.sinceUs),
    };
  }
}

/** What it did until now is over; returns how long that took. */
function lap(moves: Moves, nowUs: number): number {
  const us = nowUs - moves.sinceUs;
  moves.sinceUs = nowUs;
  return us;
}
