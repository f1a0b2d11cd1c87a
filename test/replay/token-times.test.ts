import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import type { TokenCountSource } from '../../src/core/record.ts';
import type { ResponseInfo } from '../../src/core/target.ts';
import { settleTokenTimes, type TokenEvents } from '../../src/replay/token-times.ts';

type Event = readonly [time: number, count: number, hasText?: boolean];

/** Slabs are longer than what came. */
const events = (list: readonly Event[]): TokenEvents => ({
  times: Float64Array.from([...list.map(([time]) => time), 0, 0]),
  counts: Uint32Array.from([...list.map(([, count]) => count), 0, 0]),
  texts: Uint8Array.from([...list.map(([, count, hasText]) => ((hasText ?? count > 0) ? 1 : 0)), 0, 0]),
  events: list.length,
});
const answer = (
  outputTokens: number | null,
  countSource: TokenCountSource | null,
  more: Partial<ResponseInfo> = {},
): ResponseInfo => ({
  httpStatus: 200,
  finishReason: null,
  inputTokens: null,
  cachedTokens: null,
  outputTokens,
  reasoningTokens: null,
  countSource,
  phases: null,
  ...more,
});
const ASKED = 8;
const settle = (
  list: readonly Event[],
  said: ResponseInfo | null,
  asked = ASKED,
): [times: number[], source: TokenCountSource | null, hidden: number | null, reported: number | null] => {
  const { times, source, hidden, reported } = settleTokenTimes(events(list), asked, 100, said);
  return [[...times], source, hidden, reported];
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
      [[10, 10, 21], 'token_ids', null, null],
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
      [[20, 30], 'usage', null, null],
    ));
  it('takes empty events behind the first text as tokens when that makes the usage right', () =>
    assert.deepEqual(
      settle(
        [
          [110, 1],
          [120, 0],
          [130, 1],
        ],
        answer(3, 'chunks'),
      ),
      [[10, 20, 30], 'usage', null, null],
    ));
  it('takes no empty event before the first text for a token, unless no text comes', () => {
    const opened: Event[] = [
      [110, 0],
      [320, 1],
      [330, 1],
    ];
    assert.deepEqual(settle(opened, answer(3, 'chunks')), [[220, 220, 230], 'usage', null, null]);
    const empty: Event[] = [
      [110, 0],
      [120, 0],
      [130, 0],
    ];
    assert.deepEqual(settle(empty, answer(2, null))[0], [10, 20]);
    assert.deepEqual(settle(empty, answer(4, null)), [[], null, null, 4], 'more tokens than events, and no text');
    assert.deepEqual(settle([[110, 4, false]], answer(4, 'usage')), [[], null, null, 4]);
    const grown: Event[] = [
      [110, 2, false],
      [120, 2, false],
    ];
    assert.deepEqual(settle(grown, answer(4, 'usage')), [[10, 10, 20, 20], 'usage', null, null]);
  });
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
      [[10, 10, 10, 20, 20, 20], 'usage', null, null],
    ));
  it('knows nothing of an answer that never came', () => assert.deepEqual(settle([], null), [[], null, null, null]));
  it('counts texts when the server says nothing', () =>
    assert.deepEqual(
      settle(
        [
          [110, 1],
          [120, 0],
        ],
        null,
      ),
      [[10], 'chunks', null, null],
    ));

  const two: Event[] = [
    [110, 2],
    [120, 1],
  ];
  it('takes ids for the count where the usage says otherwise, and keeps what it says', () => {
    assert.deepEqual(settle(two, answer(4, 'token_ids')), [[10, 10, 20], 'token_ids', null, 4]);
    assert.deepEqual(settle(two, answer(1, 'token_ids')), [[10, 10, 20], 'token_ids', null, 1]);
  });
  it('takes the last usage for the count where the usage before it was less', () =>
    assert.deepEqual(settle(two, answer(4, 'usage')), [[10, 10, 20, 20], 'usage', null, null]));
  it('does not believe that what came was nothing', () =>
    assert.deepEqual(settle([[110, 1]], answer(0, 'chunks')), [[10], 'chunks', null, 0]));

  it('has no fewer tokens than texts, each at the time of its own, and keeps what the server says', () =>
    assert.deepEqual(
      settle(
        [
          [110, 1],
          [120, 1],
          [130, 1],
        ],
        answer(2, 'chunks'),
      ),
      [[10, 20, 30], 'chunks', null, 2],
    ));

  it('counts texts again that a usage counted until it turned out wrong', () =>
    assert.deepEqual(
      settle(
        [
          [105, 2, false],
          [110, 3, true],
          [120, 1],
        ],
        answer(2, 'chunks'),
      ),
      [[10, 20], 'usage', null, null],
    ));

  it('believes no more than was asked for or came, and allocates nothing by what is only said', () => {
    for (const said of [9, 100_000, 2 ** 31 - 1]) {
      assert.deepEqual(
        settle(
          [
            [110, 1],
            [120, 1],
          ],
          answer(said, 'chunks'),
        ),
        [[10, 20], 'chunks', null, said],
      );
      assert.deepEqual(settle(two, answer(said, 'usage')), [[10, 10, 20], 'usage', null, said]);
    }
    assert.deepEqual(
      settle(
        [
          [110, 16e6],
          [120, 1],
        ],
        answer(16e6, 'usage'),
      ),
      [[10, 20], 'chunks', null, 16e6],
    );
    const more = Array.from({ length: 12 }, (_, i) => [110 + i, 1] as const);
    assert.equal(settle(more, answer(12, 'chunks'))[0].length, 12, 'more than asked for really came');
  });

  it('takes the total where the count leaves reasoning out', () => {
    const four: Event[] = [
      [110, 1],
      [120, 1],
      [130, 1],
      [140, 1],
    ];
    const times = [10, 20, 30, 40];
    assert.deepEqual(settle(four, answer(2, 'chunks', { outputTokensByTotal: 4 })), [times, 'usage', null, null]);
    assert.deepEqual(settle(four, answer(2, 'chunks', { outputTokensByTotal: 2 })), [times, 'chunks', null, 2]);
    const merged = answer(4, 'chunks', { outputTokensByTotal: 8, reasoningTokens: 4 });
    assert.equal(settle(four, merged)[0].length, 8);
    const unrelated = answer(4, 'chunks', { outputTokensByTotal: 8, reasoningTokens: 1 });
    assert.deepEqual(settle(four, unrelated), [times, 'usage', null, null]);
  });

  it('takes unknown texts for output where the count has room for them or there is none, but for one beside others', () => {
    const rows = (unknown: number, known: number): TokenEvents => {
      const all = events(Array.from({ length: unknown + known }, (_, i) => [110 + i, i < unknown ? 0 : 1]));
      all.texts.fill(2, 0, unknown);
      return all;
    };
    const count = (list: TokenEvents, said: number | null): number =>
      settleTokenTimes(list, ASKED, 100, said === null ? answer(null, 'chunks') : answer(said, 'chunks')).times.length;
    assert.deepEqual([count(rows(4, 4), 8), count(rows(4, 4), null), count(rows(8, 0), null)], [8, 8, 8]);
    assert.deepEqual([count(rows(4, 4), 4), count(rows(1, 4), 4), count(rows(1, 4), null)], [4, 4, 4]);
    assert.deepEqual([...settleTokenTimes(rows(3, 4), ASKED, 100, answer(4, 'chunks')).times], [13, 14, 15, 16]);
  });

  it('does not believe that just what was asked for came where the answer stopped by itself with far fewer texts', () => {
    const four: Event[] = [110, 120, 130, 140].map((time) => [time, 1]);
    const times = [10, 20, 30, 40];
    const stopped = { finishReason: 'stop' };
    const jumping: Event[] = four.map(([time], i) => [time, i === 3 ? 5 : 1]);
    const merged: Event[] = four.map(([time]) => [time, 2]);
    assert.deepEqual(settle(four, answer(8, 'chunks', stopped)), [times, 'chunks', null, 8]);
    assert.deepEqual(settle(jumping, answer(8, 'usage', stopped)), [times, 'chunks', null, 8]);
    for (const [rows, said, source, more] of [
      [four, 8, 'chunks', { finishReason: 'length' }],
      [jumping, 8, 'usage', { finishReason: 'length' }],
      [merged, 8, 'usage', stopped],
      [four, 7, 'chunks', stopped],
      [jumping, 8, 'token_ids', stopped],
    ] as const)
      assert.equal(settle(rows, answer(said, source, more))[0].length, said, `${said} by ${source}`);
  });

  it('keeps reasoning that was counted and not sent apart, and not tokens that share an event', () => {
    const three: Event[] = [
      [110, 1],
      [120, 1],
      [130, 1],
    ];
    const times = [10, 20, 30];
    const hiding = { reasoningTokens: 4, reasoningTexts: 0 };
    assert.deepEqual(settle(three, answer(7, 'chunks', hiding)), [times, 'usage', 4, null]);
    assert.deepEqual(settle(three, answer(7, 'token_ids', hiding)), [times, 'token_ids', 4, null]);
    assert.deepEqual(settle(three, answer(5000, 'chunks', { ...hiding, reasoningTokens: 4997 })), [
      times,
      'usage',
      4997,
      null,
    ]);
    assert.equal(settle(three, answer(7, 'chunks', { reasoningTokens: 4, reasoningTexts: null }))[0].length, 7);
    // A running count has them before its first text.
    const counted: Event[] = [
      [110, 5],
      [120, 1],
      [130, 1],
    ];
    assert.deepEqual(settle(counted, answer(7, 'usage', hiding)), [times, 'usage', 4, null]);
    const shared: Event[] = [
      [110, 3],
      [120, 2],
      [130, 2],
    ];
    assert.deepEqual(settle(shared, answer(7, 'usage', hiding)), [[10, 10, 10, 20, 20, 30, 30], 'usage', null, null]);
  });

  it('takes reasoning in far fewer events than it has tokens for a summary, unless all tokens come merged', () => {
    const five: Event[] = [110, 120, 130, 140, 150].map((time) => [time, 1]);
    const times = [10, 20, 30, 40, 50];
    const summary = { reasoningTokens: 4, reasoningTexts: 1 };
    assert.deepEqual(settle(five, answer(8, 'chunks', summary)), [times, 'usage', 3, null]);
    const counted: Event[] = five.map(([time], i) => [time, i === 0 ? 4 : 1]);
    assert.deepEqual(settle(counted, answer(8, 'usage', summary)), [times, 'usage', 3, null]);
    const merged = answer(8, 'chunks', { reasoningTokens: 4, reasoningTexts: 2 });
    assert.equal(settle(five, merged)[0].length, 8);
    assert.equal(settle(five, answer(8, 'chunks', { reasoningTokens: 8, reasoningTexts: 5 }))[0].length, 8);
  });

  it('has as many tokens as texts at least, what was asked or came at most, in order, whatever is said', () => {
    const event = fc.tuple(fc.nat(1000), fc.nat(3), fc.boolean());
    const list = fc
      .array(event, { minLength: 1, maxLength: 20 })
      .map((rows) => rows.sort((a, b) => a[0] - b[0]).map(([time, n, hasText]) => [time + 100, n, hasText] as const));
    const source = fc.constantFrom('chunks', 'usage', 'token_ids', null);
    const claim = fc.option(fc.oneof(fc.nat(60), fc.nat(2 ** 31 - 1)));
    fc.assert(
      fc.property(
        list,
        fc.tuple(claim, claim, claim),
        source,
        fc.option(fc.nat(3)),
        (rows, [said, total, reasoning], how, shown) => {
          const [times, , hidden, reported] = settle(
            rows,
            answer(said, how, { outputTokensByTotal: total, reasoningTokens: reasoning, reasoningTexts: shown }),
          );
          const texts = rows.filter(([, , hasText]) => hasText).length;
          const ids = rows.reduce((sum, [, n]) => sum + n, 0);
          assert.ok(times.length >= texts);
          assert.ok(times.length <= Math.max(ASKED, texts, how === 'token_ids' ? ids : 0), `${times.length}`);
          assert.deepEqual(
            times,
            times.toSorted((a, b) => a - b),
          );
          for (const count of [hidden, reported]) assert.ok(count === null || (count >= 0 && count < 2 ** 31));
          if (reported === null && said !== null && said > 0 && total === null)
            assert.equal(times.length + (hidden ?? 0), said);
        },
      ),
      { numRuns: 1000 },
    );
  });
});
