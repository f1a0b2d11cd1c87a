import type { Clock } from '../../core/clock.ts';

/** A piece of work in flight, and its speed. */
export interface Piece {
  /** What the rule of sharing goes by. */
  weight: number;
  /** Units left at the time of the last change, and units a microsecond since. */
  left: number;
  rate: number;
  readonly done: () => void;
}

/** Sets the rate of every piece, whenever one starts, stops or changes its weight. */
export type SharingRule = (pieces: readonly Piece[]) => void;

/** Work within this of its end has ended: what is left is the rounding of the changes on its way. */
const ROUNDING = 1e-9;

/**
 * Work that shares a resource: whenever a piece starts, stops or changes its weight, the others are re-timed. Pieces
 * that end at the same time end in the order in which they started.
 */
export class SharedWork {
  readonly #clock: Clock;
  readonly #rule: SharingRule;
  #pieces: Piece[] = [];
  #sinceUs = 0;
  /** Counts changes: an event that was set before the last one is void. */
  #version = 0;

  constructor(clock: Clock, rule: SharingRule) {
    this.#clock = clock;
    this.#rule = rule;
  }

  get size(): number {
    return this.#pieces.length;
  }

  /** Begins `amount` units of work; `done` is called when they are over, unless it was stopped before. */
  start(amount: number, weight: number, done: () => void): Piece {
    this.#advance();
    const piece = { weight, left: amount, rate: 0, done };
    this.#pieces.push(piece);
    this.#retime();
    return piece;
  }

  /** Does nothing if it is over. */
  stop(piece: Piece): void {
    if (!this.#pieces.includes(piece)) return;
    this.#advance();
    this.#pieces = this.#pieces.filter((each) => each !== piece);
    this.#retime();
  }

  setWeight(piece: Piece, weight: number): void {
    this.#advance();
    piece.weight = weight;
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

  /** What was due to end `afterUs` after the last change has ended, however the clock rounds. */
  #end(afterUs: number): void {
    const limit = afterUs * (1 + ROUNDING);
    const ended = this.#pieces.filter(({ left, rate }) => left <= rate * limit);
    this.#advance();
    this.#pieces = this.#pieces.filter((piece) => !ended.includes(piece));
    this.#retime();
    for (const piece of ended) piece.done();
  }
}
