import assert from 'node:assert/strict';
import { test } from 'node:test';
import { activatedParameters, kvBytesPerToken, linearParameters, weightBytes } from '../../../src/engine/models/llm.ts';
import { LLMS, type LlmName } from '../../../src/engine/models/llms.ts';

/** Parameters in linear layers and in all, in billions, and bytes of KV a token: the published sizes. */
const SIZES: Readonly<Record<LlmName, readonly [linear: number, all: number, kvBytes: number]>> = {
  'llama-3.1-8b': [6.98, 8.03, 131_072],
  'llama-3-70b': [68.45, 70.55, 327_680],
  'llama-3.1-405b': [401.65, 405.85, 516_096],
  'llama-2-7b': [6.48, 6.74, 524_288],
  'llama-2-13b': [12.69, 13.02, 819_200],
  'llama-2-70b': [68.45, 68.98, 327_680],
  'mistral-7b': [6.98, 7.24, 131_072],
  'mixtral-8x7b': [46.44, 46.7, 131_072],
  'qwen2.5-3b': [2.77, 3.09, 36_864],
  'qwen2.5-7b': [6.53, 7.62, 57_344],
  'qwen2.5-14b': [13.21, 14.77, 196_608],
  'qwen2.5-32b': [31.21, 32.76, 262_144],
  'qwen2.5-72b': [70.21, 72.7, 327_680],
  'qwen3-30b-a3b': [29.9, 30.5, 98_304],
  'yi-34b': [33.47, 34.39, 245_760],
  'opt-13b': [12.58, 12.84, 819_200],
  'opt-66b': [65.23, 65.69, 2_359_296],
  'opt-175b': [173.95, 174.6, 4_718_592],
  'bloom-176b': [172.64, 176.23, 4_014_080],
};

for (const [name, llm] of Object.entries(LLMS))
  test(`${name} comes out at its published size`, () => {
    const sizes = Object.entries(SIZES).find(([known]) => known === name)?.[1];
    assert.ok(sizes);
    const [linear, all, kvBytes] = sizes;
    assert.ok(Math.abs(linearParameters(llm) / 1e9 - linear) < 0.006, `${linearParameters(llm)}`);
    assert.ok(Math.abs(weightBytes(llm) / 2e9 - all) < 0.04, `${weightBytes(llm)}`);
    assert.equal(kvBytesPerToken(llm), kvBytes);
  });

test('a token passes through the experts that it is published to: 12.9 B of Mixtral, 3.3 B of Qwen 3', () => {
  const withEmbeddings = (name: LlmName): number =>
    activatedParameters(LLMS[name]) + weightBytes(LLMS[name]) / 2 - linearParameters(LLMS[name]);
  assert.ok(Math.abs(withEmbeddings('mixtral-8x7b') / 1e9 - 12.9) < 0.05);
  assert.ok(Math.abs(withEmbeddings('qwen3-30b-a3b') / 1e9 - 3.3) < 0.1);
  assert.equal(activatedParameters(LLMS['mistral-7b']), linearParameters(LLMS['mistral-7b']));
});
