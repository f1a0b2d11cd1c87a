import assert from 'node:assert/strict';
import { setImmediate as afterPoll } from 'node:timers/promises';
import { describe, it } from 'node:test';
import { ReceiveQueue, type ReceiveClock, type UnreadStream } from '../../src/replay/receive-queue.ts';

/** A clock whose stamps count up from `us`, and which has the queue called after each poll as the real one does. */
function clockAt(us: number, due: () => void, busyPolling: boolean): ReceiveClock {
  let stampUs = us;
  let isAsked = false;
  const clock: ReceiveClock = {
    phase: () => 1000,
    stamp: () => {
      clock.pollAgain();
      return stampUs++;
    },
    due,
    busyPolling,
    reads: (work) => work(),
    onPolled: () => undefined,
    pollAgain: () => {
      if (isAsked) return;
      isAsked = true;
      setImmediate(() => {
        isAsked = false;
        clock.onPolled();
      });
    },
  };
  return clock;
}

/** A stream that writes down what it reads, and when the queue says that it came; `during` is called in each read. */
function stream(queue: ReceiveQueue, read: string[], during = (): void => undefined): UnreadStream {
  return {
    unread: 0,
    read: (bytes, from, to) => {
      read.push(`${bytes.toString('latin1', from, to)}@${queue.nowUs()}`);
      during();
    },
  };
}

function queueAt(us: number, due = (): void => undefined, busyPolling = false): ReceiveQueue {
  return new ReceiveQueue(clockAt(us, due, busyPolling));
}

const add = (queue: ReceiveQueue, to: UnreadStream, text: string): void =>
  queue.add(to, Buffer.from(`${text}...`), text.length);

describe('arrivals', () => {
  it('are read at the times they came, in their order, when nothing comes any more', async () => {
    const queue = queueAt(1);
    const read: string[] = [];
    const streams = Array.from({ length: 3 }, () => stream(queue, read));
    for (let i = 0; i < 18; i++) add(queue, streams[i % 3] ?? assert.fail(), `bytes ${i}`);
    await afterPoll();
    assert.deepEqual(read, [], 'bytes came in this poll: more may be there');
    add(queue, stream(queue, read), 'more');
    await afterPoll();
    assert.deepEqual(read, []);
    await afterPoll();
    assert.deepEqual(read, [...Array.from({ length: 18 }, (_, i) => `bytes ${i}@${i + 1}`), 'more@19']);
    assert.equal(queue.nowUs(), 1000, 'nothing is being read');
    assert.deepEqual(
      streams.map(({ unread }) => unread),
      [0, 0, 0],
    );
  });

  it('are read at once where they are few', async () => {
    const queue = queueAt(1);
    const read: string[] = [];
    for (const text of 'abcd') add(queue, stream(queue, read), text);
    assert.deepEqual(read, []);
    await afterPoll();
    assert.deepEqual(read, ['a@1', 'b@2', 'c@3', 'd@4']);
  });

  it('wait while the client polls, be they few, until a poll gives none', async () => {
    const queue = queueAt(1, undefined, true);
    const read: string[] = [];
    add(queue, stream(queue, read), 'a');
    await afterPoll();
    add(queue, stream(queue, read), 'b');
    await afterPoll();
    assert.deepEqual(read, []);
    await afterPoll();
    assert.deepEqual(read, ['a@1', 'b@2']);
  });

  it('are read a few at a time between two polls', async () => {
    const queue = queueAt(0);
    const read: string[] = [];
    for (let i = 0; i < 100; i++) add(queue, stream(queue, read), 'x');
    await afterPoll();
    const after: number[] = [];
    while (read.length < 100) {
      await afterPoll();
      after.push(read.length);
    }
    assert.deepEqual(after, [32, 64, 96, 100]);
    assert.deepEqual(
      read,
      Array.from({ length: 100 }, (_, i) => `x@${i}`),
    );
  });

  it('are read however much keeps coming, once too many wait', async () => {
    const queue = queueAt(0);
    const read: string[] = [];
    for (let i = 0; i < 100; i++) {
      for (let j = 0; j < 64; j++) add(queue, stream(queue, read), 'x');
      await afterPoll();
    }
    // All but 4096 and those that have come since the last poll.
    assert.ok(read.length >= 99 * 64 - 4096 && read.length <= 100 * 64 - 4096, `${read.length} were read`);
  });

  it('are read at once where there is no more room for them, each byte as it came', () => {
    const queue = queueAt(0);
    let [bytes, sum] = [0, 0];
    const sums: UnreadStream = {
      unread: 0,
      read: (buffer, from, to) => {
        bytes += to - from;
        for (let i = from; i < to; i += 1000) sum += buffer[i] ?? 0;
      },
    };
    const piece = Buffer.alloc(64 * 1024, 7);
    for (let i = 0; i < 200; i++) queue.add(sums, piece, piece.length);
    assert.ok(bytes > 150 * piece.length, `${bytes} were read`);
    queue.readAll();
    assert.deepEqual([bytes, sum, sums.unread], [200 * piece.length, 200 * 66 * 7, 0]);
    for (let i = 0; i < 20_000; i++) queue.add(sums, piece, 1);
    queue.readAll();
    assert.equal(bytes, 200 * piece.length + 20_000);
  });

  it('can all be read at once, also by what is being read', async () => {
    const queue = queueAt(1);
    const read: string[] = [];
    const first = stream(queue, read, () => queue.readAll());
    add(queue, first, 'a');
    add(queue, first, 'b');
    add(queue, stream(queue, read), 'c');
    await afterPoll();
    assert.deepEqual(read, ['a@1', 'b@2', 'c@3']);
    add(queue, first, 'd');
    queue.readAll();
    assert.deepEqual(read.slice(3), ['d@4']);
  });

  it('delay what is due by a few of them, which may read all others in their turn, or bring more', async () => {
    const read: string[] = [];
    const readBefore: number[] = [];
    const queue = queueAt(1, () => {
      readBefore.push(read.length);
      if (readBefore.length === 2) queue.readAll();
      if (readBefore.length === 3) add(queue, one, 'last');
    });
    const one = stream(queue, read);
    const expected = Array.from({ length: 20 }, (_, i) => `${i}@${i + 1}`);
    for (let i = 0; i < 20; i++) add(queue, one, String(i));
    queue.readAll();
    assert.deepEqual(read, expected);
    assert.deepEqual(readBefore, [4, 8]);
    for (let i = 0; i < 8; i++) add(queue, one, 'x');
    await afterPoll();
    while (one.unread > 0) await afterPoll();
    assert.deepEqual(readBefore.slice(2), [24, 28]);
    assert.equal(read.at(-1), 'last@29');
  });

  it('of one stream can be read out of turn, each once', () => {
    const queue = queueAt(1);
    const read: string[] = [];
    const [one, other] = [stream(queue, read), stream(queue, read)];
    for (const text of ['a', 'b', 'c']) {
      add(queue, one, text);
      add(queue, other, text.toUpperCase());
    }
    queue.readOf(other);
    assert.deepEqual(read, ['A@2', 'B@4', 'C@6']);
    queue.readOf(other);
    queue.readAll();
    assert.deepEqual(read.slice(3), ['a@1', 'b@3', 'c@5']);
  });
});
