import assert from 'node:assert/strict';
import { it } from 'node:test';
import * as fc from 'fast-check';
import { queriesNeeded } from '../../src/results/peers/early-stopping.ts';

it('has the floors of MLPerf', () => {
  const floors = [0.9, 0.95, 0.97, 0.99, 0.999].map((p) => queriesNeeded(0, p));
  assert.deepEqual(floors, [64, 130, 219, 662, 6636]);
  assert.equal(queriesNeeded(1, 0.99), 662);
});

/** P(X <= over) of so many trials, term by term from none. */
function tail(over: number, queries: number, q: number): number {
  let term = (1 - q) ** queries;
  let total = 0;
  for (let i = 0; i <= over; i++) {
    total += term;
    term *= ((queries - i) * q) / ((i + 1) * (1 - q));
  }
  return total;
}

it('passes with the fewest queries at which the chance of so few over the limit is below 1 %', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 60 }), fc.constantFrom(0.9, 0.95, 0.99), (over, p) => {
      const needed = queriesNeeded(over, p);
      assert.ok(tail(over, needed, 1 - p) < 0.01, `${needed} are too few`);
      assert.ok(tail(over, needed - 1, 1 - p) >= 0.01, `${needed - 1} would do`);
    }),
    { numRuns: 60 },
  );
});
