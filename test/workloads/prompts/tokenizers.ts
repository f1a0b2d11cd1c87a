/** Small tokenizers, written as the `tokenizer.json` of real ones is. */

const LETTERS = [...'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'];

/** Words of three letters, vowels in the middle: all differ. */
export const WORDS = [...'bcdfghklmnprstvw'].flatMap((first) =>
  [...'aeiou'].flatMap((vowel) => [...'dgnt'].map((last) => first + vowel + last)),
);

interface TokenizerOptions {
  /** How the vocabulary writes a space. */
  readonly space: 'Ġ' | '▁';
  /** Each of them is one token with a space before it. */
  readonly words: readonly string[];
  /** Tokens that are joined whatever stands between them. */
  readonly joined?: readonly (readonly [string, string])[];
}

/**
 * BPE whose merges build each word from its space on, letter by letter; `The` is a token without a space too. Byte-level
 * (`Ġ`) it splits before spaces, as GPT's and Llama 3's do; as SentencePiece's (`▁`) it puts a space before the text and
 * splits nothing, as Llama 2's does.
 */
export function tokenizerJson({ space, words, joined = [] }: TokenizerOptions): object {
  const merges: [string, string][] = [
    ['T', 'h'],
    ['Th', 'e'],
    [space, 'The'],
  ];
  const pieces = new Set(['<s>', '</s>', ...LETTERS, space, 'Th', 'The', `${space}The`]);
  for (const word of words)
    for (let at = 0; at < word.length; at++) {
      const [left, right] = [space + word.slice(0, at), word.charAt(at)];
      if (pieces.has(left + right)) continue;
      pieces.add(left + right);
      merges.push([left, right]);
    }
  for (const [left, right] of joined) {
    pieces.add(left + right);
    merges.push([left, right]);
  }
  const isByteLevel = space === 'Ġ';
  const special = (id: number, content: string): object => ({
    id,
    content,
    single_word: false,
    lstrip: false,
    rstrip: false,
    normalized: false,
    special: true,
  });
  return {
    version: '1.0',
    added_tokens: [special(0, '<s>'), special(1, '</s>')],
    normalizer: isByteLevel
      ? null
      : {
          type: 'Sequence',
          normalizers: [
            { type: 'Prepend', prepend: '▁' },
            { type: 'Replace', pattern: { String: ' ' }, content: '▁' },
          ],
        },
    pre_tokenizer: isByteLevel ? { type: 'ByteLevel', add_prefix_space: false, use_regex: true } : null,
    // As real ones do, it begins what it is asked to encode whole with a token of its own.
    post_processor: {
      type: 'TemplateProcessing',
      single: [{ SpecialToken: { id: '<s>', type_id: 0 } }, { Sequence: { id: 'A', type_id: 0 } }],
      pair: [],
      special_tokens: { '<s>': { id: '<s>', ids: [0], tokens: ['<s>'] } },
    },
    decoder: { type: isByteLevel ? 'ByteLevel' : 'Metaspace' },
    model: {
      type: 'BPE',
      unk_token: null,
      vocab: Object.fromEntries([...pieces].map((piece, id) => [piece, id])),
      merges,
    },
  };
}

/** An uncased WordPiece vocabulary: no piece says whether a space stood before it. */
export function wordPieceJson(words: readonly string[]): object {
  const pieces = ['[UNK]', 'the', ...words];
  return {
    version: '1.0',
    added_tokens: [],
    normalizer: { type: 'Lowercase' },
    pre_tokenizer: { type: 'Whitespace' },
    model: {
      type: 'WordPiece',
      unk_token: '[UNK]',
      continuing_subword_prefix: '##',
      max_input_chars_per_word: 100,
      vocab: Object.fromEntries(pieces.map((piece, id) => [piece, id])),
    },
    post_processor: null,
    decoder: { type: 'WordPiece', prefix: '##', cleanup: true },
  };
}
