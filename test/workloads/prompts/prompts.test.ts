import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { randomStream } from '../../../src/core/random.ts';
import { promptMaker } from '../../../workloads/index.ts';
import { common, request } from './requests.ts';

const options = { seed: 1, blockTokens: 8 };
describe('prompts of token ids', () => {
  it('without blocks, or without their size, are drawn from the stream of the request alone', () => {
    const random = randomStream(1, 'prompt', 'r0');
    const own = Array.from({ length: 20 }, () => 256 + (random() % 1024));
    assert.deepEqual(promptMaker(options).ids(request('r0', 20)), own);
    assert.deepEqual(promptMaker({ seed: 1, blockTokens: null }).ids(request('r0', 20, [1, 2, 3])), own);
  });

  it('have exactly their length, of ids that name no special token', () => {
    for (const inputTokens of [1, 8, 17, 24, 30]) {
      const ids = promptMaker(options).ids(request('r0', inputTokens, [1, 2, 3].slice(0, Math.ceil(inputTokens / 8))));
      assert.equal(ids.length, inputTokens);
      assert.ok(ids.every((id) => Number.isInteger(id) && id >= 256 && id < 1280));
    }
  });

  it('begin alike exactly as far as their blocks do', () => {
    const base = promptMaker(options).ids(request('r0', 30, [1, 2, 3]));
    assert.equal(common(base, promptMaker(options).ids(request('r1', 24, [1, 2, 3]))), 24);
    assert.equal(common(base, promptMaker(options).ids(request('r1', 30, [1, 2, 3]))), 24, 'what follows is their own');
    assert.equal(common(base, promptMaker(options).ids(request('r1', 24, [1, 2, 4]))), 16);
    assert.equal(common(base, promptMaker(options).ids(request('r1', 24, [7, 2, 3]))), 0);
    assert.equal(common(base, promptMaker({ ...options, seed: 2 }).ids(request('r0', 30, [1, 2, 3]))) < 8, true);
  });

  it('share nothing with those of another salt, and inside of one salt all that their blocks share', () => {
    const [one, other] = ['one', 'other'].map((salt) => promptMaker({ ...options, salt }));
    assert.ok(one !== undefined && other !== undefined);
    const blocks = [1, 2, 3];
    for (const each of [request('r0', 30, blocks), request('r0', 30), request('r0', 14, [1, 2])]) {
      assert.deepEqual(one.ids(each), promptMaker({ ...options, salt: 'one' }).ids(each));
      for (const salted of [other, promptMaker(options)]) assert.equal(common(one.ids(each), salted.ids(each)), 0);
      // The first word of all texts is the same.
      assert.equal(common(one.text(each).split(' '), other.text(each).split(' ')), 1);
    }
    assert.equal(common(one.ids(request('r0', 30, blocks)), one.ids(request('r1', 30, blocks))), 24);
    const many = Array.from({ length: 5000 }, (_, i) => i * 997);
    const ids = one.ids(request('r0', many.length * 8, many));
    assert.equal(new Set(many.map((_, i) => ids.slice(i * 8, i * 8 + 3).join(' '))).size, many.length);
  });

  it('of a block that is not full are equal where it is as full', () => {
    const base = promptMaker(options).ids(request('r0', 14, [1, 2]));
    assert.deepEqual(promptMaker(options).ids(request('r1', 14, [1, 2])), base);
    const fuller = promptMaker(options).ids(request('r1', 15, [1, 2]));
    assert.ok(common(base, fuller) >= 8 && common(base, fuller) < 14);
  });

  it('differ in the first three tokens of any two blocks, with ids of clipped ones too', () => {
    const blocks = [...Array.from({ length: 5000 }, (_, i) => i * 997), 2 ** 52 + 3];
    const ids = promptMaker(options).ids(request('r0', blocks.length * 8, blocks));
    const firsts = new Set(blocks.map((_, i) => ids.slice(i * 8, i * 8 + 3).join(' ')));
    assert.equal(firsts.size, blocks.length);
  });
});

describe('prompts of words', () => {
  it('begin alike exactly as far as their blocks do, and have a word for each token', () => {
    const words = (id: string, blocks: readonly number[]): string[] =>
      promptMaker(options)
        .text(request(id, 20, blocks))
        .split(' ');
    const base = words('r0', [1, 2, 3]);
    assert.equal(base.length, 20);
    assert.deepEqual(words('r1', [1, 2, 3]), base);
    assert.equal(common(base, words('r1', [1, 9, 3])), 8);
  });
});
