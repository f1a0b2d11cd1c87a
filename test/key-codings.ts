/** A key as a hosted endpoint gives it: 26 characters. */
export const KEY = 'sk-Proj_9vQ2xW7rT4kLm0ZpYe';

const hex = (text: string): string => Buffer.from(text).toString('hex');
const base64 = (text: string): string => Buffer.from(text).toString('base64');
const perCharacter = (text: string, code: (unit: string) => string): string =>
  Array.from(text, (character) => code(character.charCodeAt(0).toString(16).padStart(2, '0'))).join('');

/** Each usual coding of a key. */
export const CODINGS: Readonly<Record<string, (key: string) => string>> = {
  raw: (key) => key,
  'upper case': (key) => key.toUpperCase(),
  'lower case': (key) => key.toLowerCase(),
  'URL, what needs it': encodeURIComponent,
  'URL, every character': (key) => perCharacter(key, (code) => `%${code}`),
  'URL, twice': (key) => encodeURIComponent(perCharacter(key, (code) => `%${code.toUpperCase()}`)),
  hex,
  HEX: (key) => hex(key).toUpperCase(),
  'hex with colons': (key) => hex(key).replaceAll(/..(?=.)/g, '$&:'),
  bytes: (key) => perCharacter(key, (code) => `0x${code}, `),
  '16-bit units': (key) => perCharacter(key, (code) => `0x00${code}, `),
  'decimal bytes': (key) => `[${[...Buffer.from(key)].join(', ')}]`,
  'hex of UTF-16': (key) => Buffer.from(key, 'utf16le').toString('hex'),
  'base64 of UTF-16': (key) => Buffer.from(`a${key}`, 'utf16le').toString('base64'),
  'hex escapes': (key) => perCharacter(key, (code) => `\\x${code}`),
  base64,
  'base64 behind one byte': (key) => base64(`:${key}`),
  'base64 behind two bytes': (key) => base64(`a:${key}`),
  'base64 between others': (key) => base64(`user:${key} and more`),
  base64url: (key) => Buffer.from(`?>${key}?>`).toString('base64url'),
  'base64 in lines': (key) => base64(`user:${key}`).replaceAll(/.{16}/g, '$&\r\n'),
  'base64 in a URL': (key) => encodeURIComponent(base64(`x${key}`)),
  JSON: (key) => JSON.stringify(key),
  'JSON, every character': (key) => perCharacter(key, (code) => `\\u00${code}`),
  'JavaScript, every character': (key) => perCharacter(key, (code) => `\\u{${code}}`),
  'JSON in JSON': (key) => JSON.stringify(JSON.stringify(perCharacter(key, (code) => `\\u00${code}`))),
  HTML: (key) => perCharacter(key, (code) => `&#x${code};`),
  'HTML, decimal': (key) => Array.from(key, (character) => `&#${character.charCodeAt(0)};`).join(''),
  'two lines': (key) => `${key.slice(0, 11)}\r\n    ${key.slice(11)}`,
  'two lines of JSON': (key) => `${key.slice(0, 11)}\\n${key.slice(11)}`,
  'two lines of HTML': (key) => `${key.slice(0, 11)}<br/>${key.slice(11)}`,
  'spaces in between': (key) => [...key].join(' '),
  'zero-width spaces': (key) => [...key].join('\u200B'),
};

const lettersOf = (text: string): string => text.replaceAll(/[^a-z0-9]/gi, '').toLowerCase();

/** The halves of the key in each coding. */
const HALVES = Object.entries(CODINGS).map(([name, encode]) => {
  const coded = lettersOf(encode(KEY));
  const half = Math.ceil(coded.length / 2);
  return { name, halves: [coded.slice(0, half), coded.slice(-half)] };
});

/** The codings in which a text still holds a key, or half of one. */
export function keyIn(text: string): string[] {
  const letters = lettersOf(text);
  return HALVES.filter(({ halves }) => halves.some((half) => letters.includes(half))).map(({ name }) => name);
}
