import { withThousands } from '../../src/core/units.ts';
import { badRowText, type BadRow } from '../formats/format.ts';

const SHOWN = 5;

/** Rows that cannot be read: the first few with their place, and if there are more, the count of each fault. */
export class BadRows {
  readonly #path: string;
  readonly #first: string[] = [];
  readonly #faults = new Map<string, number>();
  #count = 0;

  constructor(path: string) {
    this.#path = path;
  }

  get count(): number {
    return this.#count;
  }

  add(row: BadRow): void {
    if (this.#count++ < SHOWN) this.#first.push(badRowText(this.#path, row));
    // A message begins with the name of its fault, where it has one.
    const fault = /^(\w+): /.exec(row.message)?.[1] ?? 'otherwise wrong';
    this.#faults.set(fault, (this.#faults.get(fault) ?? 0) + 1);
  }

  warnings(): string[] {
    if (this.#count <= SHOWN) return this.#first;
    const faults = [...this.#faults].sort(([, a], [, b]) => b - a).map(([fault, n]) => `${withThousands(n)} ${fault}`);
    return [...this.#first, `${withThousands(this.#count)} rows cannot be replayed: ${faults.join(', ')}`];
  }
}
