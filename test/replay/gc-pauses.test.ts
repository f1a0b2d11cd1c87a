import assert from 'node:assert/strict';
import { it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { machineUs } from '../../src/core/wall-clock.ts';
import { GcPauses } from '../../src/replay/gc-pauses.ts';
import { collectGarbage } from '../../src/core/collect-garbage.ts';

it('a collection of garbage is seen with its time, and is part of the stall that it makes', async () => {
  const zeroUs = machineUs();
  const pauses = new GcPauses(() => zeroUs);
  pauses.start();
  // To be marked one by one, which takes well over 5 ms.
  const kept = Array.from({ length: 500_000 }, (_, i) => ({ i }));
  await sleep(5);
  const from_us = machineUs() - zeroUs;
  collectGarbage();
  const to_us = machineUs() - zeroUs;
  await sleep(20);
  pauses.stop();
  assert.equal(kept.length, 500_000);
  const { totalUs, longestUs, longestAtUs } = pauses.total;
  assert.ok(longestUs > 0 && totalUs >= longestUs, `${longestUs} of ${totalUs}`);
  assert.ok(longestAtUs >= 0 && longestAtUs + longestUs <= to_us + 1000, `at ${longestAtUs}, the end at ${to_us}`);
  const within = pauses.within({ from_us, to_us });
  assert.ok(within > 5000 && within <= to_us - from_us + 100, `${within} of ${to_us - from_us}`);
  assert.equal(pauses.within({ from_us: to_us + 1e6, to_us: to_us + 2e6 }), 0);
});
