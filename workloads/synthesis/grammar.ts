import { didYouMean } from '../../src/core/did-you-mean.ts';
import { UserError } from '../../src/core/errors.ts';
import { parseDurationUs } from '../../src/core/units.ts';

/** `gamma:rate=5,cv=2`: a name with its parameters, of the option that errors name. */
export interface Named {
  readonly option: string;
  readonly name: string;
  readonly parameters: ReadonlyMap<string, string>;
}

/** Reads `NAME:KEY=VALUE,KEY=VALUE`. `forms`: how each name is written, for messages. Throws a UserError. */
export function parseNamed(text: string, option: string, forms: Readonly<Record<string, string>>): Named {
  const [, name = '', rest] = /^\s*([^:]*?)\s*(?::(.*))?$/s.exec(text) ?? [];
  if (!Object.hasOwn(forms, name))
    throw new UserError(
      `${option}: "${text}" begins with no name that is known${didYouMean(name, Object.keys(forms))}`,
    );
  const parameters = new Map<string, string>();
  for (const part of rest === undefined ? [] : rest.split(',')) {
    const [key = '', ...value] = part.split('=');
    if (value.length === 0 || parameters.has(key.trim()))
      throw new UserError(`${option}: "${part}" of "${text}" cannot be read; write ${forms[name]}`);
    parameters.set(key.trim(), value.join('=').trim());
  }
  return { option, name, parameters };
}

/** Throws a UserError for a parameter that is none of these. */
export function checkKeys({ option, name, parameters }: Named, known: readonly string[]): void {
  for (const key of parameters.keys())
    if (!known.includes(key)) throw new UserError(`${option}: ${name} has no "${key}"${didYouMean(key, known)}`);
}

/** A number above 0; `usual`: where it is not given. */
export function positive(named: Named, key: string, usual?: number): number {
  return numberOf(named, key, usual, (value) => value > 0, 'a number above 0');
}

/** A number from 0 on. */
export function fromZero(named: Named, key: string, usual?: number): number {
  return numberOf(named, key, usual, (value) => value >= 0, 'a number from 0');
}

/** Seconds above 0, of a time with its unit. */
export function seconds(named: Named, key: string): number {
  const text = given(named, key);
  return aboveZero(parseDurationUs(text, whatOf(named, key)) / 1e6, text, whatOf(named, key));
}

/** What is given for a parameter that has to be. */
export function given(named: Named, key: string): string {
  const text = named.parameters.get(key);
  if (text === undefined) throw new UserError(`${named.option}: ${named.name} needs ${key}=...`);
  return text;
}

/** A plain number above 0. Throws a UserError that begins with `what`. */
export function positiveNumber(text: string, what: string): number {
  return aboveZero(plainNumber(text), text, what);
}

export function whatOf({ option, name }: Named, key: string): string {
  return `${option}: ${key} of ${name}`;
}

function aboveZero(value: number, text: string, what: string): number {
  if (value > 0) return value;
  throw new UserError(`${what}: got "${text}", expected more than 0`);
}

function numberOf(
  named: Named,
  key: string,
  usual: number | undefined,
  isRight: (value: number) => boolean,
  what: string,
): number {
  const text = named.parameters.get(key);
  if (text === undefined && usual !== undefined) return usual;
  const value = plainNumber(given(named, key));
  if (isRight(value)) return value;
  throw new UserError(`${whatOf(named, key)}: got "${text}", expected ${what}`);
}

/** NaN of what is none. */
function plainNumber(text: string): number {
  return /^(?:\d+(?:\.\d*)?|\.\d+)$/.test(text) ? Number(text) : Number.NaN;
}
