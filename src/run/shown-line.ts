import { withoutQueryValues } from '../core/secrets.ts';
import { shownBodyText } from './extra-body.ts';

/** What may be shown of the values of options that may hold keys. */
const SHOWN: Readonly<Record<string, (value: string) => string>> = {
  '--header': (value) => value.replace(/:.*/s, ': ***'),
  '--extra-body': shownBodyText,
  '--target': shownUrl,
  '--ready': shownUrl,
};

/** A command line for files and reports, without the keys that it may hold. */
export function shownLine(line: readonly string[]): string[] {
  return line.map((word, i) => {
    const [, option = '', value = ''] = /^(--[\w-]+)=(.*)/s.exec(word) ?? [];
    const joined = shownOf(option);
    if (joined !== null) return `${option}=${joined(value)}`;
    return shownOf(line[i - 1] ?? '')?.(word) ?? word;
  });
}

function shownOf(option: string): ((value: string) => string) | null {
  return Object.hasOwn(SHOWN, option) ? (SHOWN[option] ?? null) : null;
}

function shownUrl(text: string): string {
  return /^https?:/i.test(text) ? withoutQueryValues(text) : text;
}
