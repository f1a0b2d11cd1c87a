import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { driftDoubts, type DriftingMetric, type Places } from '../../src/compare/drift.ts';
import { abba } from '../../src/search/ab/order.ts';

/** Where the runs of A B B A stand. */
function placesOf(repeats: number): Places {
  const order = abba(repeats).map(({ side }, place) => ({ side, place }));
  const of = (wanted: string): number[] => order.filter(({ side }) => side === wanted).map(({ place }) => place);
  return { base: of('base'), now: of('new') };
}

describe('a drift over the order of the runs', () => {
  const growing = (name: DriftingMetric['name'], { base, now }: Places): DriftingMetric => {
    const value = (place: number): number => 1.02 ** place * (1 + 0.001 * (place % 2));
    return { name, base: base.map(value), now: now.map((place) => 2 * value(place)), isFinite: true };
  };

  it('is named with its size, and A B B A keeps it out', () => {
    const places = placesOf(4);
    const constant = { ...growing('attainment', places), base: [1, 1, 1, 1], now: [1, 1, 1, 1] };
    const [doubt, ...others] = driftDoubts(
      [constant, growing('ttft.p50', places), growing('e2e.p50', places)],
      places,
      'paired',
    );
    assert.deepEqual(others, []);
    assert.deepEqual([doubt?.code, doubt?.blocks], ['drift', false]);
    assert.equal(
      doubt?.text,
      'TTFT p50 grew by 2.0 % a run over the 8 runs (and E2E p50 too); A B B A keeps that out of the comparison',
    );
  });

  it('blocks where the order does not keep it out: one side after the other, and always the same first', () => {
    const after = { base: [0, 1, 2, 3], now: [4, 5, 6, 7] };
    assert.equal(driftDoubts([growing('ttft.p50', after)], after, 'separate')[0]?.blocks, true);
    const inTurn = { base: [0, 2, 4, 6], now: [1, 3, 5, 7] };
    assert.equal(driftDoubts([growing('ttft.p50', inTurn)], inTurn, 'paired')[0]?.blocks, true);
    const three = placesOf(3);
    assert.equal(driftDoubts([growing('ttft.p50', three)], three, 'paired')[0]?.blocks, false);
  });

  it('is not looked for in exact runs, in too few, or where a value has no logarithm', () => {
    const places = placesOf(4);
    assert.deepEqual(driftDoubts([growing('ttft.p50', places)], places, 'exact'), []);
    assert.deepEqual(driftDoubts([{ ...growing('ttft.p50', places), isFinite: false }], places, 'paired'), []);
    const one = placesOf(1);
    assert.deepEqual(driftDoubts([growing('ttft.p50', one)], one, 'separate'), []);
  });
});
