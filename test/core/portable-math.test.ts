import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { exp, ln, wholePower } from '../../src/core/portable-math.ts';

function near(ours: number, theirs: number): void {
  assert.ok(Math.abs(ours - theirs) <= 1e-12 * Math.abs(theirs), `${ours} is not ${theirs}`);
}

const double = (min: number, max: number): fc.Arbitrary<number> => fc.double({ min, max, noNaN: true });

describe('within 1e-12 of Math', () => {
  test('exp, wherever its value is a normal double', () => {
    fc.assert(
      fc.property(double(-708, 709.7), (x) => near(exp(x), Math.exp(x))),
      { numRuns: 2000 },
    );
    fc.assert(fc.property(double(-1e-3, 1e-3), (x) => near(exp(x), Math.exp(x))));
  });

  test('ln, for all doubles, and next to 1 where little is left of it', () => {
    fc.assert(
      fc.property(double(Number.MIN_VALUE, Number.MAX_VALUE), (x) => near(ln(x), Math.log(x))),
      { numRuns: 2000 },
    );
    fc.assert(fc.property(double(-1e-6, 1e-6), (x) => near(ln(1 + x), Math.log(1 + x))));
    near(ln(Number.MIN_VALUE), Math.log(Number.MIN_VALUE));
  });

  test('whole powers of shares', () => {
    fc.assert(
      fc.property(double(0, 1), fc.nat(4000), (base, power) => {
        const theirs = base ** power;
        if (theirs > 1e-300) near(wholePower(base, power), theirs);
        else assert.ok(wholePower(base, power) <= 1.001e-300);
      }),
    );
  });
});

test('each undoes the other', () => {
  fc.assert(fc.property(double(-700, 700), (x) => assert.ok(Math.abs(ln(exp(x)) - x) < 1e-12)));
});

test('at the ends', () => {
  assert.deepEqual([0, 710, Infinity, -746, -Infinity, Number.NaN].map(exp), [1, Infinity, Infinity, 0, 0, Number.NaN]);
  assert.deepEqual([1, 0, -1, Infinity, Number.NaN].map(ln), [0, -Infinity, Number.NaN, Infinity, Number.NaN]);
  assert.deepEqual(
    [wholePower(0, 0), wholePower(0, 3), wholePower(2, 1023), wholePower(2, 1024)],
    [1, 0, 2 ** 1023, Infinity],
  );
});

test('the same bits on every machine', () => {
  const values = [exp(1), exp(-0.123), ln(11), ln(0.3)];
  assert.deepEqual(values, [2.7182818284590455, 0.8842636625608209, 2.3978952727983707, -1.2039728043259361]);
});
