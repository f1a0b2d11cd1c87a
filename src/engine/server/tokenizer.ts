/** Every output token is this one: clients count and time tokens, they do not read them. */
export const TOKEN_TEXT = ' token';
export const TOKEN_ID = 4037;

/** The usual rule of thumb for English: the engine has no model's tokenizer. */
const CHARACTERS_PER_TOKEN = 4;
/** An id has 13 bits for each of its characters, which tells ASCII and most alphabets apart; 52 bits are exact. */
const CHARACTER_VALUES = 8192;

/** One id for every four characters: texts with the same beginning have the same first ids. */
export function tokenize(text: string): number[] {
  const ids: number[] = [];
  for (let at = 0; at < text.length; at += CHARACTERS_PER_TOKEN) {
    let id = 0;
    for (let i = at; i < Math.min(at + CHARACTERS_PER_TOKEN, text.length); i++)
      id = id * CHARACTER_VALUES + (text.charCodeAt(i) & (CHARACTER_VALUES - 1));
    ids.push(id);
  }
  return ids;
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
