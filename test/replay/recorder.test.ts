import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import type { RequestRecord } from '../../src/core/record.ts';
import { scheduledByTrace } from '../../src/core/schedule.ts';
import type { HasText, ResponseInfo } from '../../src/core/target.ts';
import { Recorder } from '../../src/replay/recorder.ts';
import { settleTokenTimes, TEXT, UNKNOWN_TEXT } from '../../src/replay/token-times.ts';

const ASKED = 4;
const RESPONSE: ResponseInfo = {
  httpStatus: 200,
  finishReason: 'length',
  inputTokens: null,
  cachedTokens: null,
  outputTokens: null,
  reasoningTokens: null,
  countSource: 'chunks',
  phases: null,
};
type Event = readonly [count: number, hasText: HasText | undefined];
const usual: fc.Arbitrary<Event> = fc.constant([1, true]);
const odd: fc.Arbitrary<Event> = fc.tuple(fc.nat(3), fc.constantFrom(true, false, 'unknown' as const, undefined));

const mark = ([count, hasText = count > 0]: Event): number =>
  hasText === 'unknown' ? UNKNOWN_TEXT : hasText ? TEXT : 0;

describe('the recorder', () => {
  it('settles all events of a request as they were reported, alike or not, more than planned or not', () => {
    const sources = fc.constantFrom('chunks', 'usage', 'token_ids');
    fc.assert(
      fc.property(fc.array(fc.oneof(usual, usual, odd), { maxLength: 20 }), sources, (events, countSource) => {
        const records: RequestRecord[] = [];
        const store = { sent: () => undefined, finished: (of: readonly RequestRecord[]) => void records.push(...of) };
        const recorder = new Recorder(store, { target: 'x', window: null, worker: 0 });
        const request = { id: 'r', traceRow: 1, dueUs: 0, inputTokens: 3, outputTokens: ASKED };
        recorder.begin(scheduledByTrace(5, request, []));
        recorder.sent(5, 10, null);
        events.forEach(([count, hasText], i) => recorder.tokens(5, 100 + i, count, hasText));
        recorder.end(5, 1000, { ...RESPONSE, countSource });
        recorder.flush();
        const times = Float64Array.from(events, (_, i) => 100 + i);
        const counts = Uint32Array.from(events, ([count]) => count);
        const all = { times, counts, texts: Uint8Array.from(events, mark), events: events.length };
        const settled = settleTokenTimes(all, ASKED, 0, { ...RESPONSE, countSource });
        assert.deepEqual(records[0]?.token_times_us, settled.times);
        assert.equal(records[0]?.token_count_source, settled.source);
        assert.equal(recorder.inFlight, 0);
      }),
    );
  });
});
