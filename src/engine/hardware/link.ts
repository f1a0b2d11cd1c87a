import type { Clock } from '../../core/clock.ts';
import { SharedWork, type Piece } from './shared-work.ts';

export interface LinkShape {
  /** In one direction. */
  readonly bytesPerS: number;
  /** Time until the first byte of a transfer moves. */
  readonly latencyUs: number;
  /** Time to launch each segment of memory that is sent by itself; segments are launched one after another. */
  readonly segmentUs: number;
}

/** A transfer under way. */
export interface Transfer {
  /** Aborts the transfer; does nothing if it is over. */
  cancel(): void;
}

/** One direction of a connection between devices: transfers under way share its bandwidth equally. */
export class Link {
  readonly #clock: Clock;
  readonly #shape: LinkShape;
  readonly #moving: SharedWork<null>;

  constructor(clock: Clock, shape: LinkShape) {
    this.#clock = clock;
    this.#shape = shape;
    const bytesPerUs = shape.bytesPerS / 1e6;
    this.#moving = new SharedWork(clock, (pieces) => {
      for (const piece of pieces) piece.rate = bytesPerUs / pieces.length;
    });
  }

  /** Sends `bytes` that lie in `segments` separate pieces of memory. */
  send(bytes: number, segments: number, done: () => void): Transfer {
    const { latencyUs, segmentUs } = this.#shape;
    let piece: Piece<null> | null = null;
    let cancelled = false;
    this.#clock.at(this.#clock.now() + latencyUs + segments * segmentUs, () => {
      if (!cancelled) piece = this.#moving.start(bytes, null, done);
    });
    return {
      cancel: () => {
        cancelled = true;
        if (piece !== null) this.#moving.stop(piece);
      },
    };
  }
}
