import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import { isWholeName, textsFrom } from '../../src/core/outside-text.ts';
import { CODINGS, KEY, keyIn } from '../key-codings.ts';

const texts = textsFrom({
  headers: { authorization: `Bearer ${KEY}`, accept: 'application/json' },
  secrets: ['hunter-2-hunter'],
});
// oxlint-disable-next-line no-control-regex -- What a terminal would obey.
const UNSEEN = /[\u0000-\u001F\u007F-\u009F\u200B-\u200F\u2028-\u202E\u2066-\u2069\uFEFF]/;

describe("a server's text on its way into memory", () => {
  it('has no key in any coding, and nothing that a terminal obeys, and is bounded', () => {
    const piece = fc.oneof(
      fc.string({ unit: 'binary', maxLength: 20 }),
      fc.constantFrom(...Object.values(CODINGS).map((encode) => ` ${encode(KEY)} `)),
      fc.constantFrom('\u001B[2J', '\u202E', '\u009B', ' '.repeat(400), 'x'.repeat(300)),
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 5 }), (pieces) => {
        const said = pieces.join('');
        for (const [shown, most] of [
          [texts.name(said), 256],
          [texts.quoted(said), 300],
        ] as const) {
          assert.deepEqual(keyIn(shown), []);
          assert.ok(!UNSEEN.test(shown), JSON.stringify(shown));
          assert.ok(shown.length <= most);
          assert.ok(shown.isWellFormed());
        }
        assert.deepEqual(keyIn(texts.page(said)), []);
      }),
      { numRuns: 15 },
    );
  });

  it('is cut only after its keys are hidden, wherever the cut falls', () => {
    for (let before = 0; before <= 600; before += 9) {
      const said = `${'a '.repeat(before / 2)}${KEY} ${'b '.repeat(200)}`;
      assert.deepEqual(keyIn(texts.quoted(said)), []);
      assert.deepEqual(keyIn(texts.name(said)), []);
      // As the body of an error is: the rest of the key was never read.
      for (const length of [8, 13, 20])
        assert.deepEqual(keyIn(texts.quoted(`${'a '.repeat(before)}${KEY.slice(0, length)}`)), []);
    }
  });

  it('shows no part of a key beside any cut, wherever its own cut falls', () => {
    for (const coding of ['raw', 'hex', 'base64', 'URL, every character'] as const) {
      const coded = CODINGS[coding]?.(KEY) ?? '';
      const [head, tail] = [coded.slice(0, coded.length * 0.7), coded.slice(coded.length * 0.3)];
      for (let behind = 0; behind <= 140; behind += 3) {
        const said = `${'a '.repeat(200)}${head} ... ${tail} ${'b'.repeat(behind)}`;
        assert.deepEqual(keyIn(texts.quoted(said)), [], coding);
      }
    }
  });

  it('is as it was where there is nothing to hide', () => {
    for (const name of ['meta-llama/Llama-3.1-8B-Instruct', '0.10.2+cu128', 'length', 'モデル-7b', ''])
      assert.equal(texts.name(name), name);
    assert.equal(texts.quoted(' two\n lines\t'), 'two lines');
    assert.equal(texts.quoted('it is application/json'), 'it is application/json', 'a header that holds no key');
  });

  it('of JSON: names and values at any depth, numbers as they are', () => {
    const json = { [KEY]: [KEY, 12_345_678, null, true, { deep: `x ${KEY}` }], hunter: 'HUNTER-2-HUNTER' };
    assert.deepEqual(texts.json(json), { '***': ['***', 12_345_678, null, true, { deep: 'x ***' }], hunter: '***' });
    let nested: unknown = KEY;
    for (let i = 0; i < 100_000; i++) nested = [nested];
    assert.doesNotThrow(() => texts.json(nested));
  });

  it('says of a name whether it can be sent back', () => {
    for (const name of ['llama', 'a\\b', 'x'.repeat(256)]) assert.ok(isWholeName(texts.name(name)), name);
    for (const name of [KEY, `m-${KEY}`, 'x'.repeat(257), 'a\u001B[2J', 'a\u202Eb'])
      assert.ok(!isWholeName(texts.name(name)), name);
  });
});

it('a text of nothing but what looks like cuts is quoted at once', () => {
  const from = process.cpuUsage();
  for (let i = 0; i < 5; i++) texts.quoted(`${i}${' ... '.repeat(20_000)}${KEY.slice(0, 15)} ... `);
  const { user } = process.cpuUsage(from);
  assert.ok(user < 0.5e6, `${user} us (a busy machine may fail this: run it alone)`);
});

it('keys of headers are found by their words, and what basic authentication is made of', () => {
  const basic = Buffer.from('admin:correct-horse').toString('base64');
  const heard = textsFrom({ headers: { authorization: `Basic ${basic}`, cookie: 'session=0123456789ab; path=/' } });
  assert.equal(heard.quoted('correct-horse'), '***');
  assert.equal(heard.quoted(`not ${basic}`), 'not ***');
  assert.equal(heard.quoted('no 0123456789AB'), 'no ***');
});
