import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import { targetOfRepeat } from '../../../src/search/ab/noise-seeds.ts';
import { abba, SIDES } from '../../../src/search/ab/order.ts';

const NOISY = 'reference:vllm-v1,model=llama-3.1-8b,noise=0.03';

describe('the order of the runs', () => {
  it('is A B B A', () => {
    const text = abba(5).map(({ side, repeat }) => `${side === 'base' ? 'A' : 'B'}${repeat}`);
    assert.equal(text.join(' '), 'A1 B1 B2 A2 A3 B3 B4 A4 A5 B5');
  });

  it('has each repeat of the one beside that of the other, and both as late on the average within half a run', () => {
    fc.assert(
      fc.property(fc.integer({ min: 2, max: 40 }), (repeats) => {
        const order = abba(repeats);
        const placesOf = (side: string): number[] => order.flatMap((at, place) => (at.side === side ? [place] : []));
        const [a, b] = SIDES.map(placesOf);
        assert.ok(a !== undefined && b !== undefined);
        for (const [i, place] of a.entries()) assert.equal(Math.floor(place / 2), Math.floor((b[i] ?? -1) / 2));
        const mean = (places: readonly number[]): number => places.reduce((x, y) => x + y, 0) / places.length;
        const apart = Math.abs(mean(a) - mean(b));
        assert.ok(repeats % 2 === 0 ? apart === 0 : apart <= 1 / repeats + 1e-9, `${repeats}: ${apart}`);
      }),
    );
  });
});

describe('the target of a repeat', () => {
  it('is as given, but that noise gets a seed that no other repeat has', () => {
    const seeds = abba(3).map((place) => /,seed=(\d+)$/.exec(targetOfRepeat(NOISY, place))?.[1]);
    assert.deepEqual(seeds, ['1', '2', '4', '3', '5', '6']);
    for (const text of ['http://127.0.0.1:8000', 'reference', 'reference:sglang,seed=7'])
      assert.equal(targetOfRepeat(text, { side: 'new', repeat: 2 }), text);
  });

  it('has seeds from that of the user on', () => {
    for (const text of [`${NOISY},seed=10`, 'reference:vllm-v1,seed=10,model=llama-3.1-8b,noise=0.03'])
      assert.equal(targetOfRepeat(text, { side: 'new', repeat: 2 }), `${NOISY},seed=13`);
    assert.equal(
      targetOfRepeat('reference:seed=4,run_noise=0.1', { side: 'base', repeat: 1 }),
      'reference:run_noise=0.1,seed=4',
    );
  });
});
