import { UserError } from '../../src/core/errors.ts';
import { didYouMean } from '../../src/core/did-you-mean.ts';
import type { Request } from '../../src/core/request.ts';
import { listText } from '../../src/core/words.ts';
import { namesText } from '../formats/format.ts';
import { keptRequests } from './left-out.ts';
import type { Transform } from './transform.ts';

type Value = string | number | undefined;

const TEXTS: Readonly<Record<string, (request: Request) => string | undefined>> = {
  class: ({ sloClass }) => sloClass,
  model: ({ model }) => model,
  user: ({ user }) => user,
  session: ({ session }) => session,
  agent: ({ agent }) => agent,
  id: ({ id }) => id,
};
const NUMBERS: Readonly<Record<string, (request: Request) => number | undefined>> = {
  input: ({ inputTokens }) => inputTokens,
  output: ({ outputTokens }) => outputTokens,
  turn: ({ turn }) => turn,
  row: ({ traceRow }) => traceRow,
};
const FIELDS = [...Object.keys(TEXTS), ...Object.keys(NUMBERS)];

const COMPARISONS: Readonly<Record<string, (value: number, bound: number) => boolean>> = {
  '<': (value, bound) => value < bound,
  '<=': (value, bound) => value <= bound,
  '>': (value, bound) => value > bound,
  '>=': (value, bound) => value >= bound,
};

/** So many values of a field are kept for the message of a filter that leaves none. */
const MOST_VALUES = 20;
/** The value of a request whose trace does not give the field. */
const NONE = 'none';

/**
 * The requests that meet all conditions of `where`: `class=chat,api;input<=8000`. `=` and `!=` take several values; a
 * field that the trace does not give has the value `none`, and is in no comparison by size.
 */
export const filter: Transform = (source, args, { say }) => {
  const where = String(args['where']);
  const conditions = where.split(';').map(parseCondition);
  const option = `--filter "${where}"`;
  return {
    async *open() {
      const seen = new Set<string>();
      const isKept = (request: Request): boolean => {
        const failed = conditions.find(({ holds }) => !holds(request));
        if (failed !== undefined && seen.size < MOST_VALUES)
          seen.add(`${failed.field} ${textOf(failed.read(request))}`);
        return failed === undefined;
      };
      try {
        yield* keptRequests(source, isKept, option, say);
      } catch (thrown) {
        if (!(thrown instanceof UserError) || !thrown.message.startsWith(option)) throw thrown;
        throw new UserError(`${thrown.message}; it has ${namesText([...seen])}`);
      }
    },
  };
};

/** The requests that have one value of a field, whatever characters are in it. */
export const only: Transform = (source, args, { say }) => {
  const read = fieldReader(String(args['by']), '--by');
  const isKept = (request: Request): boolean => read(request) === args['value'];
  return { open: () => keptRequests(source, isKept, `${String(args['by'])} ${String(args['value'])}`, say) };
};

/** The value of a request in a field of filters, `none` where it has none. Throws a UserError for what is no field. */
export function fieldReader(field: string, option: string): (request: Request) => string {
  const read = readerOf(field, option);
  return (request) => textOf(read(request));
}

function readerOf(field: string, option: string): (request: Request) => Value {
  const fields = { ...TEXTS, ...NUMBERS };
  const read = Object.hasOwn(fields, field) ? fields[field] : undefined;
  if (read !== undefined) return read;
  throw new UserError(`${option}: there is no field "${field}"${didYouMean(field, FIELDS)}`);
}

interface Condition {
  readonly field: string;
  readonly read: (request: Request) => Value;
  readonly holds: (request: Request) => boolean;
}

function parseCondition(text: string): Condition {
  const [, field = '', comparison = '', right = ''] = /^\s*(\w+)\s*(=|!=|<=|>=|<|>)\s*(.*?)\s*$/.exec(text) ?? [];
  if (right === '')
    throw new UserError(
      `--filter: "${text.trim()}" is no condition; write FIELD=VALUE, e.g. class=chat, several joined by ";" (fields: ${listText(FIELDS)}; numbers: < <= > >= too)`,
    );
  const number = Object.hasOwn(NUMBERS, field) ? NUMBERS[field] : undefined;
  const read = readerOf(field, '--filter');
  const values = right.split(',').map((value) => value.trim());
  if (number !== undefined) checkNumbers(text, values);
  const compare = COMPARISONS[comparison];
  if (compare === undefined) {
    const isEqual = comparison === '=';
    return { field, read, holds: (request) => values.includes(textOf(read(request))) === isEqual };
  }
  const bound = Number(right);
  if (number === undefined || values.length > 1)
    throw new UserError(
      `--filter: "${text.trim()}": ${comparison} compares one number, and ${field} is ${number === undefined ? 'a text' : 'given several'}; use = or !=`,
    );
  return { field, read, holds: (request) => isMet(number(request), compare, bound) };
}

function isMet(value: number | undefined, compare: (value: number, bound: number) => boolean, bound: number): boolean {
  return value !== undefined && compare(value, bound);
}

function checkNumbers(text: string, values: readonly string[]): void {
  const wrong = values.find((value) => value !== NONE && !/^\d+$/.test(value));
  if (wrong !== undefined) throw new UserError(`--filter: "${text.trim()}": ${wrong} is not a whole number`);
}

function textOf(value: Value): string {
  return value === undefined ? NONE : String(value);
}
