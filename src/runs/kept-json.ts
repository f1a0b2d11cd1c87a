import type { z } from 'zod';
import { messageOf, UserError } from '../core/errors.ts';
import { sealProblem } from './seal.ts';

/**
 * JSON that Reprise keeps for itself, `sealed`, or written by a version that did not. A UserError names `where` it cannot be
 * read, or is not as it was written.
 */
export function readKept<T>(schema: z.ZodType<T>, text: string, where: string): T {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (error) {
    throw new UserError(`${where}: damaged: ${messageOf(error)}; restore it, or remove it`, { cause: error });
  }
  const parsed = schema.safeParse(json);
  if (parsed.success) {
    const wrong = sealProblem(where, json);
    if (wrong !== null) throw new UserError(wrong);
    return parsed.data;
  }
  const [first, ...others] = parsed.error.issues;
  const place = first === undefined || first.path.length === 0 ? '' : `${first.path.join('.')}: `;
  const more = others.length === 0 ? '' : ` (and ${others.length} more)`;
  throw new UserError(
    `${where}: is of another version of Reprise, or was changed: ${place}${first?.message ?? 'it cannot be read'}${more}`,
  );
}
