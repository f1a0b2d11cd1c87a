const FIRST_SLOTS = 1 << 10;

/**
 * Ids that have been seen, by 64 bits of each: some 11 to 21 bytes an id, where a set of texts takes 70. It never forgets
 * one, and may, though hardly ever, take a new one for one that it has seen: who needs to know looks again.
 */
export class SeenIds {
  /** Two words an id; 0 and 0: a free slot. */
  #slots = new Uint32Array(2 * FIRST_SLOTS);
  #used = 0;

  /** False: perhaps it was seen before. */
  add(id: string): boolean {
    const high = hash(id, 0x9e3779b9);
    // No id is a free slot.
    const low = hash(id, 0x85ebca6b) || 1;
    if (!place(this.#slots, high, low)) return false;
    this.#used++;
    if (8 * this.#used > 3 * this.#slots.length) this.#grow();
    return true;
  }

  #grow(): void {
    const larger = new Uint32Array(2 * this.#slots.length);
    for (let i = 0; i < this.#slots.length; i += 2)
      if (this.#slots[i + 1] !== 0) place(larger, this.#slots[i] ?? 0, this.#slots[i + 1] ?? 0);
    this.#slots = larger;
  }
}

/** False: it is there. */
function place(slots: Uint32Array, high: number, low: number): boolean {
  const last = slots.length - 2;
  for (let at = (2 * high) & last; ; at = (at + 2) & last) {
    if (slots[at + 1] === 0) {
      slots[at] = high;
      slots[at + 1] = low;
      return true;
    }
    if (slots[at] === high && slots[at + 1] === low) return false;
  }
}

/** FNV-1a over UTF-16 code units, mixed at the end, so that ids which differ in one digit lie apart. */
function hash(id: string, seed: number): number {
  let h = seed;
  for (let i = 0; i < id.length; i++) h = Math.imul(h ^ id.charCodeAt(i), 0x01000193);
  h = Math.imul(h ^ (h >>> 16), 0x21f0aaad);
  h = Math.imul(h ^ (h >>> 15), 0x735a2d97);
  return (h ^ (h >>> 15)) >>> 0;
}
