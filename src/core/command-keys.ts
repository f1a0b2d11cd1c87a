import { HIDDEN, isKeyName, withoutQueryValues } from './secrets.ts';

/** What may stand between a name and its value: `=`, `: `, `": "` (quotes may be escaped), a space. */
const SEPARATOR = /(?:\\*["'])?\s*[=:]\s*|\s+/y;
/** A value in quotes; else a word of a shell, or a value of JSON without quotes. */
const QUOTED = /(\\*["'])(?:(?!\1).)*\1/sy;
const WORD = /(?:(?:bearer|basic|token)\s+)?(?:\\.|"[^"\s]*"|'[^'\s]*'|[^\s"'\\;&|<>()])+/iy;
const JSON_VALUE = /[^\s"',}\]\\]+/y;

/** Texts that are keys by their form, wherever they stand. */
const KEY_FORMS = [
  /(?<=\b(?:bearer|basic)\s+)[^\s"'\\;&|*]{8,}/gi,
  /(?<=(?:^|\s)(?:-u|--user)(?:\s+|=))[^\s"':]*:[^\s"']+/g,
  /\b(?:sk|pk|rk|hf|nvapi|ghp|gho|ghs|github_pat|glpat|xox[abprs])[-_][\w-]{8,}/g,
  /\bAKIA[A-Z\d]{12,}/g,
  /\beyJ[\w-]{8,}\.[\w-]+\.[\w-]*/g,
];
const URL_IN_TEXT = /[a-z][a-z\d+.-]*:\/\/[^\s"']+/gi;

/**
 * A shell command with its keys hidden: the values of what is named as one (`--api-key ***`, `HF_TOKEN=***`), texts that
 * have the form of one, and the passwords and queries of URLs.
 */
export function withoutCommandKeys(command: string): string {
  let shown = '';
  let from = 0;
  for (const { start, end } of namedValues(command)) {
    shown += command.slice(from, start) + HIDDEN;
    from = end;
  }
  shown += command.slice(from);
  return KEY_FORMS.reduce((text, form) => text.replaceAll(form, HIDDEN), shown).replaceAll(
    URL_IN_TEXT,
    withoutQueryValues,
  );
}

/** The keys that `withoutCommandKeys` hides, but for those in URLs. */
export function commandKeys(command: string): string[] {
  const named = [...namedValues(command)].map(({ start, end }) => command.slice(start, end));
  const formed = KEY_FORMS.flatMap((form) => command.match(form) ?? []);
  return [...named, ...formed].flatMap((value) => {
    const bare = value.replaceAll(/["'\\]/g, '');
    return [bare, ...bare.split(/[\s,;:=]+/)];
  });
}

interface Place {
  readonly start: number;
  readonly end: number;
}

function* namedValues(command: string): Generator<Place> {
  let from = 0;
  for (const { 0: name, index } of command.matchAll(/[\w-]+/g)) {
    if (index < from || !isKeyName(name)) continue;
    const separator = matchAt(SEPARATOR, command, index + name.length);
    // A word of its own is a value only behind an option.
    if (separator === '' || (separator.trim() === '' && !name.startsWith('-'))) continue;
    const start = index + name.length + separator.length;
    const isJson = /["']/.test(separator);
    const value = matchAt(QUOTED, command, start) || matchAt(isJson ? JSON_VALUE : WORD, command, start);
    if (value === '' || (separator.trim() === '' && value.startsWith('-'))) continue;
    from = start + value.length;
    yield { start, end: from };
  }
}

/** What a sticky expression finds at a place; empty: nothing. */
function matchAt(expression: RegExp, text: string, at: number): string {
  expression.lastIndex = at;
  return expression.exec(text)?.[0] ?? '';
}
