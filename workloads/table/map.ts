import { UserError } from '../../src/core/errors.ts';
import { didYouMean } from '../../src/core/did-you-mean.ts';

/** What a column can be of a request; the first three are needed. */
export const ROLES = [
  'arrival',
  'input',
  'output',
  'id',
  'session',
  'turn',
  'parent',
  'agent',
  'class',
  'model',
  'user',
  'ttft',
  'e2e',
  'cached',
  'images',
  'blocks',
] as const;
export type Role = (typeof ROLES)[number];

/** Units of numbers, of times since 1970, and dates, which bring theirs. */
export const UNITS = ['s', 'ms', 'us', 'ns', 'epoch_s', 'epoch_ms', 'epoch_us', 'epoch_ns', 'iso'] as const;
export type Unit = (typeof UNITS)[number];
/** Roles that are times. */
export const TIMED: ReadonlySet<Role> = new Set<Role>(['arrival', 'ttft', 'e2e']);

/** A column: its name in the header, or the path to it through the objects of a row (`usage.prompt_tokens`). */
export interface MappedColumn {
  readonly name: string;
  /** Of a time; null: not said. */
  readonly unit: Unit | null;
}

/** Which column is what; null: none, though one may have such a name. */
export type TraceMap = { readonly [R in Role]?: MappedColumn | null };

const PART = /\s*([\w-]+)\s*=\s*(?:"((?:[^"]|"")*)"|([^",:]*))(?::([\w-]+))?\s*(?:,|$)/y;
const GRAMMAR = 'ROLE=COLUMN[:UNIT],..., e.g. arrival=startTime:iso,input=usage.prompt_tokens,output="answer, tokens"';

/**
 * Reads `arrival=startTime:iso,input=usage.prompt_tokens,...`; `ROLE=none` means that no column is it. Throws a UserError
 * that names the wrong part.
 */
export function parseMap(text: string): TraceMap {
  const map: { -readonly [R in Role]?: MappedColumn | null } = {};
  PART.lastIndex = 0;
  while (PART.lastIndex < text.length) {
    const from = PART.lastIndex;
    const [, word = '', inQuotes, bare = '', unit] = PART.exec(text) ?? [];
    if (word === '') throw new UserError(`--map: got "${text.slice(from, from + 80)}", expected ${GRAMMAR}`);
    const role = ROLES.find((each) => each === word);
    if (role === undefined)
      throw new UserError(`--map: "${word}" is nothing that a column can be${didYouMean(word, ROLES)}`);
    if (Object.hasOwn(map, role)) throw new UserError(`--map: ${role} is given twice, expected one column`);
    const name = inQuotes?.replaceAll('""', '"') ?? bare.trim();
    if (name === '') throw new UserError(`--map: ${role} names no column, expected ${GRAMMAR}`);
    map[role] = inQuotes === undefined && name === 'none' ? null : { name, unit: unitOf(role, unit) };
  }
  return map;
}

function unitOf(role: Role, unit: string | undefined): Unit | null {
  if (unit === undefined) return null;
  if (!TIMED.has(role)) throw new UserError(`--map: ${role} is no time, and has no unit; write it without ":${unit}"`);
  const known = UNITS.find((each) => each === unit);
  if (known !== undefined) return known;
  throw new UserError(`--map: "${unit}" is no unit${didYouMean(unit, UNITS)}`);
}

/** The text that `parseMap` reads. */
export function mapText(map: TraceMap): string {
  return ROLES.flatMap((role) => {
    const column = map[role];
    if (column === undefined) return [];
    if (column === null) return [`${role}=none`];
    return [`${role}=${quotedName(column.name)}${column.unit === null ? '' : `:${column.unit}`}`];
  }).join(',');
}

function quotedName(name: string): string {
  return /[",:]|^\s|\s$|^none$/.test(name) ? `"${name.replaceAll('"', '""')}"` : name;
}
