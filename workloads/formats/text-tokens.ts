/** Counts the tokens of texts. */
export interface TextTokens {
  count(text: string): number;
  /** What counts them, for people; null: they are estimated from their characters. */
  readonly by: string | null;
}

/** What tokenizers of today make of English text on average; of code and other languages it is fewer. */
const CHARACTERS_A_TOKEN = 4;

/** Four characters a token, rounded up. */
export const BY_CHARACTERS: TextTokens = {
  count: (text) => Math.ceil(text.length / CHARACTERS_A_TOKEN),
  by: null,
};

/** The note on lengths of texts, for every format that has texts without token counts. */
export function lengthsNote(tokens: TextTokens): string {
  return tokens.by === null
    ? `lengths are estimates, ${CHARACTERS_A_TOKEN} characters a token; --tokenizer FILE counts them`
    : `lengths are counted by ${tokens.by}, without what a chat template adds`;
}
