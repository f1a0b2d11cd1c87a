import { namedUnit, namesOf, type GuessedRole, type NamedUnit } from '../formats/column-names.ts';
import { absoluteUnit, isOtherDate } from '../formats/fields.ts';
import { namesText, quoted } from '../formats/format.ts';
import { mapText, TIMED, type MappedColumn, type Role, type TraceMap, type Unit } from './map.ts';
import { attempt, shellWord } from './table-format.ts';
import { sampleOf, type TableSample } from './table-sample.ts';

/** What the first lines of a table tell of its columns. */
export interface Guess {
  /** As given, and what was guessed; with units where it can be read. */
  readonly map: TraceMap;
  /** What is missing or may be several; none where the table can be read. */
  readonly lacks: readonly string[];
  /** Unit of the arrival, where only the name of its column says it. */
  readonly namedUnit: NamedUnit | null;
}

const NEEDED: readonly (readonly [role: 'arrival' | 'input' | 'output', what: string])[] = [
  ['arrival', 'the time of arrival'],
  ['input', 'the tokens of the prompt'],
  ['output', 'the tokens of the answer'],
];
/** Those after what they depend on. */
const OPTIONAL = [
  'id',
  'session',
  'turn',
  'parent',
  'class',
  'user',
  'ttft',
  'e2e',
  'cached',
  'images',
  'blocks',
] as const;
const DEPENDS: { readonly [R in Role]?: Role } = { turn: 'session', parent: 'id' };

/**
 * Completes a map by the usual names of columns. A needed one that several could be is a lack; any other is taken where one
 * column alone could be it, and all first rows can be read with it.
 */
export function guessMap(sample: TableSample, given: TraceMap): Guess {
  const lacks: string[] = [];
  const map: { -readonly [R in Role]?: MappedColumn | null } = { ...given };
  for (const [role, what] of NEEDED) {
    if (map[role] !== undefined) continue;
    const [name, ...others] = nearest(namesOf(role === 'arrival' ? 'time' : role, sample.names));
    if (name === undefined) lacks.push(`none is known as ${what}`);
    else if (others.length > 0) lacks.push(`${namesText([name, ...others])} could each be ${what}`);
    else map[role] = { name, unit: null };
  }
  let byName: NamedUnit | null = null;
  for (const role of TIMED) {
    const column = map[role];
    if (column === undefined || column === null || column.unit !== null) continue;
    const unit = unitOf(sample, column.name);
    map[role] = { ...column, unit };
    if (unit === null) lacks.push(unitLack(sample, column.name));
    else if (role === 'arrival' && unit === namedUnit(column.name)) byName = namedUnit(column.name);
  }
  if (lacks.length > 0) return { map, lacks, namedUnit: byName };
  for (const role of OPTIONAL) {
    const needs = DEPENDS[role];
    if (map[role] !== undefined || (needs !== undefined && !map[needs])) continue;
    const column = optionalColumn(sample, map, role);
    if (column !== null) map[role] = column;
  }
  return { map, lacks, namedUnit: byName };
}

function optionalColumn(sample: TableSample, map: TraceMap, role: GuessedRole & Role): MappedColumn | null {
  const taken = new Set(Object.values(map).map((column) => column?.name));
  const found = nearest(namesOf(role, sample.names).filter((name) => !taken.has(name)));
  const [name] = found;
  if (name === undefined || found.length > 1) return null;
  const unit = TIMED.has(role) ? unitOf(sample, name) : null;
  if (TIMED.has(role) && unit === null) return null;
  const column = { name, unit };
  const readable = (all: TraceMap): number => sample.rows.filter((row) => attempt(all, row) !== null).length;
  if (role === 'id' && !isUnique(sample, name)) return null;
  return readable({ ...map, [role]: column }) === readable(map) ? column : null;
}

function isUnique({ rows }: TableSample, name: string): boolean {
  const values = rows.map((row) => row.value(name)).filter((value) => value !== undefined);
  return new Set(values).size === values.length;
}

/** Of paths the shortest, since those within other objects are most often parts of a sum. */
function nearest(names: readonly string[]): string[] {
  const depth = (name: string): number => name.split('.').length;
  const least = Math.min(...names.map(depth));
  return names.filter((name) => depth(name) === least);
}

/** The unit of times: as their column's name says, or, where they are since 1970 or dates, as they say by themselves. */
function unitOf(sample: TableSample, name: string): Unit | null {
  const byName = namedUnit(name);
  const units = valuesOf(sample, name).map(absoluteUnit);
  if (byName === null) return units.find((unit) => unit !== null) ?? null;
  return units.find((unit) => unit === `epoch_${byName}`) ?? byName;
}

function valuesOf({ rows }: TableSample, name: string): string[] {
  return rows.flatMap((row) => {
    const value = row.value(name);
    return typeof value === 'string' || typeof value === 'number' ? [String(value).trim()] : [];
  });
}

function unitLack(sample: TableSample, name: string): string {
  const [value = ''] = valuesOf(sample, name);
  const shown = `${namesText([name])} (${quoted(value)})`;
  if (!isOtherDate(value)) return `nothing tells the unit of ${shown}: write s, ms, us or ns behind its colon`;
  const ambiguous = /^\s*\d{1,2}[/.-]\d{1,2}[/.-]/.test(value)
    ? ', and nothing tells whether its day or its month comes first'
    : '';
  return `${shown} is a date in a form that is not read${ambiguous}: write dates as in ISO 8601, like 2026-01-05 10:00:00.250`;
}

/** What a table lacks to be read, and the `--map` to complete; empty where it lacks nothing. */
export function tableLack(lines: readonly string[], given: TraceMap = {}): string {
  return lackText(guessMap(sampleOf(lines), given));
}

export function lackText({ map, lacks }: Guess): string {
  if (lacks.length === 0) return '';
  const parts = NEEDED.map(([role]) => {
    const column = map[role];
    if (column === undefined) return `${role}=COLUMN${role === 'arrival' ? ':UNIT' : ''}`;
    return mapText({ [role]: column }) + (column !== null && role === 'arrival' && column.unit === null ? ':UNIT' : '');
  });
  const without = map.arrival === undefined ? ' (arrival=none for a file without times of arrival)' : '';
  return `${lacks.join('; ')}; complete this: --map ${shellWord(parts.join(','))}${without}`;
}
