import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { untilJson } from '../../src/serving/read-body.ts';

/** Cuts a text into pieces, by the lengths of `cuts` again and again. */
function pieces(text: string, cuts: readonly number[]): Buffer[] {
  const bytes = Buffer.from(text);
  const found: Buffer[] = [];
  for (let at = 0, i = 0; at < bytes.length; i++) {
    const length = cuts[i % cuts.length] ?? 1;
    found.push(bytes.subarray(at, at + length));
    at += length;
  }
  return found;
}

function parses(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

const cuts = fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 5 });
const container = fc.oneof(fc.dictionary(fc.string(), fc.jsonValue()), fc.array(fc.jsonValue()));

describe('a body of JSON', () => {
  it('is over with its last byte, wherever it is cut', () => {
    fc.assert(
      fc.property(container, cuts, fc.constantFrom('', ' ', '\r\n'), (value, lengths, before) => {
        const patience = untilJson();
        const found = pieces(before + JSON.stringify(value, null, 1), lengths).map(patience);
        assert.equal(found.pop(), 0);
        assert.ok(found.every((each) => each === null));
      }),
      { seed: 1, numRuns: 300 },
    );
  });

  it('is never over before: what ends it is JSON', () => {
    const odd = fc.array(fc.constantFrom('{', '}', '[', ']', '"', '\\', ',', ':', '1', 'a', ' ', '{}', '[]', '"a":1'));
    fc.assert(
      fc.property(odd, cuts, (texts, lengths) => {
        const patience = untilJson();
        let heard = '';
        for (const piece of pieces(texts.join(''), lengths)) {
          heard += piece.toString();
          if (patience(piece) === null) continue;
          assert.ok(parses(heard), heard);
          return;
        }
      }),
      { seed: 1, numRuns: 1000 },
    );
  });

  it('costs as much as it is long, though a value in it ends with each piece', () => {
    const piece = Buffer.from(',{}');
    const patience = untilJson();
    patience(Buffer.from('[{}'));
    const { user } = process.cpuUsage();
    for (let i = 0; i < 300_000; i++) assert.equal(patience(piece), null);
    assert.ok(process.cpuUsage().user - user < 5e6);
  });
});
