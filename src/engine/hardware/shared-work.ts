import type { Clock } from '../../core/clock.ts';

/** A piece of work in flight, and its current rate. */
export interface Piece<W> {
  /** For the sharing rule. */
  readonly of: W;
  /** Units left at the time of the last change, and units per microsecond since then. */
  left: number;
  rate: number;
  readonly done: () => void;
}

/** Sets the rate of every piece, whenever one starts or stops. */
export type SharingRule<W> = (pieces: readonly Piece<W>[]) => void;

/** Tolerance of the end of a piece: the changes on its way leave a rounding error. */
const ROUNDING = 1e-9;

/**
 * Pieces of work that share a resource: whenever a piece starts or stops, the others are re-timed.
 * Pieces that end at the same time call `done` in the order in which they started.
 */
export class SharedWork<W> {
  readonly #clock: Clock;
  readonly #rule: SharingRule<W>;
  #pieces: Piece<W>[] = [];
  #sinceUs = 0;
  /** Counts changes: an event from before the last change is void. */
  #version = 0;

  constructor(clock: Clock, rule: SharingRule<W>) {
    this.#clock = clock;
    this.#rule = rule;
  }

  get size(): number {
    return this.#pieces.length;
  }

  /** Starts `amount` units of work; `done` is called at their end, unless the piece is stopped before. */
  start(amount: number, of: W, done: () => void): Piece<W> {
    this.#advance();
    const piece = { of, left: amount, rate: 0, done };
    this.#pieces.push(piece);
    this.#retime();
    return piece;
  }

  /** Does nothing if the piece is over. */
  stop(piece: Piece<W>): void {
    if (!this.#pieces.includes(piece)) return;
    this.#advance();
    this.#pieces = this.#pieces.filter((each) => each !== piece);
    this.#retime();
  }

  #advance(): void {
    const nowUs = this.#clock.now();
    const passedUs = nowUs - this.#sinceUs;
    for (const piece of this.#pieces) piece.left = Math.max(0, piece.left - piece.rate * passedUs);
    this.#sinceUs = nowUs;
  }

  #retime(): void {
    const version = ++this.#version;
    if (this.#pieces.length === 0) return;
    this.#rule(this.#pieces);
    let next = Number.POSITIVE_INFINITY;
    for (const { left, rate } of this.#pieces) next = Math.min(next, left / rate);
    this.#clock.at(this.#sinceUs + next, () => {
      if (version === this.#version) this.#end(next);
    });
  }

  /** Ends the pieces that were due `afterUs` after the last change, however the clock rounds. */
  #end(afterUs: number): void {
    const limit = afterUs * (1 + ROUNDING);
    const ended = this.#pieces.filter(({ left, rate }) => left <= rate * limit);
    this.#advance();
    this.#pieces = this.#pieces.filter((piece) => !ended.includes(piece));
    this.#retime();
    for (const piece of ended) piece.done();
  }
}
