import assert from 'node:assert/strict';
import { it } from 'node:test';
import fc from 'fast-check';
import { EventQueue } from '../../src/core/event-queue.ts';

it('gives events in order of time, and of asking where times are equal', () => {
  const step = fc.oneof(fc.constant('pop' as const), fc.integer({ min: 0, max: 9 }));
  fc.assert(
    fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
      const queue = new EventQueue();
      const model: { time: number; sequence: number }[] = [];
      const popped: number[] = [];
      steps.forEach((time, sequence) => {
        if (time !== 'pop') {
          queue.push(time, () => popped.push(sequence));
          model.push({ time, sequence });
        } else if (queue.size > 0) {
          model.sort((a, b) => a.time - b.time || a.sequence - b.sequence);
          const expected = model.shift();
          assert.equal(queue.nextTime, expected?.time);
          queue.pop()();
          assert.equal(popped.at(-1), expected?.sequence);
        }
        assert.equal(queue.size, model.length);
      });
    }),
  );
  assert.equal(new EventQueue().nextTime, Number.POSITIVE_INFINITY);
  assert.throws(() => new EventQueue().pop(), RangeError);
  assert.throws(() => new EventQueue().push(Number.NaN, () => undefined), RangeError);
});
