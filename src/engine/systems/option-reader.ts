import { UserError } from '../../core/errors.ts';
import { suggestion } from '../../core/nearest.ts';

export type OptionValue = string | number;
/** Options by key: plain JSON. */
export type Options = Readonly<Record<string, OptionValue>>;

interface NumberRange {
  readonly min: number;
  readonly max: number;
  readonly fallback: number;
}

/**
 * What was given for a system, read key by key with the default of each: the one place where a system says which
 * options it has. Every fault is a UserError that says what was expected.
 */
export class OptionReader {
  readonly #system: string;
  readonly #given: Options;
  readonly #read: string[] = [];

  constructor(system: string, given: Options) {
    this.#system = system;
    this.#given = given;
  }

  /** One of the names of `table`. */
  name<T extends object>(key: string, table: T, fallback: keyof T & string): keyof T & string {
    const given = this.#take(key);
    if (given === undefined) return fallback;
    const name = String(given);
    if (isNameIn(table, name)) return name;
    throw this.#fault(`${key} "${name}" is not known${suggestion(name, Object.keys(table))}`);
  }

  /** A whole number from `min` to `max`, both included. */
  integer(key: string, range: NumberRange): number {
    const value = this.#number(key, range.fallback);
    if (Number.isInteger(value) && value >= range.min && value <= range.max) return value;
    throw this.#fault(`${key}=${this.#given[key]} is not a whole number from ${range.min} to ${range.max}`);
  }

  /** A number above `above`, at most `max`. */
  fraction(key: string, { above, max, fallback }: { above: number; max: number; fallback: number }): number {
    const value = this.#number(key, fallback);
    if (value > above && value <= max) return value;
    throw this.#fault(`${key}=${this.#given[key]} is not a number above ${above} and at most ${max}`);
  }

  /** To be called when everything was read: what is left over is a mistake. */
  refuseOthers(): void {
    for (const key of Object.keys(this.#given)) {
      if (this.#read.includes(key)) continue;
      throw this.#fault(`"${key}" is not an option of ${this.#system}${suggestion(key, this.#read)}`);
    }
  }

  #number(key: string, fallback: number): number {
    const given = this.#take(key);
    if (typeof given !== 'string') return given ?? fallback;
    return /^\d+(\.\d+)?$/.test(given) ? Number(given) : Number.NaN;
  }

  #take(key: string): OptionValue | undefined {
    this.#read.push(key);
    return Object.hasOwn(this.#given, key) ? this.#given[key] : undefined;
  }

  #fault(what: string): UserError {
    return new UserError(`reference engine: ${what}`);
  }
}

function isNameIn<T extends object>(table: T, name: string): name is keyof T & string {
  return Object.hasOwn(table, name);
}
