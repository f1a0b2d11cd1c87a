import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import type { HasText } from '../../src/core/target.ts';
import { TokenLogs, type TokenLog } from '../../src/replay/token-log.ts';
import { TEXT, UNKNOWN_TEXT } from '../../src/replay/token-times.ts';

interface Event {
  readonly us: number;
  readonly count: number;
  readonly hasText: HasText;
}

const alike = fc.record({ us: fc.nat(), count: fc.constant(1), hasText: fc.constant(true) });
const any = fc.record({ us: fc.nat(), count: fc.nat(3), hasText: fc.constantFrom<HasText>(true, false, 'unknown') });
/** Rooms around the powers of two, and beyond what shares an array. */
const room = fc.oneof(fc.integer({ min: 1, max: 70 }), fc.constantFrom(16_384, 16_385));
const request = fc.record({
  room,
  events: fc.array(fc.oneof({ weight: 9, arbitrary: alike }, any), { maxLength: 80 }),
});

describe('the events of requests in flight', () => {
  it('are those of each request, however many others take, outgrow and give back their room', () => {
    fc.assert(
      fc.property(fc.array(fc.array(request, { maxLength: 8 }), { maxLength: 5 }), (rounds) => {
        const logs = new TokenLogs();
        for (const requests of rounds) {
          const open = requests.map((of): [TokenLog, readonly Event[]] => [logs.open(of.room), of.events]);
          const most = Math.max(0, ...open.map(([, events]) => events.length));
          for (let i = 0; i < most; i++)
            for (const [log, events] of open) {
              const event = events[i];
              if (event !== undefined) logs.add(log, event.us, event.count, event.hasText);
            }
          for (const [log, events] of open) {
            const found = logs.eventsOf(log);
            const at = (values: ArrayLike<number>): number[] =>
              Array.from({ length: found.events }, (_, i) => values[i] ?? -1);
            assert.deepEqual(
              [at(found.times), at(found.counts), at(found.texts)],
              [
                events.map(({ us }) => us),
                events.map(({ count }) => count),
                events.map(({ hasText }) => (hasText === 'unknown' ? UNKNOWN_TEXT : hasText ? TEXT : 0)),
              ],
            );
          }
          for (const [log] of open) logs.close(log);
        }
      }),
    );
  });

  it('take no more memory where one request follows another', () => {
    const logs = new TokenLogs();
    const arrays = new Set<Float64Array>();
    for (let i = 0; i < 10_000; i++) {
      const log = logs.open(1 + (i % 16_000));
      arrays.add(log.times);
      logs.close(log);
    }
    assert.equal(arrays.size, 1);
  });
});
