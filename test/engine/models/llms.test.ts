import assert from 'node:assert/strict';
import { test } from 'node:test';
import { kvBytesPerToken, linearParameters, LLMS, weightBytes, type LlmName } from '../../../src/engine/models/llms.ts';

/** Parameters in linear layers and in all, in billions, and bytes of KV a token: the published sizes. */
const SIZES: Readonly<Record<LlmName, readonly [linear: number, all: number, kvBytes: number]>> = {
  'llama-3.1-8b': [6.98, 8.03, 131_072],
  'llama-3-70b': [68.45, 70.55, 327_680],
  'mistral-7b': [6.98, 7.24, 131_072],
  'qwen2.5-3b': [2.77, 3.09, 36_864],
  'qwen2.5-7b': [6.53, 7.62, 57_344],
  'qwen2.5-14b': [13.21, 14.77, 196_608],
  'opt-13b': [12.58, 12.84, 819_200],
  'opt-66b': [65.23, 65.69, 2_359_296],
  'opt-175b': [173.95, 174.6, 4_718_592],
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
