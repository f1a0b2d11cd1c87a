import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { UserError } from '../../../src/core/errors.ts';
import { COMMON_WORDS, findAlphabet, readTokenizer } from '../../../workloads/index.ts';
import { temporaryFolder } from '../../cli.ts';
import { tokenizerJson, wordPieceJson, WORDS } from './tokenizers.ts';

const folder = temporaryFolder();
const EFFORT = { pairs: 300, longTexts: 3 };

function file(name: string, content: unknown): string {
  const path = join(folder, name);
  writeFileSync(path, typeof content === 'string' ? content : JSON.stringify(content));
  return path;
}

async function alphabetOf(name: string, json: object, candidates?: readonly string[]): Promise<readonly string[]> {
  const { encode, words } = await readTokenizer(file(name, json));
  return (await findAlphabet(name, async (text) => encode(text), candidates ?? words, EFFORT)).words;
}

const refused = (pattern: RegExp) => (thrown: unknown) => thrown instanceof UserError && pattern.test(thrown.message);

describe('the words of a tokenizer', () => {
  it('are those of the candidates that are one token, found in few texts', async () => {
    const known = COMMON_WORDS.filter((_, i) => i % 3 > 0);
    const { encode } = await readTokenizer(file('some.json', tokenizerJson({ space: 'Ġ', words: known })));
    let calls = 0;
    const counted = async (text: string): Promise<readonly number[]> => {
      calls++;
      return encode(text);
    };
    const { words } = await findAlphabet('some', counted, COMMON_WORDS, { pairs: 8, longTexts: 4 });
    assert.ok(known.filter((word) => word !== 'the').every((word) => words.includes(word)));
    for (const word of words) assert.equal(encode(`The ${word}`).length, 2, word);
    assert.ok(calls < 20, `${calls} calls`);
  });

  it('are refused where there are too few of them', async () => {
    const few = tokenizerJson({ space: 'Ġ', words: WORDS.slice(0, 20) });
    await assert.rejects(
      alphabetOf('few.json', few),
      refused(/few\.json: 20 of 20 plain words .* need 64.*--tokenizer/),
    );
  });

  it('are refused where two of them become one token, by the words at fault', async () => {
    const joined = WORDS.slice(0, 40).flatMap((left) =>
      WORDS.slice(0, 40).map((right) => [`▁${left}`, `▁${right}`] as const),
    );
    const merging = tokenizerJson({ space: '▁', words: WORDS, joined });
    await assert.rejects(
      alphabetOf('merging.json', merging),
      refused(/merging\.json: "The [a-z]{3} [a-z]{3}" is 2 tokens where each of its 3 words alone is one/),
    );
  });

  it('are refused where no word can begin a text, or cases are not told apart', async () => {
    const none = async (text: string): Promise<readonly number[]> => [...text].map((letter) => letter.charCodeAt(0));
    await assert.rejects(
      findAlphabet('letters', none, WORDS, EFFORT),
      refused(/^letters: none of The, This.* one token/),
    );
    await assert.rejects(
      alphabetOf('uncased.json', wordPieceJson(WORDS)),
      refused(/uncased\.json: 0 of 0 plain words/),
    );
  });
});

describe('a tokenizer.json', () => {
  it('is read from its folder too, and a tokenizer_config.json beside it', async () => {
    const model = join(folder, 'model');
    mkdirSync(model);
    const json = tokenizerJson({ space: 'Ġ', words: WORDS });
    writeFileSync(join(model, 'tokenizer.json'), JSON.stringify(json));
    writeFileSync(join(model, 'tokenizer_config.json'), '{"tokenizer_class":"PreTrainedTokenizerFast"}');
    const inFolder = await readTokenizer(model);
    const alone = await readTokenizer(file('alone.json', json));
    assert.equal(inFolder.path, join(model, 'tokenizer.json'));
    assert.equal(inFolder.sha256, alone.sha256);
    assert.deepEqual(inFolder.encode('The bad cot'), alone.encode('The bad cot'));
    assert.equal(inFolder.encode('The bad cot').length, 3, 'without the token for the beginning');
  });

  const wrong: [what: string, path: string, names: RegExp][] = [
    ['is not there', join(folder, 'nope.json'), /nope\.json does not exist.*tokenizer\.json.*"server"/],
    ['is not JSON', file('text.json', 'no JSON'), /text\.json is not JSON/],
    ['is something else', file('config.json', { model_type: 'llama' }), /config\.json has no model\.vocab; expected/],
    [
      'lacks a part',
      file('part.json', { model: { type: 'BPE', vocab: {} } }),
      /part\.json cannot be used: .*decoder.*"server"/,
    ],
    ['is missing from its folder', file('x', '') && folder, /folder .* holds no tokenizer\.json/],
  ];
  for (const [what, path, names] of wrong)
    it(`that ${what} is named`, () => assert.rejects(readTokenizer(path), refused(names)));
});
