import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { ByIndex } from '../../src/core/by-index.ts';

describe('values by their index', () => {
  it('are those of a map, whichever come and go', () => {
    const index = fc.oneof(
      fc.nat(5),
      fc.nat(5000),
      fc.constantFrom(1024, 2048, 4096, 65_536, 100_000, 131_072, 1_048_576, 2 ** 40),
    );
    fc.assert(
      fc.property(fc.array(fc.tuple(index, fc.boolean()), { maxLength: 200 }), (steps) => {
        const [values, truth] = [new ByIndex<string>(), new Map<number, string>()];
        for (const [at, goes] of steps) {
          if (goes) values.delete(at);
          else if (!truth.has(at)) values.set(at, `value ${at}`);
          if (goes) truth.delete(at);
          else truth.set(at, `value ${at}`);
          assert.equal(values.size, truth.size);
        }
        for (const [at] of steps) assert.equal(values.get(at), truth.get(at));
        assert.equal(values.get(7777), truth.get(7777));
      }),
    );
  });

  it('are few places for a few values, though one of them stays while a million others come and go', () => {
    const values = new ByIndex<number>();
    values.set(0, 0);
    for (let i = 1; i < 1_000_000; i++) {
      values.set(i, i);
      if (i > 40) values.delete(i - 40);
    }
    assert.deepEqual(
      [values.get(0), values.get(999_999), values.get(999_959), values.size],
      [0, 999_999, undefined, 41],
    );
    assert.deepEqual([...values.indices()].slice(0, 2), [0, 999_960]);
  });
});
