import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { randomStream } from '../../../src/core/random.ts';
import { StackDistances } from '../../../workloads/inspect/stack-distances.ts';

/** Leading blocks of each row that a cache of so many blocks holds; the least recently used go after each row. */
function hitsOf(rows: readonly (readonly number[])[], size: number): number {
  let cache: number[] = [];
  let hits = 0;
  for (const row of rows) {
    const miss = row.findIndex((id) => !cache.includes(id));
    hits += miss === -1 ? row.length : miss;
    for (const id of row) cache = [...cache.filter((each) => each !== id), id];
    cache = cache.slice(-size);
  }
  return hits;
}

const SIZES = [1, 2, 3, 5, 8, 13, 21, 100];
const row = fc.uniqueArray(fc.nat(30), { maxLength: 8 });

describe('hits in an LRU cache of every size', () => {
  it('are those of a cache of that size', () => {
    fc.assert(
      fc.property(fc.array(row, { maxLength: 40 }), (rows) => {
        const distances = new StackDistances();
        for (const blocks of rows) distances.add(blocks);
        const all = rows.flat().length;
        const curve = distances.curve(SIZES);
        for (const { blocks, hit_ratio } of curve)
          assert.equal(Math.round(hit_ratio * all), hitsOf(rows, blocks), `a cache of ${blocks}`);
        const enough = distances.enough;
        if (enough > 0) {
          assert.equal(hitsOf(rows, enough), hitsOf(rows, 1000));
          if (enough > 1) assert.ok(hitsOf(rows, enough - 1) < hitsOf(rows, 1000));
        }
      }),
    );
  });

  it('stay so when touches are numbered again, and blocks are used as often as they are', () => {
    const random = randomStream(1, 'stack');
    const rows = Array.from({ length: 2000 }, () => [random() % 50, 50 + (random() % 50), 100 + (random() % 50)]);
    const distances = new StackDistances();
    for (const blocks of rows) distances.add(blocks);
    for (const { blocks, hit_ratio } of distances.curve([10, 60, 120]))
      assert.equal(Math.round(hit_ratio * 6000), hitsOf(rows, blocks));
    distances.add([1000]);
    distances.add([1001]);
    distances.add([1001]);
    const { once, twice, ten_or_more } = distances.uses();
    assert.deepEqual([once, twice, ten_or_more], [1, 1, 150]);
  });

  it('of more blocks than are followed are near those of all', () => {
    const random = randomStream(2, 'stack');
    const [all, few] = [new StackDistances(), new StackDistances(2000)];
    let next = 0;
    for (let i = 0; i < 6000; i++) {
      // A conversation of some recent one: its blocks, and two more.
      const from = Math.max(0, next - 1 - (random() % 4000));
      const blocks = [from, from + 1, from + 2, next++, next++];
      all.add(blocks);
      few.add(blocks);
    }
    assert.equal(all.sampled, 1);
    assert.ok(few.sampled < 1 && few.sampled > 0.05, `${few.sampled}`);
    const sizes = [500, 1000, 2000, 4000, 8000];
    const wanted = all.curve(sizes);
    for (const [i, { hit_ratio }] of few.curve(sizes).entries())
      assert.ok(Math.abs(hit_ratio - (wanted[i]?.hit_ratio ?? 0)) < 0.05, `${hit_ratio} for ${wanted[i]?.hit_ratio}`);
  });
});
