import type { NamedUnit } from '../formats/column-names.ts';
import { absoluteTimeToUs, numberToUs, tokenCount } from '../formats/fields.ts';
import { FieldError, quoted } from '../formats/format.ts';
import { blockIds, nameText, parseJson, TEXT_EXPECTED } from '../formats/json-lines.ts';
import type { Fields, RowRequest } from '../formats/named-rows.ts';
import type { MappedColumn, Role, TraceMap, Unit } from './map.ts';

/** What programs write where there is nothing. */
const NOTHING = /^(?:-|n\/?a|null|none|nil|nan|undefined|\\n)$/i;

/** Reads a row by a map whose times have units; a column that is not needed may hold nothing. Throws a FieldError. */
export function tableRequest(map: TraceMap, fields: Fields): RowRequest {
  const text = (role: Role): string | undefined => {
    const column = map[role];
    return column === undefined || column === null ? undefined : textOf(column.name, fields.value(column.name));
  };
  const read = <T>(role: Role, from: (name: string, text: string) => T): T | undefined => {
    const found = text(role);
    if (found === undefined || found === '' || NOTHING.test(found)) return undefined;
    try {
      return from(map[role]?.name ?? '', found);
    } catch (thrown) {
      if (!(thrown instanceof FieldError)) throw thrown;
      throw new FieldError(`${thrown.message}; --map ${role}=none leaves the column out`);
    }
  };
  const needed = (role: 'input' | 'output'): number => tokenCount(map[role]?.name ?? role, text(role) ?? '');
  const arrivalUs = map.arrival ? timeUs(map.arrival, text('arrival') ?? '') : null;
  const durationUs = (role: 'ttft' | 'e2e'): number | undefined => {
    const column = map[role];
    const us = column && read(role, (_, found) => timeUs(column, found));
    if (us === undefined || us === null) return undefined;
    // A date is that of its end; a clock that was set may have made it earlier than its start.
    const duration = isAbsolute(column?.unit ?? null) ? us - (arrivalUs ?? us) : us;
    return duration < 0 ? undefined : duration;
  };
  const [ttftUs, e2eUs, cachedTokens] = [durationUs('ttft'), durationUs('e2e'), read('cached', count)];
  const source = {
    ...(ttftUs === undefined ? {} : { ttftUs }),
    ...(e2eUs === undefined ? {} : { e2eUs }),
    ...(cachedTokens === undefined ? {} : { cachedTokens }),
  };
  const images = read('images', count) ?? 0;
  return {
    arrivalUs,
    inputTokens: needed('input'),
    outputTokens: needed('output'),
    id: read('id', name),
    session: read('session', name),
    turn: read('turn', count),
    parent: read('parent', name),
    agent: read('agent', name),
    sloClass: read('class', name),
    model: read('model', name),
    user: read('user', name),
    blocks: read('blocks', ids),
    ...(images > 0 ? { media: [{ kind: 'image', count: images }] } : {}),
    ...(Object.keys(source).length > 0 ? { source } : {}),
  };
}

/** Whether times of a unit say when something was, not how long it took. */
function isAbsolute(unit: Unit | null): boolean {
  return unit === 'iso' || unit?.startsWith('epoch_') === true;
}

function timeUs({ name: column, unit }: MappedColumn, text: string): number {
  if (unit === null) throw new Error(`no unit of ${column}`);
  return unit === 'iso' ? absoluteTimeToUs(column, text) : numberToUs(column, text, PLAIN[unit]);
}

const PLAIN: Readonly<Record<Exclude<Unit, 'iso'>, NamedUnit>> = {
  s: 's',
  ms: 'ms',
  us: 'us',
  ns: 'ns',
  epoch_s: 's',
  epoch_ms: 'ms',
  epoch_us: 'us',
  epoch_ns: 'ns',
};

/** A cell, or a value of JSON, as text. */
function textOf(column: string, value: unknown): string {
  if (value === undefined) return '';
  if (typeof value === 'string') return value.trim();
  if (typeof value === 'number' || typeof value === 'boolean') return String(value);
  if (Array.isArray(value)) return JSON.stringify(value);
  throw new FieldError(`${column} is ${quoted(value)}, expected a value`);
}

function name(column: string, text: string): string {
  if (nameText.safeParse(text).success) return text;
  throw new FieldError(`${column} is ${quoted(text)}, expected ${TEXT_EXPECTED}`);
}

function count(column: string, text: string): number {
  const found = /^\d+(?:\.0*)?$/.test(text) ? Number(text) : Number.NaN;
  if (Number.isSafeInteger(found)) return found;
  throw new FieldError(`${column} is ${quoted(text)}, expected a whole number from 0`);
}

/** A JSON array, or numbers with spaces or semicolons between. */
function ids(column: string, text: string): readonly number[] {
  const found: unknown = text.startsWith('[') ? parseJson(text) : text.split(/[\s;]+/).map(Number);
  const read = blockIds.safeParse(found);
  if (read.success) return read.data;
  throw new FieldError(`${column} is ${quoted(text)}, expected a list of whole numbers`);
}
