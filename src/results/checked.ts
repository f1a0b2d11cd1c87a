import { z } from 'zod';
import { UserError } from '../core/errors.ts';

/**
 * A value of a foreign file by a schema. Throws a UserError that names the file, the key, what is there and what was
 * expected; `where` names the file, and the line or run in it.
 */
export function checked<T>(schema: z.ZodType<T>, value: unknown, where: string, tool: string): T {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  const path = issue?.path ?? [];
  throw new UserError(
    `${where}: ${keyText(path)} is ${shown(at(value, path))}: ${issue?.message ?? 'not as expected'}; give the file as ${tool} wrote it`,
  );
}

/** `itls[3][0]`, `metadata.request_start_ns`. */
function keyText(path: readonly PropertyKey[]): string {
  const text = path.map((key) => (typeof key === 'number' ? `[${key}]` : `.${String(key)}`)).join('');
  return text === '' ? 'the whole' : text.replace(/^\./, '');
}

function at(value: unknown, path: readonly PropertyKey[]): unknown {
  let found = value;
  for (const key of path) found = memberOf(found, key);
  return found;
}

function memberOf(value: unknown, key: PropertyKey): unknown {
  if (Array.isArray(value)) return value[Number(key)];
  if (typeof value !== 'object' || value === null) return undefined;
  return Object.entries(value).find(([name]) => name === key)?.[1];
}

const MAX_SHOWN = 60;

function shown(value: unknown): string {
  if (value === undefined) return 'missing';
  const text = typeof value === 'number' ? String(value) : (JSON.stringify(value) ?? typeof value);
  return text.length > MAX_SHOWN ? `${text.slice(0, MAX_SHOWN)}...` : text;
}

/** Seconds or milliseconds that a tool measured. */
export const duration = z
  .number('expected a number')
  .nonnegative('expected a number of 0 or more')
  .max(1e12, 'expected a duration, not more than 30,000 years');
/** Far above any context, and few enough to be held one by one. */
const MAX_TOKENS = 10_000_000;
export const tokenCount = z
  .int('expected a whole number')
  .nonnegative('expected a count of 0 or more')
  .max(MAX_TOKENS, `expected at most ${MAX_TOKENS}`);
export const listOf = <T>(of: z.ZodType<T>): z.ZodArray<z.ZodType<T>> => z.array(of, 'expected a list');

/** What is shown of a run and in no figure: where it is not as expected, it is not there, and the rest is read. */
export const aside = <S extends z.ZodType>(schema: S): z.ZodCatch<z.ZodOptional<z.ZodNullable<S>>> =>
  schema.nullish().catch(null);
