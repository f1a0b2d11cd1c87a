import assert from 'node:assert/strict';
import { it } from 'node:test';
import { busiestSecond } from '../../src/replay/busiest.ts';
import type { ClientSample } from '../../src/schema/client-sample.ts';

const sample = (timeS: number, tokens: number, sent: number, in_flight: number): ClientSample => ({
  time_us: timeS * 1e6,
  in_flight,
  due: sent,
  sent,
  tokens,
  lateness_max_us: 0,
  event_loop_delay_max_us: 0,
  cpu_us: 0,
  polling_us: 0,
  reading_us: 0,
  core_wait_us: 0,
  rss_bytes: 0,
  gc_us: 0,
  unread_max_us: 0,
});

it('is the most of each in its own second, and a last one that is no second does not count', () => {
  const samples = [
    sample(1, 100, 50, 20),
    sample(2, 5100, 60, 40),
    sample(3, 7100, 160, 30),
    sample(3.1, 9100, 260, 90),
  ];
  assert.deepEqual(busiestSecond(samples), { tokens_per_s: 5000, requests_per_s: 100, streams: 40 });
  assert.equal(busiestSecond([]), undefined);
});
