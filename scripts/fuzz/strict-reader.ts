/**
 * The requests of a trace, read a second time by other means than the product's: by the character, with BigInt for times
 * and no library. It knows only rows that are surely right; of any other it says nothing (`null`).
 */
export interface StrictRow {
  readonly dueUs: bigint;
  readonly input: bigint;
  readonly output: bigint;
  readonly id?: string | undefined;
  readonly blocks?: readonly string[] | undefined;
}

/** A JSON value of a row: numbers stay the text that they are, and keys keep their order and their doubles. */
type Json = string | { readonly number: string } | { readonly word: string } | readonly Json[] | JsonObject;
interface JsonObject {
  readonly members: readonly (readonly [key: string, value: Json])[];
}

class NotJson extends Error {}

/** A parser by RFC 8259 alone. Throws NotJson. */
function parse(text: string): Json {
  let at = 0;
  const fail = (): never => {
    throw new NotJson(text.slice(0, at));
  };
  const space = (): void => {
    while (' \t\n\r'.includes(text[at] ?? 'x')) at++;
  };
  const take = (token: string): boolean => {
    if (!text.startsWith(token, at)) return false;
    at += token.length;
    return true;
  };
  const string = (): string => {
    let found = '';
    for (;;) {
      const char = text[at++] ?? fail();
      if (char === '"') return found;
      if (char < ' ') fail();
      if (char !== '\\') found += char;
      else {
        const escape = text[at++] ?? fail();
        const index = '"\\/bfnrt'.indexOf(escape);
        if (index !== -1) found += '"\\/\b\f\n\r\t'[index] ?? '';
        else if (escape === 'u' && /^[\da-fA-F]{4}$/.test(text.slice(at, at + 4))) {
          found += String.fromCharCode(Number.parseInt(text.slice(at, at + 4), 16));
          at += 4;
        } else fail();
      }
    }
  };
  const list = <T>(end: string, item: () => T): T[] => {
    const items: T[] = [];
    space();
    if (take(end)) return items;
    for (;;) {
      items.push(item());
      space();
      if (take(end)) return items;
      if (!take(',')) fail();
    }
  };
  const value = (): Json => {
    space();
    if (take('"')) return string();
    if (take('[')) return list(']', value);
    if (take('{'))
      return {
        members: list('}', () => {
          space();
          if (!take('"')) fail();
          const key = string();
          space();
          if (!take(':')) fail();
          return [key, value()] as const;
        }),
      };
    for (const word of ['true', 'false', 'null']) if (take(word)) return { word };
    const number = /^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/.exec(text.slice(at, at + 500))?.[0] ?? fail();
    at += number.length;
    return { number };
  };
  const found = value();
  space();
  return at === text.length ? found : fail();
}

/** A decimal number in millionths, rounded half up; null for what is none or is out of all bounds. */
function millionths(text: string): bigint | null {
  const match = /^[ \t]*\+?(-?\d*)(?:\.(\d*))?(?:[eE]([+-]?\d{1,6}))?[ \t]*$/.exec(text);
  const [, whole = '', fraction = '', exponent = '0'] = match ?? [];
  if (match === null || !/\d/.test(whole + fraction) || whole.length > 40 || fraction.length > 400) return null;
  const places = Number(exponent) + 7 - fraction.length;
  const digits = BigInt((whole === '' || whole === '-' ? `${whole}0` : whole) + fraction);
  if (places > 60 || places < -500) return null;
  const tenths = places >= 0 ? digits * 10n ** BigInt(places) : digits / 10n ** BigInt(-places);
  return (tenths + 5n) / 10n;
}

function integer(text: string | undefined): bigint | null {
  const scaled = text === undefined ? null : millionths(text);
  return scaled === null || scaled % 1_000_000n !== 0n ? null : scaled / 1_000_000n;
}

const isLength = (value: bigint | null): value is bigint => value !== null && value >= 1n && value <= 10_000_000n;

