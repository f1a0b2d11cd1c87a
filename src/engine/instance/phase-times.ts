import type { Phases } from '../../core/record.ts';

/**
 * When a request went from phase to phase, microseconds of the engine's clock; NaN: not yet. Once its prompt is computed
 * it decodes at an instance, or is between two of them, any number of times:
 *
 *     arrival --queue--> scheduled --prefill--> prefilled --decode--> end
 *     ... decode--> left --queue--> begins to move --transfer--> arrived --queue--> scheduled --decode--> ...
 *
 * A move before the end of prefill counts as part of prefill.
 */
export class PhaseTimes {
  firstScheduledUs = Number.NaN;
  /** When its prompt had been computed for the first time. */
  prefilledUs = Number.NaN;
  /** Since when it has decoded where it is. */
  #decodingSinceUs = Number.NaN;
  #leftUs = Number.NaN;
  #beganUs = Number.NaN;
  #arrivedUs = Number.NaN;
  /** Sums over what is over. */
  #decodeUs = 0;
  #transferUs = 0;
  #decodeQueueUs = 0;
  #moved = false;

  /** It is admitted by an instance. */
  scheduled(nowUs: number): void {
    if (Number.isNaN(this.firstScheduledUs)) this.firstScheduledUs = nowUs;
    if (!Number.isNaN(this.#arrivedUs)) this.#settle(nowUs);
  }

  prefilled(nowUs: number): void {
    this.prefilledUs = nowUs;
    this.#decodingSinceUs = nowUs;
  }

  /** It leaves its instance for another one. */
  left(nowUs: number): void {
    if (Number.isNaN(this.prefilledUs)) return;
    // Moved on before it was admitted.
    if (!Number.isNaN(this.#arrivedUs)) this.#settle(nowUs);
    this.#decodeUs += nowUs - this.#decodingSinceUs;
    this.#leftUs = nowUs;
  }

  transferBegins(nowUs: number): void {
    this.#beganUs = nowUs;
  }

  arrived(nowUs: number): void {
    if (!Number.isNaN(this.#leftUs)) this.#arrivedUs = nowUs;
  }

  /** As those of a request whose prompt was computed for this one, and has been kept since. */
  continueFrom(held: PhaseTimes): void {
    this.firstScheduledUs = held.firstScheduledUs;
    this.prefilled(held.prefilledUs);
    this.left(held.prefilledUs);
  }

  /** How long each phase took; null for those that it did not have. They add up to the time from arrival to end. */
  phases(arrivalUs: number, endUs: number): Phases {
    return {
      prefill_queue_us: this.firstScheduledUs - arrivalUs,
      prefill_us: this.prefilledUs - this.firstScheduledUs,
      transfer_us: this.#moved ? this.#transferUs : null,
      // Before its transfer too it waits for those that decode.
      decode_queue_us: this.#moved ? this.#decodeQueueUs : null,
      decode_us: this.#decodeUs + (endUs - this.#decodingSinceUs),
    };
  }

  /** The last move is over: from now on it decodes. */
  #settle(nowUs: number): void {
    this.#transferUs += this.#arrivedUs - this.#beganUs;
    this.#decodeQueueUs += this.#beganUs - this.#leftUs + (nowUs - this.#arrivedUs);
    this.#decodingSinceUs = nowUs;
    this.#leftUs = Number.NaN;
    this.#arrivedUs = Number.NaN;
    this.#moved = true;
  }
}
