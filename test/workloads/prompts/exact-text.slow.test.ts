import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import type { Request } from '../../../src/core/request.ts';
import { findAlphabet, promptMaker, readTokenizer, type TextSpec } from '../../../workloads/index.ts';
import { temporaryFolder } from '../../cli.ts';
import { common, request } from './requests.ts';
import { tokenizerJson, WORDS } from './tokenizers.ts';

const folder = temporaryFolder();
const BLOCK = 16;
const tokenizers = await Promise.all(
  (['Ġ', '▁'] as const).map(async (space) => {
    const name = space === 'Ġ' ? 'byte-level' : 'SentencePiece';
    const path = join(folder, `${name}.json`);
    writeFileSync(path, JSON.stringify(tokenizerJson({ space, words: WORDS })));
    const tokenizer = await readTokenizer(path);
    const effort = { pairs: 200, longTexts: 2 };
    const alphabet = await findAlphabet(name, async (text) => tokenizer.encode(text), tokenizer.words, effort);
    return { name, tokenizer, alphabet };
  }),
);

for (const { name, tokenizer, alphabet } of tokenizers) {
  const spec = (overheadTokens: number): TextSpec => ({ ...alphabet, overheadTokens, tokensPerWord: 1 });
  const make = (each: Request, overheadTokens = 0, seed = 1): string =>
    promptMaker({ seed, blockTokens: BLOCK, text: spec(overheadTokens) }).text(each);
  const encode = (text: string): readonly number[] => tokenizer.encode(text);

  describe(`texts for a ${name} tokenizer`, () => {
    it('are of all its words', () => {
      assert.equal(alphabet.first, 'The');
      assert.deepEqual([...alphabet.words].sort(), [...WORDS].sort());
    });

    it('are exactly as many tokens as asked, with what the server adds, encoded again', () => {
      for (let tokens = 1; tokens <= 600; tokens++)
        assert.equal(encode(make(request(`r${tokens}`, tokens))).length, tokens);
      fc.assert(
        fc.property(fc.integer({ min: 1, max: 3000 }), fc.nat({ max: 40 }), fc.string(), (tokens, overhead, id) => {
          const blocks = Array.from({ length: Math.ceil(tokens / BLOCK) }, (_, i) => i * 7 + id.length);
          for (const each of [request(id, tokens), request(id, tokens, blocks)])
            assert.equal(encode(make(each, overhead)).length, Math.max(1, tokens - overhead));
        }),
        { seed: 7, numRuns: 60 },
      );
    });

    it('begin with the same tokens exactly as far as their blocks are the same', () => {
      for (const overhead of [0, 1, 5, 30]) {
        const tokens = (id: string, count: number, blocks: readonly number[]): readonly number[] =>
          encode(make(request(id, count, blocks), overhead));
        const base = tokens('r0', 80, [1, 2, 3, 4, 5]);
        // What the server surely adds before the text stands for the first tokens of the first block.
        const shared = (blocks: number): number => blocks * BLOCK - Math.max(0, overhead - 16);
        assert.deepEqual(tokens('r1', 48, [1, 2, 3]), base.slice(0, 48 - overhead));
        assert.equal(common(base, tokens('r1', 80, [1, 2, 3, 8, 9])), shared(3));
        assert.equal(common(base, tokens('r1', 80, [1, 2, 9, 4, 5])), shared(2));
        assert.deepEqual(tokens('r1', 80, [1, 2, 3, 4, 5]), base);
      }
    });

    it('differ from one another right behind the first word, whatever the block', () => {
      const starts = Array.from({ length: 2000 }, (_, id) =>
        make(request('r', BLOCK, [id]))
          .split(' ')
          .slice(1, 7)
          .join(' '),
      );
      assert.equal(new Set(starts).size, starts.length);
    });

    it('are the same bytes each time, and other ones for another seed or request', () => {
      const each = request('r0', 300, [1, 2, 3]);
      assert.equal(make(each), make(each));
      assert.notEqual(make(each), make(each, 0, 2));
      assert.notEqual(make(each), make({ ...each, id: 'r1' }));
    });

    it('neither begin nor end with a space, which templates trim', () => {
      for (const tokens of [1, 2, 17]) assert.match(make(request('r', tokens)), /^The(?: [a-z]+)*$/);
    });
  });
}

describe('texts of words whose tokens are only known on average', () => {
  it('have as many words as make up the length, and share words as far as they share blocks', () => {
    for (const tokensPerWord of [0.8, 1.37, 2.5]) {
      const text = { first: 'The', words: WORDS, overheadTokens: 6.4, tokensPerWord };
      const words = (id: string, tokens: number, blocks?: readonly number[]): string[] =>
        promptMaker({ seed: 1, blockTokens: BLOCK, text })
          .text(request(id, tokens, blocks))
          .split(' ');
      for (let tokens = 10; tokens < 400; tokens += 13) {
        const made = words('r0', tokens);
        assert.ok(made.every((word) => word === 'The' || WORDS.includes(word)));
        const off = made.length * tokensPerWord + 6.4 - tokens;
        assert.ok(Math.abs(off) <= tokensPerWord / 2 + 1e-9, `${tokens} tokens: off by ${off}`);
      }
      const shared = common(words('r0', 400, [1, 2, 3]), words('r1', 400, [1, 2, 4]));
      assert.ok(Math.abs(shared * tokensPerWord - 2 * BLOCK) <= 2 * tokensPerWord, `${shared} words shared`);
    }
  });
});
