import { reservedField } from '../../adapters/index.ts';
import { UserError } from '../core/errors.ts';
import { withoutKeys } from '../core/secrets.ts';

type Body = Readonly<Record<string, unknown>>;

/**
 * The fields of `--extra-body`, from JSON or from an object of the program. Throws a UserError that names a field that
 * is not the user's to set; it never shows a value, which may be a key.
 */
export function readExtraBody(given: string | Body): Body {
  const body = parsed(given);
  if (body === null) throw new UserError(`--extra-body: expected a JSON object in quotes, e.g. '{"top_p":0.9}'`);
  const reserved = reservedField(body);
  if (reserved !== null) throw new UserError(`--extra-body: ${reserved.field} cannot be set: ${reserved.why}`);
  return body;
}

/** An object of the program is kept as the JSON that is sent. */
function parsed(given: string | Body): Body | null {
  try {
    const json: unknown = JSON.parse(typeof given === 'string' ? given : JSON.stringify(given));
    return isObject(json) ? json : null;
  } catch {
    return null;
  }
}

function isObject(json: unknown): json is Body {
  return typeof json === 'object' && json !== null && !Array.isArray(json);
}

/** As files may show it; null where there are no fields. */
export function shownBody(body: Body): Body | null {
  const shown = withoutKeys(body);
  return isObject(shown) && Object.keys(shown).length > 0 ? shown : null;
}

/** The JSON of `--extra-body` as files may show it; nothing of a text that is none. */
export function shownBodyText(text: string): string {
  const body = parsed(text);
  return body === null ? '***' : JSON.stringify(withoutKeys(body));
}