/** A row of JSON Lines: `keys` name time, input, output; `usPerUnit` is that of the time. */
export function strictJsonRow(
  line: string,
  [time, input, output]: readonly [string, string, string],
  usPerUnit: bigint,
): StrictRow | null {
  let row: Json;
  try {
    row = parse(line.replace(/^\uFEFF/, ''));
  } catch (thrown) {
    if (thrown instanceof NotJson) return null;
    throw thrown;
  }
  if (typeof row === 'string' || !('members' in row)) return null;
  const { members } = row;
  const only = (key: string): Json | undefined => {
    const found = members.filter(([name]) => name === key);
    return found.length === 1 ? found[0]?.[1] : undefined;
  };
  const number = (key: string): string | undefined => {
    const found = only(key);
    return typeof found === 'object' && 'number' in found ? found.number : undefined;
  };
  const dueText = number(time);
  const due = dueText === undefined ? null : millionths(dueText);
  const [inputs, outputs] = [integer(number(input)), integer(number(output))];
  const ids = only('hash_ids') ?? only('blocks');
  const id = only('id');
  if (due === null || due < 0n || !isLength(inputs) || !isLength(outputs)) return null;
  return {
    dueUs: (due * usPerUnit + 500_000n) / 1_000_000n,
    input: inputs,
    output: outputs,
    id: typeof id === 'string' ? id : undefined,
    blocks: Array.isArray(ids)
      ? ids.map((each: Json) => (typeof each === 'object' && 'number' in each ? String(integer(each.number)) : 'no id'))
      : undefined,
  };
}

/** The cells of a CSV line by RFC 4180, space around them dropped; null for one with a quote where none may be. */
export function strictCells(line: string): string[] | null {
  const cells: string[] = [];
  let at = 0;
  for (;;) {
    while (/\s/.test(line[at] ?? 'x')) at++;
    let cell = '';
    if (line[at] === '"') {
      for (at++; ; at++) {
        if (at >= line.length) return null;
        if (line[at] === '"' && line[++at] !== '"') break;
        cell += line[at] ?? '';
      }
      while (/\s/.test(line[at] ?? 'x')) at++;
    } else {
      while (at < line.length && line[at] !== ',') cell += line[at++] ?? '';
      if (cell.includes('"')) return null;
    }
    cells.push(cell.trim());
    if (at === line.length) return cells;
    if (line[at++] !== ',') return null;
  }
}

/** Civil time, with or without an offset, to microseconds since 1970 by the calendar of the runtime. */
function dateUs(text: string): bigint | null {
  const match = /^(\d{4})-(\d\d)-(\d\d)[ T](\d\d):(\d\d):(\d\d)(?:\.(\d+))?\s*(?:Z|([+-]\d\d)(?::?(\d\d))?)?$/.exec(
    text,
  );
  if (match === null) return null;
  const [year, month, day, hour, minute, second] = match.slice(1, 7).map(Number);
  const date = new Date(0);
  date.setUTCFullYear(year ?? 0, (month ?? 0) - 1, day);
  date.setUTCHours(hour ?? 0, minute, second);
  if (!date.toISOString().startsWith(text.slice(0, 19).replace(' ', 'T'))) return null;
  const offset = match[8] === undefined ? 0 : Number(match[8]) * 60 + Number(`${match[8][0]}${match[9] ?? '0'}`);
  const fraction = millionths(`0.${match[7] ?? '0'}`) ?? 0n;
  return BigInt(date.getTime()) * 1000n - BigInt(offset) * 60_000_000n + fraction;
}

/** A row of a CSV file: where its time, input and output stand among `width` cells. */
export function strictCsvRow(
  line: string,
  width: number,
  [time, input, output]: readonly [number, number, number],
): StrictRow | null {
  const cells = strictCells(line);
  if (cells === null || cells.length > width) return null;
  const due = cells[time] ?? '';
  const dueUs = due.includes(':') ? dateUs(due) : millionths(due);
  const [inputs, outputs] = [integer(cells[input]), integer(cells[output])];
  if (dueUs === null || dueUs < 0n || !isLength(inputs) || !isLength(outputs)) return null;
  return { dueUs, input: inputs, output: outputs };
}
