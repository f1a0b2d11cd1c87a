import assert from 'node:assert/strict';
import { it } from 'node:test';
import * as fc from 'fast-check';
import type { Clock } from '../../src/core/clock.ts';
import { VirtualClock } from '../../src/core/virtual-clock.ts';
import { deadlines } from '../../src/replay/deadlines.ts';

/** Requests begin after these gaps, and end so long after that; they are numbered as they begin. */
const anyRequests = fc.array(fc.record({ gapUs: fc.nat(40), lastsUs: fc.nat(200) }), { minLength: 1, maxLength: 300 });

it('tells of each request that is open after its time, at that time, and of no other', () =>
  fc.assert(
    fc.asyncProperty(anyRequests, fc.integer({ min: 1, max: 150 }), async (requests, afterUs) => {
      const clock = new VirtualClock();
      const open = new Set<number>();
      const told: [index: number, us: number][] = [];
      const watched = deadlines(
        clock,
        afterUs,
        (index) => open.has(index),
        (index) => told.push([index, clock.now()]),
        (then) => then(),
      );
      const expected: typeof told = [];
      let beginUs = 0;
      requests.forEach(({ gapUs, lastsUs }, index) => {
        beginUs += gapUs;
        // Ends come first: one that ends just in time is not late.
        clock.at(beginUs + lastsUs, () => open.delete(index));
        if (lastsUs > afterUs) expected.push([index, beginUs + afterUs]);
      });
      beginUs = 0;
      requests.forEach(({ gapUs, lastsUs }, index) => {
        beginUs += gapUs;
        clock.at(beginUs, () => {
          if (lastsUs > 0) open.add(index);
          watched.add(index);
        });
      });
      await clock.run(() => false);
      assert.deepEqual(told, expected);
    }),
  ));

it('drops what is over of a long run, and goes on with the rest', async () => {
  const clock = new VirtualClock();
  const told: number[] = [];
  const watched = deadlines(
    clock,
    100,
    (index) => index % 1000 === 999,
    (index) => told.push(index),
    (then) => then(),
  );
  for (let i = 0; i < 10_000; i++) clock.at(i, () => watched.add(i));
  await clock.run(() => false);
  assert.deepEqual(
    told,
    Array.from({ length: 10 }, (_, i) => i * 1000 + 999),
  );
});

it('counts from when a request was sent, not from when it was due while the client stood still', () => {
  let presentUs = 0;
  const timers: number[] = [];
  const clock: Clock = {
    now: () => 0,
    read: () => presentUs,
    at: (timeUs) => void timers.push(timeUs),
    run: () => Promise.resolve(),
    wait: () => undefined,
  };
  const watched = deadlines(
    clock,
    100,
    () => true,
    () => assert.fail('too late'),
    () => assert.fail('no request is late'),
  );
  presentUs = 5000;
  watched.add(1);
  assert.deepEqual(timers, [5100]);
});

it('tells only of those that are still open once all that came has been reported, and waits for that once', async () => {
  const clock = new VirtualClock();
  const open = new Set([1, 2, 3]);
  const told: number[] = [];
  const reported: (() => void)[] = [];
  const watched = deadlines(
    clock,
    1000,
    (index) => open.has(index),
    (index) => told.push(index),
    (then) => void reported.push(then),
  );
  for (const index of open) watched.add(index);
  await clock.run(() => false);
  assert.deepEqual([told, reported.length], [[], 1]);
  open.delete(2);
  reported[0]?.();
  assert.deepEqual(told, [1, 3]);
});
