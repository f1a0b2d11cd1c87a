import { resolve } from 'node:path';
import { UserError } from '../../core/errors.ts';
import { didYouMean } from '../../core/did-you-mean.ts';

export type OptionValue = string | number;
/** Options by key: plain JSON. */
export type Options = Readonly<Record<string, OptionValue>>;

/** Meaning of an option, and source of its default. */
export interface OptionText {
  readonly about: string;
  readonly source: string;
}

/** The source of a default that no system publishes. */
export const OURS = 'a choice of this engine';

/** An option as a user sees it, with its value. */
export interface OptionInfo extends OptionText {
  readonly key: string;
  readonly value: OptionValue;
  /** The values that it takes. */
  readonly expected: string;
}

interface Name<N> extends OptionText {
  readonly fallback: N;
}

interface NameOrFile<N> extends Name<N> {
  /** Ending of a file's name, with the dot. */
  readonly extension: string;
}

interface NameOrAmount extends Name<string> {
  /** Unit after the number. */
  readonly unit: string;
}

interface WholeNumber extends OptionText {
  readonly min: number;
  readonly max: number;
  readonly fallback: number;
}

export interface Amount extends OptionText {
  readonly max: number;
  readonly fallback: number;
}

interface Fraction extends OptionText {
  readonly above: number;
  readonly max: number;
  readonly fallback: number;
}

const DECIMAL = /^\d+(\.\d+)?$/;

/**
 * Reads the options of a system key by key, each with its default: the one place where a system declares its options.
 * Throws a UserError that names the expected values.
 */
export class OptionReader {
  readonly #system: string;
  readonly #given: Options;
  readonly #infos: OptionInfo[] = [];
  readonly #warnings: string[] = [];

  constructor(system: string, given: Options) {
    this.#system = system;
    this.#given = given;
  }

  /** All options that were read so far. */
  get infos(): readonly OptionInfo[] {
    return this.#infos;
  }

  /** Warnings about the given options, a sentence each. */
  get warnings(): readonly string[] {
    return this.#warnings;
  }

  warn(text: string): void {
    this.#warnings.push(text);
  }

  /** One of the names of `table`. */
  name<T extends object>(key: string, table: T, option: Name<keyof T & string>): keyof T & string {
    const name = String(this.#take(key) ?? option.fallback);
    if (!isNameIn(table, name))
      throw this.#fault(`${key} "${name}" is not known${didYouMean(name, Object.keys(table))}`);
    this.#note(key, name, Object.keys(table).join(', '), option);
    return name;
  }

  /** One of the names of `table`, or the absolute path of a file by its extension. */
  nameOrFile<T extends object>(key: string, table: T, option: NameOrFile<keyof T & string>): string {
    const given = String(this.#take(key) ?? option.fallback);
    const isFile = given.endsWith(option.extension);
    const names = Object.keys(table);
    const file = `FILE${option.extension}`;
    if (!isFile && !isNameIn(table, given))
      throw this.#fault(`${key} "${given}" is not known, nor a file's name, ${file}${didYouMean(given, names)}`);
    const value = isFile ? resolve(given) : given;
    this.#note(key, value, [...names, file].join(', '), option);
    return value;
  }

  /** One of the names of `table`, or a number above 0 with its unit: `25gbps`. */
  nameOrAmount(key: string, table: object, option: NameOrAmount): string {
    const { unit, fallback } = option;
    const value = String(this.#take(key) ?? fallback);
    const number = value.endsWith(unit) ? value.slice(0, -unit.length) : '';
    const isAmount = DECIMAL.test(number) && Number(number) > 0;
    const names = Object.keys(table);
    const expected = [...names, `a number above 0 with ${unit} behind it, e.g. 25${unit}`].join(', or ');
    if (!isAmount && !isNameIn(table, value)) throw this.#fault(`${key}=${value} is not ${expected}`);
    this.#note(key, value, expected, option);
    return value;
  }

  /** A value that follows from other options and checks them: if it is given, it must be equal. */
  derived(key: string, value: string, option: OptionText): string {
    const given = this.#take(key) ?? value;
    if (given !== value) throw this.#fault(`${key}=${given} does not hold: it is ${value} now`);
    this.#note(key, value, 'as it is', option);
    return value;
  }

  /** A whole number from `min` to `max`, both included. */
  integer(key: string, option: WholeNumber): number {
    const { min, max } = option;
    const expected = `a whole number from ${min} to ${max}`;
    const value = this.#number(key, option.fallback);
    if (!(Number.isInteger(value) && value >= min && value <= max))
      throw this.#fault(`${key}=${this.#given[key]} is not ${expected}`);
    this.#note(key, value, expected, option);
    return value;
  }

  /** A number from 0 to `max`. */
  amount(key: string, option: Amount): number {
    const expected = `a number from 0 to ${option.max}`;
    const value = this.#number(key, option.fallback);
    if (!(value >= 0 && value <= option.max)) throw this.#fault(`${key}=${this.#given[key]} is not ${expected}`);
    this.#note(key, value, expected, option);
    return value;
  }

  /** A number above `above`, at most `max`. */
  fraction(key: string, option: Fraction): number {
    const { above, max } = option;
    const expected = `a number above ${above} and at most ${max}`;
    const value = this.#number(key, option.fallback);
    if (!(value > above && value <= max)) throw this.#fault(`${key}=${this.#given[key]} is not ${expected}`);
    this.#note(key, value, expected, option);
    return value;
  }

  /** Called after all options were read: any other given option is a mistake. */
  refuseOthers(): void {
    const known = this.#infos.map(({ key }) => key);
    for (const key of Object.keys(this.#given)) {
      if (known.includes(key)) continue;
      throw this.#fault(`"${key}" is not an option of ${this.#system}${didYouMean(key, known)}`);
    }
  }

  #number(key: string, fallback: number): number {
    const given = this.#take(key);
    if (typeof given !== 'string') return given ?? fallback;
    return DECIMAL.test(given) ? Number(given) : Number.NaN;
  }

  #take(key: string): OptionValue | undefined {
    return Object.hasOwn(this.#given, key) ? this.#given[key] : undefined;
  }

  #note(key: string, value: OptionValue, expected: string, { about, source }: OptionText): void {
    this.#infos.push({ key, value, about, expected, source });
  }

  #fault(what: string): UserError {
    return new UserError(`reference engine: ${what}`);
  }
}

function isNameIn<T extends object>(table: T, name: string): name is keyof T & string {
  return Object.hasOwn(table, name);
}
