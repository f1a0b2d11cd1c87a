import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { randomStream } from '../../../src/core/random.ts';
import { BlockNumbers } from '../../../workloads/inspect/block-numbers.ts';
import { LiveTouches } from '../../../workloads/inspect/live-touches.ts';
import { StackDistances } from '../../../workloads/inspect/stack-distances.ts';

/** Distances that rows of block ids are given to; `most`: blocks that are followed. */
function distancesOf(rows: readonly (readonly number[])[], most?: number): StackDistances {
  const distances = new StackDistances(most);
  const numbers = new BlockNumbers();
  for (const blocks of rows) {
    numbers.add(blocks);
    distances.add(blocks, numbers.row);
  }
  return distances;
}

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
/** Blocks of any kind, and prompts that go on from others, whose blocks were touched one behind the other. */
const row = fc.oneof(
  fc.uniqueArray(fc.nat(30), { maxLength: 8 }),
  fc
    .record({ from: fc.nat(20), length: fc.nat(8) })
    .map(({ from, length }) => Array.from({ length }, (_, i) => from + i)),
);

describe('hits in an LRU cache of every size', () => {
  it('are those of a cache of that size', () => {
    fc.assert(
      fc.property(fc.array(row, { maxLength: 40, size: 'max' }), (rows) => {
        const distances = distancesOf(rows);
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
    const distances = distancesOf([...rows, [1000], [1001], [1001]]);
    for (const { blocks, hit_ratio } of distances.curve([10, 60, 120]))
      assert.equal(Math.round(hit_ratio * 6003), hitsOf([...rows, [1000], [1001], [1001]], blocks));
    const { once, twice, ten_or_more } = distances.uses();
    assert.deepEqual([once, twice, ten_or_more], [1, 1, 150]);
  });

  it('of more blocks than are followed are near those of all', () => {
    const random = randomStream(2, 'stack');
    let next = 0;
    const rows = Array.from({ length: 6000 }, () => {
      // A conversation of some recent one: its blocks, and two more.
      const from = Math.max(0, next - 1 - (random() % 4000));
      return [from, from + 1, from + 2, next++, next++];
    });
    const [all, few] = [distancesOf(rows), distancesOf(rows, 2000)];
    assert.equal(all.sampled, 1);
    assert.ok(few.sampled < 1 && few.sampled > 0.05, `${few.sampled}`);
    const sizes = [500, 1000, 2000, 4000, 8000];
    const wanted = all.curve(sizes);
    for (const [i, { hit_ratio }] of few.curve(sizes).entries())
      assert.ok(Math.abs(hit_ratio - (wanted[i]?.hit_ratio ?? 0)) < 0.05, `${hit_ratio} for ${wanted[i]?.hit_ratio}`);
  });
});

it('touches that live are counted as a set counts them, in whatever order they come and go', () =>
  fc.assert(
    fc.property(
      fc.nat(600),
      fc.array(fc.integer({ min: 1, max: 2000 }), { maxLength: 400, size: 'max' }),
      (first, changed) => {
        const touches = new LiveTouches(2000, first);
        const live = new Set(Array.from({ length: first }, (_, i) => i + 1));
        for (const [i, touch] of changed.entries()) {
          if (live.delete(touch)) touches.remove(touch);
          else {
            live.add(touch);
            touches.add(touch);
          }
          const to = changed[i >> 1] ?? 0;
          assert.equal(touches.countTo(to), [...live].filter((each) => each <= to).length);
        }
      },
    ),
    { numRuns: 30 },
  ));
