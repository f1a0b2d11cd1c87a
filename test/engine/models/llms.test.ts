import assert from 'node:assert/strict';
import { test } from 'node:test';
import { kvBytesPerToken, linearParameters, LLMS, weightBytes } from '../../../src/engine/models/llms.ts';

test('llama-3.1-8b comes out at its published size', () => {
  const llm = LLMS['llama-3.1-8b'];
  assert.equal((linearParameters(llm) / 1e9).toFixed(2), '6.98');
  assert.equal((weightBytes(llm) / 2e9).toFixed(2), '8.03');
  assert.equal(kvBytesPerToken(llm), 131_072);
});
