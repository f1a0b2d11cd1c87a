/** Every output token is this one: clients count and time tokens, they do not read them. */
export const TOKEN_TEXT = ' token';
export const TOKEN_ID = 4037;

/** The usual rule of thumb for English: the engine has no model's tokenizer. */
const CHARACTERS_PER_TOKEN = 4;
/** An id has 13 bits for each of its characters, which tells ASCII and most alphabets apart; 52 bits are exact. */
const CHARACTER_VALUES = 8192;

/**
 * One id for every four characters, and the id of an output token for each of those, so that a prompt that goes on from an
 * answer begins with its ids: texts with the same beginning have the same first ids.
 */
export function tokenize(text: string): number[] {
  const ids: number[] = [];
  let at = 0;
  for (;;) {
    const output = text.indexOf(TOKEN_TEXT, at);
    const end = output === -1 ? text.length : output;
    for (; at < end; at += CHARACTERS_PER_TOKEN) ids.push(idOf(text, at, Math.min(at + CHARACTERS_PER_TOKEN, end)));
    if (output === -1) return ids;
    ids.push(TOKEN_ID);
    at = output + TOKEN_TEXT.length;
  }
}

function idOf(text: string, from: number, to: number): number {
  let id = 0;
  for (let i = from; i < to; i++) id = id * CHARACTER_VALUES + (text.charCodeAt(i) & (CHARACTER_VALUES - 1));
  return id;
}

/** The text whose ids `tokenize` gives, as far as ids tell characters apart. */
export function detokenize(ids: readonly number[]): string {
  return ids.map(textOf).join('');
}

function textOf(id: number): string {
  if (id === TOKEN_ID) return TOKEN_TEXT;
  let text = '';
  for (let left = id; left > 0; left = Math.floor(left / CHARACTER_VALUES))
    text = String.fromCharCode(left % CHARACTER_VALUES) + text;
  return text;
}
