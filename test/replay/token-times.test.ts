import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import type { TokenCountSource } from '../../src/core/record.ts';
import type { ResponseInfo } from '../../src/core/target.ts';
import { settleTokenTimes, type TokenEvents } from '../../src/replay/token-times.ts';

const events = (list: readonly (readonly [time: number, count: number])[]): TokenEvents => ({
  times: Float64Array.from([...list.map(([time]) => time), 0, 0]),
  counts: Uint32Array.from([...list.map(([, count]) => count), 0, 0]),
  events: list.length,
});
const answer = (outputTokens: number | null, countSource: TokenCountSource | null): ResponseInfo => ({
  httpStatus: 200,
  finishReason: null,
  inputTokens: null,
  cachedTokens: null,
  outputTokens,
  reasoningTokens: null,
  countSource,
  phases: null,
});
const settle = (
  list: readonly (readonly [number, number])[],
  said: ResponseInfo | null,
): [number[], TokenCountSource | null] => {
  const { times, source } = settleTokenTimes(events(list), 100, said);
  return [[...times], source];
};

describe('settleTokenTimes', () => {
  it('gives the tokens of an event one time, from due, in whole microseconds', () =>
    assert.deepEqual(
      settle(
        [
          [110.4, 2],
          [120.6, 1],
        ],
        answer(3, 'token_ids'),
      ),
      [[10, 10, 21], 'token_ids'],
    ));
  it('leaves empty events out when the usage agrees with the texts', () =>
    assert.deepEqual(
      settle(
        [
          [110, 0],
          [120, 1],
          [130, 1],
        ],
        answer(2, 'chunks'),
      ),
      [[20, 30], 'usage'],
    ));
  it('takes empty events as tokens when that makes the usage right', () =>
    assert.deepEqual(
      settle(
        [
          [110, 0],
          [120, 1],
          [130, 1],
        ],
        answer(3, 'chunks'),
      ),
      [[10, 20, 30], 'usage'],
    ));
  it('spreads tokens over the events with text when a chunk held several', () =>
    assert.deepEqual(
      settle(
        [
          [110, 1],
          [120, 1],
          [130, 0],
        ],
        answer(6, 'chunks'),
      ),
      [[10, 10, 10, 20, 20, 20], 'usage'],
    ));
  it('knows nothing of an answer that never came', () => assert.deepEqual(settle([], null), [[], null]));
  it('counts texts when the server says nothing', () =>
    assert.deepEqual(
      settle(
        [
          [110, 1],
          [120, 0],
        ],
        null,
      ),
      [[10], 'chunks'],
    ));

  it('takes the final usage where it differs from what every event was counted by', () =>
    assert.deepEqual(
      settle(
        [
          [110, 2],
          [120, 1],
        ],
        answer(4, 'token_ids'),
      ),
      [[10, 10, 20, 20], 'usage'],
    ));
  it('does not believe that what came was nothing', () =>
    assert.deepEqual(settle([[110, 1]], answer(0, 'chunks')), [[10], 'chunks']));

  it('always gives as many times as the server counted, in order', () => {
    const list = fc
      .array(fc.tuple(fc.nat(1000), fc.nat(3)), { minLength: 1, maxLength: 20 })
      .map((rows) => rows.sort((a, b) => a[0] - b[0]));
    const source = fc.constantFrom('chunks', 'usage', 'token_ids');
    fc.assert(
      fc.property(list, fc.integer({ min: 1, max: 60 }), source, (rows, said, countSource) => {
        const [times] = settle(
          rows.map(([time, count]) => [time + 100, count]),
          answer(said, countSource),
        );
        assert.equal(times.length, said);
        assert.deepEqual(
          times,
          times.toSorted((a, b) => a - b),
        );
      }),
    );
  });
});
