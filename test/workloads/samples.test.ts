import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { it } from 'node:test';
import { chatSample } from '../../scripts/make-samples.ts';
import { resolveWorkload, SAMPLES } from '../../workloads/index.ts';

it('the chat sample is what its script makes, to the byte', () => {
  assert.equal(readFileSync(resolveWorkload('chat'), 'utf8'), chatSample());
});

it('every sample is there; what is none is a path', () => {
  for (const name of Object.keys(SAMPLES)) assert.ok(existsSync(resolveWorkload(name)), name);
  assert.equal(resolveWorkload('traces/chat.csv'), 'traces/chat.csv');
});
