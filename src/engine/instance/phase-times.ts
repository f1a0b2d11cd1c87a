import type { Phases } from '../../core/record.ts';

/**
 * What there is of a request's moves after its prompt was computed: sums over those that are over, and the last one.
 */
interface Moves {
  decodeUs: number;
  transferUs: number;
  decodeQueueUs: number;
  /** Since when it has decoded at its instance, when it left it, began to move, and arrived at the next one. */
  sinceUs: number;
  leftUs: number;
  beganUs: number;
  /** NaN once it has been admitted there. */
  arrivedUs: number;
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
    if (this.#moves !== null && !Number.isNaN(this.#moves.arrivedUs)) settle(this.#moves, nowUs);
  }

  /** It leaves its instance for another one. */
  left(nowUs: number): void {
    const { prefilledUs } = this;
    if (Number.isNaN(prefilledUs)) return;
    const moves = (this.#moves ??= {
      decodeUs: 0,
      transferUs: 0,
      decodeQueueUs: 0,
      sinceUs: prefilledUs,
      leftUs: Number.NaN,
      beganUs: Number.NaN,
      arrivedUs: Number.NaN,
    });
    // It moves on before it was admitted.
    if (!Number.isNaN(moves.arrivedUs)) settle(moves, nowUs);
    moves.decodeUs += nowUs - moves.sinceUs;
    moves.leftUs = nowUs;
  }

  transferBegins(nowUs: number): void {
    if (this.#moves !== null) this.#moves.beganUs = nowUs;
  }

  arrived(nowUs: number): void {
    if (this.#moves !== null) this.#moves.arrivedUs = nowUs;
  }

  /** As those of the request that its prompt was computed for, which has been kept since. */
  continueFrom(held: PhaseTimes): void {
    this.firstScheduledUs = held.firstScheduledUs;
    this.prefilledUs = held.prefilledUs;
    this.left(held.prefilledUs);
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

/** The last move is over: from now on it decodes. */
function settle(moves: Moves, nowUs: number): void {
  moves.transferUs += moves.arrivedUs - moves.beganUs;
  moves.decodeQueueUs += moves.beganUs - moves.leftUs + (nowUs - moves.arrivedUs);
  moves.sinceUs = nowUs;
  moves.arrivedUs = Number.NaN;
}
