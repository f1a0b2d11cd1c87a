/** A number a session, which grows with them. */
class Column {
  #values = new Float64Array(64).fill(Number.NaN);

  /** `otherwise`: where none was set. */
  get(at: number, otherwise: number): number {
    const value = this.#values[at] ?? Number.NaN;
    return Number.isNaN(value) ? otherwise : value;
  }

  set(at: number, value: number): void {
    if (at >= this.#values.length) {
      const wider = new Float64Array(Math.max(2 * this.#values.length, at + 1)).fill(Number.NaN);
      wider.set(this.#values);
      this.#values = wider;
    }
    this.#values[at] = value;
  }

  least(at: number, value: number): void {
    this.set(at, Math.min(value, this.get(at, Infinity)));
  }

  most(at: number, value: number): void {
    this.set(at, Math.max(value, this.get(at, -Infinity)));
  }
}

/** Numbers of sessions, kept in columns: beside its id a session takes eight bytes a column. */
export class SessionColumns<Name extends string> {
  readonly of: Readonly<Record<Name, Column>>;
  readonly #places = new Map<string, number>();

  constructor(names: readonly Name[]) {
    // Its keys are the names.
    const columns: Partial<Record<Name, Column>> = {};
    for (const name of names) columns[name] = new Column();
    if (!hasAll(columns, names)) throw new Error('a column is missing');
    this.of = columns;
  }

  get length(): number {
    return this.#places.size;
  }

  /** The place of a session in every column. */
  place(id: string): number {
    const known = this.#places.get(id);
    if (known !== undefined) return known;
    const place = this.#places.size;
    this.#places.set(id, place);
    return place;
  }

  ids(): IterableIterator<string> {
    return this.#places.keys();
  }
}

function hasAll<Name extends string>(
  columns: Partial<Record<Name, Column>>,
  names: readonly Name[],
): columns is Record<Name, Column> {
  return names.every((name) => columns[name] !== undefined);
}
