import assert from 'node:assert/strict';
import { setImmediate as afterPoll } from 'node:timers/promises';
import { describe, it } from 'node:test';
import { ReceiveQueue, type UnreadStream } from '../../src/replay/receive-queue.ts';

/** A stream whose pieces came at `timesUs`; writes down when it says that each was read. */
function stream(
  arrivals: ReceiveQueue,
  timesUs: number[],
  read: number[],
  during = (): void => undefined,
): UnreadStream {
  return {
    read: (atUs) => {
      for (const us of timesUs.splice(0)) {
        atUs(us);
        read.push(arrivals.nowUs());
        during();
      }
    },
  };
}

describe('arrivals', () => {
  const clock = { phase: () => 1000, catchUp: () => undefined, worked: () => undefined };

  it('are read at the times they came, in the order of streams, when nothing comes any more', async () => {
    const arrivals = new ReceiveQueue(clock);
    const read: number[] = [];
    arrivals.add(stream(arrivals, [1, 3], read));
    for (const us of [4, 5, 6, 7]) arrivals.add(stream(arrivals, [us], read));
    await afterPoll();
    assert.deepEqual(read, [], 'bytes came in this poll: more may be there');
    arrivals.add(stream(arrivals, [2], read));
    await afterPoll();
    assert.deepEqual(read, []);
    await afterPoll();
    assert.deepEqual(read, [1, 3, 4, 5, 6, 7, 2]);
    assert.equal(arrivals.nowUs(), 1000, 'nothing is being read');
  });

  it('are read at once where they are few', async () => {
    const arrivals = new ReceiveQueue(clock);
    const read: number[] = [];
    for (const us of [1, 2, 3, 4]) arrivals.add(stream(arrivals, [us], read));
    assert.deepEqual(read, []);
    await afterPoll();
    assert.deepEqual(read, [1, 2, 3, 4]);
  });

  it('are read a few streams between two polls', async () => {
    const arrivals = new ReceiveQueue(clock);
    const read: number[] = [];
    for (let i = 0; i < 100; i++) arrivals.add(stream(arrivals, [i], read));
    await afterPoll();
    const after: number[] = [];
    while (read.length < 100) {
      await afterPoll();
      after.push(read.length);
    }
    assert.deepEqual(after, [32, 64, 96, 100]);
    assert.deepEqual(
      read,
      Array.from({ length: 100 }, (_, i) => i),
    );
  });

  it('are read however much keeps coming, once too many wait', async () => {
    const arrivals = new ReceiveQueue(clock);
    const read: number[] = [];
    for (let i = 0; i < 100; i++) {
      for (let j = 0; j < 64; j++) arrivals.add(stream(arrivals, [i], read));
      await afterPoll();
    }
    // All but 4096 and those that have come since the last poll.
    assert.ok(read.length >= 99 * 64 - 4096 && read.length <= 100 * 64 - 4096, `${read.length} were read`);
  });

  it('can all be read at once, also by what is being read', async () => {
    const arrivals = new ReceiveQueue(clock);
    const read: number[] = [];
    arrivals.add(stream(arrivals, [1, 2], read, () => arrivals.readAll()));
    arrivals.add(stream(arrivals, [3], read));
    arrivals.add(stream(arrivals, [4], read));
    await afterPoll();
    await afterPoll();
    assert.deepEqual(read, [1, 3, 4, 2], 'a stream that asked for the others goes on at its own times');
    arrivals.add(stream(arrivals, [5], read));
    arrivals.readAll();
    assert.deepEqual(read.slice(4), [5]);
  });
});
