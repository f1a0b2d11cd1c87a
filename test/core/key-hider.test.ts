import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import { CUT, keyHider } from '../../src/core/key-hider.ts';
import { CODINGS, KEY, keyIn } from '../key-codings.ts';

const { hide, hideParts } = keyHider([KEY]);
const hex = (text: string): string => Buffer.from(text).toString('hex');
const base64 = (text: string): string => Buffer.from(text).toString('base64');

describe('keys are hidden', () => {
  for (const [coding, encode] of Object.entries(CODINGS))
    it(`in ${coding}`, () => {
      const said = `refused: ${encode(KEY)} is wrong, says 0xC0FFEE%`;
      const shown = hide(said);
      assert.match(shown, /^refused: .{0,3}\*\*\*.{0,12} is wrong, says 0xC0FFEE%$/s);
      assert.equal(hide(shown), shown);
    });

  it('wherever they stand, whatever stands around them, several at once', () => {
    const around = fc.string({ maxLength: 40, unit: fc.constantFrom(...'ab9 %\\0x<&;"\n=/+-_u') });
    const coding = fc.constantFrom(...Object.keys(CODINGS));
    fc.assert(
      fc.property(fc.array(fc.tuple(around, coding), { minLength: 1, maxLength: 3 }), around, (pieces, end) => {
        // A letter or a backslash before a key may make it part of an escape, which is another text.
        const said = pieces.map(([text, name]) => `${text} ${CODINGS[name]?.(KEY)} `).join('') + end;
        const shown = hide(said);
        assert.deepEqual(keyIn(shown), [], shown);
      }),
    );
  });

  it('of any characters, from eight on', () => {
    const key = fc
      .string({ minLength: 8, maxLength: 40, unit: 'grapheme-ascii' })
      .filter((text) => text.replaceAll(/[\s"'\\]/g, '').length >= 8);
    fc.assert(
      fc.property(key, (secret) => {
        const { hide: hider } = keyHider([secret]);
        for (const said of [secret, `a ${secret} b`, JSON.stringify(secret), `"${hex(secret)}"`]) {
          assert.ok(hider(said).includes('***'), said);
          assert.ok(!hider(said).includes(secret));
        }
        assert.ok(hider(`x ${encodeURIComponent(secret)} y`).includes('***'));
        assert.ok(hider(`x ${base64(`:${secret}:`)} y`).includes('***'));
      }),
    );
  });

  it('also where a part of a key looks like an escape', () => {
    for (const secret of ['pass<word>1&%41bcdef', '+c1%11*-*X9&)$^', 'a&lt;b&amp;c%20d"e']) {
      const { hide: hider } = keyHider([secret]);
      const html = secret.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
      const json = secret.replaceAll('&', '\\u0026').replaceAll('<', '\\u003c');
      for (const said of [secret, html, json, encodeURIComponent(secret)])
        assert.equal(hider(`bad key ${said} given`), 'bad key *** given', said);
    }
  });

  it('and nothing else', () => {
    const text = fc.string({
      maxLength: 200,
      unit: fc.oneof(
        fc.string({ unit: 'grapheme', maxLength: 3 }),
        fc.constantFrom('%41', '\\u0041', '&#65;', '0x41', '<br>'),
      ),
    });
    fc.assert(fc.property(text, (said) => assert.equal(hide(said), said)));
    assert.equal(keyHider(['short', '']).hide('short is shown'), 'short is shown');
    assert.equal(keyHider([]).hide('anything'), 'anything');
  });

  it('however far they are spread, beside others that are not', () => {
    const spread = [...KEY].join(' '.repeat(3000));
    for (const said of [
      spread,
      `${KEY} and ${spread}`,
      `${spread}${' '.repeat(70_000)}${KEY}`,
      `${'a '.repeat(40_000)}${KEY} ${spread}`,
    ])
      assert.deepEqual(keyIn(hide(said)), []);
  });

  it('also in part, where a text was cut', () => {
    for (const encode of [CODINGS['raw'], CODINGS['hex'], base64, CODINGS['JSON, every character']]) {
      assert.ok(encode !== undefined);
      const coded = encode(KEY);
      for (const share of [0.4, 0.7, 0.95]) {
        const head = coded.slice(0, Math.ceil(coded.length * share));
        const tail = coded.slice(-Math.ceil(coded.length * share));
        const isOpen = (shown: string): boolean => shown.includes(head.slice(0, 12)) || shown.includes(tail.slice(-12));
        assert.ok(!isOpen(hideParts(hide(`said ${head}`))), `said ${head}`);
        assert.ok(!isOpen(hideParts(hide(`said ${head}${CUT}and more`))));
        assert.ok(!isOpen(hideParts(hide(`said${CUT}${tail} and more`))));
      }
    }
    assert.equal(hideParts(hide('said sk-P')), 'said sk-P', 'a few characters tell nothing');
  });

  it('in a page of 1 MB within a quarter of a second of CPU', () => {
    const page = 'vllm:metric{model="meta-llama/Llama-3.1-8B",path="\\u0041%20"} 1\n'.repeat(2 ** 14);
    // The least of three: others take the cores, and the code is compiled at first.
    const us = Array.from({ length: 3 }, () => {
      const from = process.cpuUsage();
      assert.equal(hide(page), page);
      return process.cpuUsage(from).user;
    });
    assert.ok(Math.min(...us) < 0.25e6, `${us.join(', ')} us`);
  });
});
