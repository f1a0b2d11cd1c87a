import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { WaitingQueue } from '../../../src/engine/instance/waiting-queue.ts';

test('behaves as an array does under any mix of push, prepend, remove and sort', () => {
  const action = fc.oneof(
    fc.constant({ do: 'push' as const, at: 0 }),
    fc.constant({ do: 'prepend' as const, at: 0 }),
    fc.constant({ do: 'sort' as const, at: 0 }),
    fc.record({ do: fc.constant('remove' as const), at: fc.oneof(fc.constant(0), fc.nat(100)) }),
  );
  fc.assert(
    fc.property(fc.array(action, { maxLength: 200 }), (actions) => {
      const queue = new WaitingQueue<number>();
      const model: number[] = [];
      for (const [item, step] of actions.entries()) {
        if (step.do === 'push') {
          model.push(item);
          queue.push(item);
        } else if (step.do === 'prepend') {
          model.unshift(item);
          queue.prepend(item);
        } else if (step.do === 'sort') {
          const asked: number[] = [];
          queue.sort((each) => {
            asked.push(each);
            return each % 3 === 0 ? Number.POSITIVE_INFINITY : each % 3;
          });
          assert.deepEqual(asked, model);
          // In this order by key, and as before among equals.
          const sorted = [1, 2, 0].flatMap((rest) => model.filter((each) => each % 3 === rest));
          model.splice(0, model.length, ...sorted);
        } else if (model.length > 0) {
          const [gone = -1] = model.splice(step.at % model.length, 1);
          queue.remove(gone);
        }
        assert.deepEqual(
          Array.from({ length: queue.length }, (_, i) => queue.at(i)),
          model,
        );
      }
    }),
  );
});

test('refuses to remove what is not there', () => {
  const queue = new WaitingQueue<number>();
  queue.push(1);
  queue.remove(1);
  assert.throws(() => queue.remove(1), /not in the queue/);
});
