/** Touches of a cell of the tree, and of a word of bits. */
const CELL = 256;
const WORD = 32;

/**
 * A set of touches, which are numbered from 1, with how many of them are no later than one: a bit a touch, and a Fenwick
 * tree of the sums of 256. Touches that are added or removed one behind the other cost a bit each.
 */
export class LiveTouches {
  readonly capacity: number;
  readonly #bits: Int32Array;
  readonly #tree: Int32Array;
  /** What is not in the tree yet, of one cell each. */
  #added = { cell: 0, touches: 0 };
  #removed = { cell: 0, touches: 0 };

  /** Of `capacity` touches at most; the first `count` are in it. */
  constructor(capacity: number, count: number) {
    const cells = Math.ceil((capacity + 1) / CELL);
    this.capacity = capacity;
    this.#bits = new Int32Array((cells * CELL) / WORD);
    this.#tree = new Int32Array(cells + 1);
    for (let touch = 1; touch <= count; touch++) this.add(touch);
  }

  /** One that is not in it. */
  add(touch: number): void {
    const cell = touch >>> 8;
    if (cell !== this.#added.cell) {
      this.#change(this.#added.cell, this.#added.touches);
      this.#added = { cell, touches: 0 };
    }
    this.#added.touches++;
    const word = touch >>> 5;
    this.#bits[word] = (this.#bits[word] ?? 0) | (1 << (touch & 31));
  }

  /** One that is in it. */
  remove(touch: number): void {
    const cell = touch >>> 8;
    if (cell !== this.#removed.cell) {
      this.#change(this.#removed.cell, -this.#removed.touches);
      this.#removed = { cell, touches: 0 };
    }
    this.#removed.touches++;
    const word = touch >>> 5;
    this.#bits[word] = (this.#bits[word] ?? 0) & ~(1 << (touch & 31));
  }

  /** How many of them are no later. */
  countTo(touch: number): number {
    this.#settle();
    const cell = touch >>> 8;
    let sum = 0;
    for (let i = cell; i > 0; i -= i & -i) sum += this.#tree[i] ?? 0;
    const last = touch >>> 5;
    for (let word = (cell * CELL) / WORD; word < last; word++) sum += ones(this.#bits[word] ?? 0);
    return sum + ones((this.#bits[last] ?? 0) & (-1 >>> (31 - (touch & 31))));
  }

  #settle(): void {
    this.#change(this.#added.cell, this.#added.touches);
    this.#change(this.#removed.cell, -this.#removed.touches);
    this.#added.touches = 0;
    this.#removed.touches = 0;
  }

  /** Cells are counted from 0, their sums in the tree from 1. */
  #change(cell: number, by: number): void {
    if (by !== 0) for (let i = cell + 1; i < this.#tree.length; i += i & -i) this.#tree[i] = (this.#tree[i] ?? 0) + by;
  }
}

/** How many bits of a word are set. */
function ones(word: number): number {
  const pairs = word - ((word >>> 1) & 0x55555555);
  const fours = (pairs & 0x33333333) + ((pairs >>> 2) & 0x33333333);
  return Math.imul((fours + (fours >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24;
}
