import assert from 'node:assert/strict';
import { it } from 'node:test';
import { threadCount } from '../../src/search/threads.ts';

it('no more threads are started than there are questions, or than win anything, whatever is asked for', () => {
  assert.equal(threadCount(2, 2000, 2), 2);
  assert.equal(threadCount(2000, 3, 2), 3);
  assert.equal(threadCount(Number.MAX_SAFE_INTEGER, 2000, 2), 8);
});
