import assert from 'node:assert/strict';
import { it } from 'node:test';
import * as fc from 'fast-check';
import type { ScheduledRequest } from '../../src/core/target.ts';
import { DueQueue } from '../../src/replay/due-queue.ts';
import { collectGarbage } from '../../src/core/collect-garbage.ts';

function scheduled(index: number, dueUs: number): ScheduledRequest {
  const request = { id: `r${index}`, traceRow: index + 1, dueUs, inputTokens: 1, outputTokens: 1 };
  return { index, request, dueUs, calls: [] };
}

it('gives requests in order of due time, equal ones as they came, however they are put in and taken out', () => {
  const step = fc.oneof({ weight: 3, arbitrary: fc.nat(50) }, { weight: 2, arbitrary: fc.constant('take' as const) });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
      const queue = new DueQueue();
      const held: ScheduledRequest[] = [];
      let index = 0;
      for (const each of steps) {
        if (each !== 'take') {
          const request = scheduled(index++, each);
          queue.push(request);
          held.push(request);
          held.sort((a, b) => a.dueUs - b.dueUs || a.index - b.index);
        } else if (held.length > 0) assert.equal(queue.shift(), held.shift());
        assert.equal(queue.size, held.length);
        assert.deepEqual(queue.all(), held);
        assert.equal(queue.nextUs, held[0]?.dueUs ?? Infinity);
      }
    }),
  );
});

it('drops what was sent of a long trace', () => {
  const queue = new DueQueue();
  for (let i = 0; i < 10_000; i++) {
    queue.push(scheduled(i, i));
    assert.equal(queue.shift().index, i);
  }
  assert.throws(() => queue.shift(), RangeError);
});

it('keeps nothing of a request that was taken out: its body may be large', async () => {
  const queue = new DueQueue();
  const kept = Array.from({ length: 20 }, (_, i) => {
    const request = scheduled(i, i);
    queue.push(request);
    return new WeakRef(request);
  });
  for (let i = 0; i < 19; i++) queue.shift();
  await new Promise((resolve) => setTimeout(resolve, 1));
  collectGarbage();
  assert.equal(kept.filter((request) => request.deref() !== undefined).length, 1);
  assert.equal(queue.size, 1);
});
