import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { ADAPTERS, makeCodec, type ApiEndpoint } from '../../adapters/index.ts';
import { settleTokenTimes, type SettledTokens } from '../../src/replay/token-times.ts';
import { promptMaker } from '../../workloads/index.ts';
import { DONE, sse } from '../servers.ts';

const ASKED = 8;
const prompts = promptMaker({ seed: 1, blockTokens: null });
const request = { id: 'r', traceRow: 1, dueUs: 0, inputTokens: 8, outputTokens: ASKED };

/** An event as a server may send it: what comes in it, and what it says of its counts. */
interface Said {
  readonly text: string;
  readonly ids: number | null;
  readonly usage: number | null;
  readonly reasoning: number | null;
  readonly role: boolean;
}

const count = fc.option(fc.oneof(fc.nat(12), fc.constantFrom(0, 1, 100_000, 16e6, 4e9, 2 ** 53 - 1)), { freq: 3 });
const said: fc.Arbitrary<Said> = fc.record({
  text: fc.constantFrom('', ' a', ' b', 'é'),
  ids: fc.option(fc.nat(3), { freq: 1 }),
  usage: count,
  reasoning: count,
  role: fc.boolean(),
});

function usageOf({ usage, reasoning }: Said): object {
  if (usage === null) return {};
  const details = reasoning === null ? {} : { completion_tokens_details: { reasoning_tokens: reasoning } };
  return { usage: { prompt_tokens: 8, completion_tokens: usage, total_tokens: usage, ...details } };
}

/** The bytes of an answer on each endpoint, whose events say what they are told to. */
const BYTES: Readonly<Record<ApiEndpoint, (events: readonly Said[]) => string>> = {
  completions: (events) =>
    events
      .map(({ text, ids, ...more }) => {
        const tokens = ids === null ? {} : { token_ids: Array(ids).fill(7) };
        return sse({
          choices: [{ index: 0, text, finish_reason: null, ...tokens }],
          ...usageOf({ text, ids, ...more }),
        });
      })
      .join(''),
  chat: (events) =>
    events
      .map((event) => {
        const tokens = event.ids === null ? {} : { token_ids: Array(event.ids).fill(7) };
        const delta = { ...(event.role ? { role: 'assistant' } : {}), content: event.text };
        return sse({ choices: [{ index: 0, delta, finish_reason: null, ...tokens }], ...usageOf(event) });
      })
      .join(''),
  generate: (events) => {
    let text = '';
    return events
      .map((event) => {
        text += event.text;
        const counts = event.usage === null ? {} : { completion_tokens: event.usage };
        return sse({ text, meta_info: { finish_reason: null, prompt_tokens: 8, ...counts } });
      })
      .join('');
  },
};

/** The bytes of a whole answer. */
function answerOf(adapter: string, endpoint: ApiEndpoint, events: readonly Said[]): string {
  if (adapter !== 'distserve') return BYTES[endpoint](events) + DONE;
  let text = '';
  return events.map((event) => JSON.stringify({ text: (text += event.text), ...usageOf(event) })).join('');
}

/** What is recorded of bytes that arrive in pieces, one at each time. */
function record(adapter: string, endpoint: ApiEndpoint, bytes: Buffer, cuts: readonly number[]): SettledTokens {
  const times: number[] = [];
  const counts: number[] = [];
  const texts: number[] = [];
  let nowUs = 0;
  const decoder = makeCodec(adapter, { endpoint, model: 'm', runId: 'r' }, prompts).decoder(request, {
    tokens(n, hasText = n > 0) {
      times.push(nowUs);
      counts.push(n);
      texts.push(hasText ? 1 : 0);
    },
  });
  let from = 0;
  for (const to of [...cuts].sort((a, b) => a - b).concat(bytes.length)) {
    nowUs += 10;
    decoder.push(Buffer.from(bytes.subarray(from, to)));
    from = to;
  }
  decoder.end();
  const events = {
    times: Float64Array.from(times),
    counts: Uint32Array.from(counts),
    texts: Uint8Array.from(texts),
    events: times.length,
  };
  return settleTokenTimes(events, ASKED, 0, decoder.response(200));
}

describe('whatever the counts of a stream say, and however it is cut', () => {
  for (const [adapter, { endpoints }] of Object.entries(ADAPTERS))
    for (const endpoint of endpoints)
      it(`${adapter}, ${endpoint}: as many tokens as texts at least, what was asked or came at most, in order`, () => {
        const stream = fc.array(said, { maxLength: 14 });
        fc.assert(
          fc.property(stream, fc.array(fc.nat(5000), { maxLength: 6 }), (events, at) => {
            const bytes = Buffer.from(answerOf(adapter, endpoint, events));
            const cuts = at.map((i) => i % (bytes.length + 1));
            const { times, hidden, reported, source } = record(adapter, endpoint, bytes, cuts);
            const texts = events.filter(({ text }) => text !== '').length;
            const ids = events.reduce((sum, event) => sum + (event.ids ?? 0), 0);
            // An event of /generate whose count grows is not looked at for text.
            const grown = endpoint === 'generate' ? events.length : texts;
            assert.ok(times.length >= texts, `${times.length} tokens of ${texts} texts`);
            assert.ok(times.length <= Math.max(ASKED, grown, ids), `${times.length} tokens, ${source}`);
            for (let i = 1; i < times.length; i++) assert.ok((times[i] ?? 0) >= (times[i - 1] ?? 0));
            for (const kept of [hidden, reported]) assert.ok(kept === null || (kept >= 0 && kept < 2 ** 31));
            const whole = record(adapter, endpoint, bytes, []);
            assert.deepEqual([whole.times.length, whole.source, whole.reported], [times.length, source, reported]);
          }),
          { numRuns: 300 },
        );
      });
});
