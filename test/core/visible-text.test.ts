import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import { visibleLine, visibleLines } from '../../src/core/visible-text.ts';

const any = fc.string({
  unit: fc.oneof(
    fc.constantFrom('\u001B', '\r', '\n', '\t', '\u009B', '\u202E', '\u200F', '\uD800', '\u{E0041}', '\u2028'),
    fc.string({ unit: 'binary', minLength: 1, maxLength: 1 }),
  ),
  maxLength: 50,
});
const UNSEEN = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u;

describe('text for a terminal', () => {
  it('shows what is not seen, and leaves all else as it is', () => {
    assert.equal(visibleLines('a\u001B[31mb\r\n\tc\u202Ed'), 'a\\u001b[31mb\\u000d\n\tc\\u202ed');
    assert.equal(visibleLine('a\nb\tc'), 'a\\u000ab\\u0009c');
    assert.equal(visibleLine('\u{E0041}'), '\\udb40\\udc41');
    fc.assert(
      fc.property(any, (text) => {
        assert.ok(!UNSEEN.test(visibleLine(text)));
        assert.ok(!UNSEEN.test(visibleLines(text).replaceAll(/[\n\t]/g, '')));
        if (!UNSEEN.test(text)) assert.equal(visibleLine(text), text);
        assert.equal(visibleLine(visibleLine(text)), visibleLine(text));
      }),
    );
  });

  it('of JSON is the same JSON', () => {
    fc.assert(
      fc.property(fc.jsonValue(), any, (value, text) => {
        const json = JSON.stringify({ value, [text]: text }, null, 2);
        assert.deepEqual(JSON.parse(visibleLines(json)), JSON.parse(json));
      }),
    );
  });
});
