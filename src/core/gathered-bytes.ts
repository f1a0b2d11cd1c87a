const NONE = Buffer.alloc(0);

/**
 * Bytes that come in pieces and are wanted whole, copied into one buffer that grows by doubling: a list of the pieces takes
 * a hundred bytes for each, and whoever sends decides how many there are.
 */
export class GatheredBytes {
  #buffer = NONE;
  #length = 0;

  get length(): number {
    return this.#length;
  }

  push(piece: Uint8Array): void {
    const length = this.#length + piece.length;
    if (length > this.#buffer.length) {
      // The first piece is often the last.
      const wider = Buffer.allocUnsafe(this.#length === 0 ? length : Math.max(length, 2 * this.#buffer.length));
      this.#buffer.copy(wider, 0, 0, this.#length);
      this.#buffer = wider;
    }
    this.#buffer.set(piece, this.#length);
    this.#length = length;
  }

  /** All so far, which are forgotten here; with `last` behind them, which need not be kept before. */
  take(last?: Uint8Array): Buffer {
    const all = this.#buffer.subarray(0, this.#length);
    this.#buffer = NONE;
    this.#length = 0;
    return last === undefined ? all : Buffer.concat([all, last]);
  }
}
