import assert from 'node:assert/strict';
import { it } from 'node:test';
import { PhaseTimes } from '../../../src/engine/instance/phase-times.ts';

it('the wait before transfers is told apart, as a part of the wait to decode', () => {
  const times = new PhaseTimes();
  times.scheduled(10);
  times.prefilledUs = 30;
  assert.equal(times.bridgeQueueUs, null);
  times.left(30);
  times.transferBegins(33);
  times.arrived(38);
  times.scheduled(45);
  assert.equal(times.bridgeQueueUs, 3);
  assert.deepEqual(times.phases(0, 100), {
    prefill_queue_us: 10,
    prefill_us: 20,
    transfer_us: 5,
    decode_queue_us: 3 + 7,
    decode_us: 55,
  });
  times.left(100);
  times.transferBegins(101);
  assert.equal(times.bridgeQueueUs, 4);
});
