import assert from 'node:assert/strict';
import { test } from 'node:test';
import { EmissionLog } from '../../../src/engine/server/emission-log.ts';

const keptIds = (log: EmissionLog): string[] => [...log.lines()].map((line) => JSON.parse(line).request_id);

test('keeps times as they are, one line a request', () => {
  const log = new EmissionLog();
  log.add('a"b', [1.25, 2.5]);
  assert.deepEqual(JSON.parse(log.find('a"b') ?? ''), { request_id: 'a"b', emitted_us: [1.25, 2.5] });
  assert.equal(log.find('other'), undefined);
});

test('forgets the oldest beyond its number of requests', () => {
  const log = new EmissionLog({ requests: 2, times: 100 });
  for (const id of ['a', 'b', 'c']) log.add(id, [1]);
  assert.deepEqual(keptIds(log), ['b', 'c']);
});

test('forgets the oldest beyond its number of times, and counts what it has forgotten', () => {
  const log = new EmissionLog({ requests: 100, times: 5 });
  for (const id of ['a', 'b', 'c']) log.add(id, [1, 2]);
  assert.deepEqual(keptIds(log), ['b', 'c']);
  log.add('d', [1]);
  assert.deepEqual(keptIds(log), ['b', 'c', 'd']);
});

test('of requests with the same id, keeps the last', () => {
  const log = new EmissionLog({ requests: 100, times: 5 });
  for (let i = 0; i < 10; i++) log.add('a', [i, i, i]);
  log.add('b', [1, 2]);
  assert.deepEqual(keptIds(log), ['a', 'b']);
  assert.deepEqual(JSON.parse(log.find('a') ?? '').emitted_us, [9, 9, 9]);
});
