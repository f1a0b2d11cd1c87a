import assert from 'node:assert/strict';
import { it } from 'node:test';
import { counted } from '../../workloads/index.ts';
import { exampleSource, requestsOf } from './temporary-files.ts';

it('tells how far a source has been read, and changes nothing of it', async () => {
  const source = exampleSource(Array.from({ length: 25 }, (_, i) => i));
  const lines: string[] = [];
  const read = await requestsOf(counted(source, (text) => lines.push(text), 10).open());
  assert.deepEqual(read, await requestsOf(source.open()));
  assert.deepEqual(lines, ['example: 12 requests read', 'example: 20 requests read']);
});
