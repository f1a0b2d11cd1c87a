import assert from 'node:assert/strict';
import { test } from 'node:test';
import { contentKeys } from '../../../src/engine/kv/content-keys.ts';

function keys(pieces: readonly number[], pieceTokens: number, promptTokens: number, blockTokens: number): number[] {
  return [...contentKeys({ content: { pieces, pieceTokens }, promptTokens, generatedTokens: 0 }, blockTokens)];
}

test('whole blocks of what the pieces cover, and no others', () => {
  assert.equal(keys([1, 2], 4, 100, 4).length, 2);
  assert.equal(keys([1, 2], 4, 7, 4).length, 1);
  assert.equal(keys([1], 512, 512, 16).length, 32);
  assert.equal(keys([1, 2, 3], 5, 15, 4).length, 3);
  assert.deepEqual([...contentKeys({ content: null, promptTokens: 9, generatedTokens: 0 }, 1)], []);
});

test('a key stands for its whole prefix: equal before a difference, never behind it', () => {
  for (const [pieceTokens, blockTokens] of [
    [1, 16],
    [512, 16],
    [16, 16],
    [6, 4],
    [4, 6],
  ] as const) {
    const pieces = Array.from({ length: 48 }, (_, i) => i * 7);
    const tokens = 48 * pieceTokens;
    const base = keys(pieces, pieceTokens, tokens, blockTokens);
    for (const at of [0, 17, 47]) {
      const other = keys(pieces.with(at, 2 ** 52 + at), pieceTokens, tokens, blockTokens);
      const same = Math.floor((at * pieceTokens) / blockTokens);
      assert.deepEqual(other.slice(0, same), base.slice(0, same));
      assert.ok(other.slice(same).every((key, i) => key !== base[same + i]));
    }
  }
});

test('a piece that the prompt cuts short is another than the whole one, and equal to one cut at the same place', () => {
  assert.notDeepEqual(keys([7], 8, 6, 2), keys([7], 8, 8, 2).slice(0, 3));
  assert.notDeepEqual(keys([7], 8, 6, 2).slice(0, 2), keys([7], 8, 4, 2));
  assert.deepEqual(keys([5, 7], 8, 14, 2), keys([5, 7], 8, 14, 2));
});

test('keys of 300,000 different blocks are different, whole and exact', () => {
  const seen = new Set<number>();
  for (let i = 0; i < 3000; i++)
    for (const key of keys([i, ...Array.from({ length: 99 }, (_, j) => j % 3)], 1, 100, 1)) {
      assert.ok(Number.isSafeInteger(key - 1) && key > 0);
      seen.add(key);
    }
  assert.equal(seen.size, 300_000);
});
