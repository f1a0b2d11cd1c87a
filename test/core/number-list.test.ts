import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import { UserError } from '../../src/core/errors.ts';
import { parseNumbers } from '../../src/core/number-list.ts';

const read = (text: string, usualStep: number | null = null): number[] => parseNumbers(text, '--rates', usualStep);

describe('a list of numbers', () => {
  it('is a range by a step or by a factor, or a list', () => {
    assert.deepEqual(read('0.5..2/0.5'), [0.5, 1, 1.5, 2]);
    assert.deepEqual(read('1..16x2'), [1, 2, 4, 8, 16]);
    assert.deepEqual(read(' 4, 2,1 ,2'), [1, 2, 4]);
    assert.deepEqual(read('.8..1.1', 0.1), [0.8, 0.9, 1, 1.1]);
    assert.deepEqual(read('3'), [3]);
  });

  it('has both ends of a range, whatever the step', () => {
    assert.deepEqual(read('1..10/4'), [1, 5, 9, 10]);
    assert.deepEqual(read('1..10x2'), [1, 2, 4, 8, 10]);
    assert.deepEqual(read('2..2/1'), [2]);
  });

  it('names the part that is wrong, and what to write', () => {
    for (const [text, message] of [
      ['', /^--rates: a number is missing; write FROM/],
      ['1,,2', /a number is missing/],
      ['1,two', /"two" is not a number above 0/],
      ['0..2/1', /"0" is not a number above 0/],
      ['1..-2/1', /"-2" is not a number above 0/],
      ['1..2', /"1\.\.2" has no step; write e\.g\. 1\.\.2\/0\.5, or 1\.\.2x2/],
      ['1..2x1', /the factor of "1\.\.2x1" is 1; it has to be above 1/],
      ['4..2/1', /"4\.\.2\/1" ends below its start; write 2\.\.4/],
      ['1..2/0', /"0" is not a number above 0/],
      ['1..201/1', /"1\.\.201\/1" is more than 200 numbers/],
      ['1..2/1e-9', /"1e-9" is not a number above 0/],
    ] as const)
      assert.throws(() => read(text), { constructor: UserError, message });
    assert.equal(read('1..200/1').length, 200);
  });

  const number = fc.integer({ min: 1, max: 100_000 }).map((each) => each / 1000);

  it('is in ascending order, each once to six figures, with both ends, however it is given', () => {
    const step = fc.tuple(number, number, fc.constantFrom('/', 'x'), fc.integer({ min: 1, max: 197 }));
    fc.assert(
      fc.property(step, ([a, b, mark, count]) => {
        const [from, to] = [Math.min(a, b), Math.max(a, b)];
        const by = mark === '/' ? (to - from) / count : (to / from) ** (1 / count);
        // The option is read as text: no exponent.
        const text = by.toFixed(12);
        fc.pre(Number(text) > (mark === 'x' ? 1 : 0) && (mark === '/' ? from + by : from * by) > from * (1 + 1e-5));
        const numbers = read(`${from}..${to}${mark}${text}`);
        assert.deepEqual(
          [numbers[0], numbers.at(-1)],
          [from, to].map((end) => Number(end.toPrecision(6))),
        );
        assert.ok(numbers.length >= count && numbers.length <= count + 2, `${numbers.length} for ${count} steps`);
        for (const [i, each] of numbers.slice(1).entries()) assert.ok(each > (numbers[i] ?? Infinity));
        assert.equal(new Set(numbers.map((each) => each.toPrecision(6))).size, numbers.length);
      }),
    );
    fc.assert(
      fc.property(fc.array(number, { minLength: 1, maxLength: 200 }), (given) => {
        const numbers = read(given.join(','));
        assert.deepEqual(
          numbers,
          [...new Set(given.map((each) => Number(each.toPrecision(6))))].toSorted((a, b) => a - b),
        );
      }),
    );
  });

  it('is read or refused as a whole: no other text is taken for numbers', () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom(...'0123456789.,/x -ea') }), (text) => {
        try {
          const numbers = read(text, 0.1);
          assert.ok(numbers.length > 0 && numbers.length <= 200 && numbers.every((each) => each > 0));
        } catch (thrown) {
          assert.ok(thrown instanceof UserError);
        }
      }),
    );
  });
});
