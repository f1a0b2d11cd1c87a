import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import * as fc from 'fast-check';
import { VirtualClock } from '../../../src/core/virtual-clock.ts';
import { Batch } from '../../../src/engine/cost/batch.ts';
import { Link } from '../../../src/engine/hardware/link.ts';
import { pipeline } from '../../../src/engine/hardware/pipeline.ts';

const never = (): boolean => false;

describe('a link', () => {
  const shape = { bytesPerS: 1e9, latencyUs: 10, segmentUs: 2 }; // 1,000 bytes a microsecond

  test('shares its bandwidth among the transfers under way, and gives it back', async () => {
    const clock = new VirtualClock();
    const link = new Link(clock, shape);
    const ends: Record<string, number> = {};
    const send = (name: string, atUs: number, bytes: number, segments: number): void =>
      clock.at(atUs, () => link.send(bytes, segments, () => (ends[name] = clock.now())));
    send('long', 0, 300_000, 0); // alone from 10 to 110: 100,000 sent; half speed until the other is through
    send('short', 98, 50_000, 1); // moves from 110, at half speed: 100 us; the long one has sent 150,000 by then
    await clock.run(never);
    assert.deepEqual(ends, { short: 210, long: 360 });
  });

  test('a cancelled transfer is never heard of, and frees its share', async () => {
    const clock = new VirtualClock();
    const link = new Link(clock, shape);
    const ends: number[] = [];
    clock.at(0, () => {
      link.send(100_000, 0, () => ends.push(clock.now()));
      const gone = link.send(100_000, 0, () => assert.fail('was cancelled'));
      const early = link.send(100_000, 0, () => assert.fail('was cancelled'));
      early.cancel();
      clock.at(110, () => gone.cancel()); // half of the other is through
    });
    await clock.run(never);
    assert.deepEqual(ends, [160]);
  });

  test('any transfers: none faster than alone, and the link never idle while one is left', async () => {
    const transfer = fc.record({ atUs: fc.nat(1000), bytes: fc.integer({ min: 1, max: 500_000 }) });
    await fc.assert(
      fc.asyncProperty(fc.array(transfer, { minLength: 1, maxLength: 20 }), async (transfers) => {
        const clock = new VirtualClock();
        const link = new Link(clock, { ...shape, latencyUs: 0 });
        const ends = transfers.map(() => Number.NaN);
        for (const [i, { atUs, bytes }] of transfers.entries())
          clock.at(atUs, () => link.send(bytes, 0, () => (ends[i] = clock.now())));
        await clock.run(never);
        // A work-conserving link ends its last transfer when any order of service would.
        let freeUs = 0;
        for (const { atUs, bytes } of transfers.toSorted((a, b) => a.atUs - b.atUs))
          freeUs = Math.max(freeUs, atUs) + bytes / 1000;
        assert.ok(Math.abs(Math.max(...ends) - freeUs) < 1e-6);
        for (const [i, { atUs, bytes }] of transfers.entries())
          assert.ok((ends[i] ?? Number.NaN) >= atUs + bytes / 1000 - 1e-6);
      }),
    );
  });
});

describe('a pipeline', () => {
  test('batches follow one another: the next begins when the first stage is free, none overtakes', async () => {
    const clock = new VirtualClock();
    const executor = pipeline(clock, 3);
    const log: [string, number][] = [];
    const sizes = [10, 40, 5];
    const next = (): void => {
      const size = sizes.shift();
      if (size === undefined) return;
      executor.run(
        size,
        () => log.push([`done ${size}`, clock.now()]),
        () => {
          log.push([`free ${size}`, clock.now()]);
          next();
        },
        new Batch(),
      );
    };
    next();
    await clock.run(never);
    assert.deepEqual(log, [
      ['free 10', 10],
      ['done 10', 30],
      ['free 40', 50],
      ['free 5', 55],
      ['done 40', 130],
      ['done 5', 135], // held up in the second and third stage by the one before it
    ]);
  });
});
