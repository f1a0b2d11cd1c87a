import assert from 'node:assert/strict';
import { it } from 'node:test';
import { randomStream, standardNormal } from '../../src/core/random.ts';
import { changePoints } from '../../src/trend/e-divisive.ts';

function nights(seed: number, levels: readonly (readonly [level: number, nights: number])[]): number[] {
  const random = randomStream(seed, 'test', 'nights');
  return levels.flatMap(([level, count]) => Array.from({ length: count }, () => level + standardNormal(random)));
}

it('a shift of five deviations is dated to the night, with three nights behind it', () => {
  for (let seed = 1; seed <= 5; seed++)
    assert.deepEqual(
      changePoints(
        nights(seed, [
          [0, 30],
          [5, 3],
        ]),
      ).slice(-1),
      [30],
    );
});

it('several changes are found in order', () => {
  assert.deepEqual(
    changePoints(
      nights(2, [
        [0, 30],
        [6, 30],
        [0, 30],
      ]),
    ),
    [30, 60],
  );
});

it('nights of chance have a change in one of twenty series', () => {
  const found = Array.from({ length: 100 }, (_, i) => changePoints(nights(i, [[0, 25]])).length).filter((n) => n > 0);
  assert.ok(found.length <= 12, `${found.length} of 100`);
});

it('an infinite value is one far away; equal and few values have no change', () => {
  assert.deepEqual(changePoints([...nights(1, [[0, 20]]), ...Array.from({ length: 5 }, () => Infinity)]), [20]);
  assert.deepEqual(changePoints(Array.from({ length: 30 }, () => 1)), []);
  assert.deepEqual(changePoints([1, 2, 3]), []);
  assert.deepEqual(changePoints([]), []);
});
