import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { SeenIds } from '../../src/runs/seen-ids.ts';

test('an id that was seen is never new', () => {
  fc.assert(
    fc.property(fc.array(fc.string({ maxLength: 12 }), { maxLength: 3000, size: 'max' }), (ids) => {
      const seen = new SeenIds();
      for (const id of ids) seen.add(id);
      assert.ok(ids.every((id) => !seen.add(id)));
    }),
    { numRuns: 5 },
  );
});

test('ids that differ are new, numbered ones by the ten thousand too', () => {
  const seen = new SeenIds();
  for (const form of [(i: number) => `${i}`, (i: number) => `r${i}`, (i: number) => `chat-${i % 100}/${i}`])
    for (let i = 0; i < 20_000; i++) assert.ok(seen.add(form(i)), form(i));
});
