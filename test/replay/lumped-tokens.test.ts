import assert from 'node:assert/strict';
import { it } from 'node:test';
import { lumpedTokens } from '../../src/replay/lumped-tokens.ts';

/** Events at these times in microseconds, each with so many tokens and a text. */
const lumped = (...events: readonly (readonly [us: number, tokens: number])[]): number =>
  lumpedTokens({
    times: Float64Array.from(events, ([us]) => us),
    counts: Uint32Array.from(events, ([, tokens]) => tokens),
    texts: new Uint8Array(events.length).fill(1),
    events: events.length,
  });

it('counts the tokens of three events at once or more, and no event of several tokens', () => {
  assert.equal(lumped([0, 1], [20_000, 1], [40_000, 1]), 0);
  assert.equal(lumped([0, 5], [20_000, 5], [40_000, 5]), 0);
  assert.equal(lumped([0, 1], [0, 1], [20_000, 1]), 0);
  assert.equal(lumped([0, 1], [0, 2], [200, 1], [20_000, 1]), 4);
  assert.equal(lumped([0, 1], [20_000, 1], [20_000, 1], [20_100, 1]), 3);
  assert.equal(lumped(), 0);
});
