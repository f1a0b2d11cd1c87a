import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { ADAPTERS, makeCodec, type CodecOptions } from '../../adapters/index.ts';
import type { Codec } from '../../src/core/codec.ts';
import type { Answer } from '../../src/core/target.ts';
import { promptMaker } from '../../workloads/index.ts';
import { DONE, sse } from '../servers.ts';
import { decode } from './decode.ts';

const prompts = promptMaker({ seed: 1, blockTokens: null });
const request = { id: 'r0', traceRow: 2, dueUs: 0, inputTokens: 6, outputTokens: 8 };
const OPTIONS = { model: 'm', runId: 'run', keepAnswers: true } as const;

function answerOf(
  options: Pick<CodecOptions, 'endpoint'>,
  adapter: string,
  events: readonly string[],
): Answer | undefined {
  const codec = makeCodec(adapter, { ...OPTIONS, ...options }, prompts);
  return decode(codec, request, Buffer.from(events.join('') + DONE)).response.answer;
}

/** The answer of a chat whose events have these deltas. */
function chat(...deltas: object[]): Answer {
  const events = deltas.map((delta, i) =>
    sse({ choices: [{ index: 0, delta, finish_reason: i === deltas.length - 1 ? 'stop' : null }] }),
  );
  const answer = answerOf({ endpoint: 'chat' }, 'openai', events);
  assert.ok(answer !== undefined);
  return answer;
}

const anyCharacter = fc.constantFrom('a', ' ', '"', '\\', '\n', '\0', 'é', '\u2028', '\ufeff', '😀', '\u{10ffff}');

const call = (index: number, fields: object, id?: string): object => ({
  tool_calls: [{ index, ...(id === undefined ? {} : { id, type: 'function' }), function: fields }],
});

describe('the answer of a chat', () => {
  it('is its content, without the reasoning before it', () => {
    const answer = chat(
      { role: 'assistant', content: '' },
      { reasoning_content: 'hm' },
      { content: 'a' },
      { content: '\n"b"\\' },
    );
    assert.deepEqual(answer, { text: 'a\n"b"\\', ids: null, toolCalls: [], isCut: false });
  });

  it('is empty where there is reasoning alone, or nothing', () => {
    const empty = { text: '', ids: null, toolCalls: [], isCut: false };
    assert.deepEqual(chat({ reasoning: 'a' }, { thinking: 'b' }, { content: null }), empty);
    assert.deepEqual(chat({ role: 'assistant', content: '' }), empty);
  });

  it('is its parts, those of reasoning left out, or a refusal', () => {
    const parts = [
      { type: 'thinking', thinking: [{ type: 'text', text: 'no' }] },
      { type: 'text', text: 'yes' },
      { type: 'text', text: '!' },
    ];
    assert.equal(chat({ content: parts }).text, 'yes!');
    assert.equal(chat({ refusal: 'I ' }, { refusal: 'will not' }).text, 'I will not');
  });

  it('is any text, in any pieces: halves of a surrogate pair that come apart are one, and one alone is replaced', () => {
    fc.assert(
      fc.property(
        fc.array(fc.string({ unit: anyCharacter }), { minLength: 1, maxLength: 8 }),
        fc.array(fc.nat(40)),
        (texts, cuts) => {
          const text = texts.join('');
          const at = [...new Set(cuts.map((cut) => cut % (text.length + 1)))].sort((a, b) => a - b);
          const pieces = [0, ...at].map((from, i) => text.slice(from, at[i] ?? text.length));
          assert.equal(chat(...pieces.map((content) => ({ content }))).text, text);
        },
      ),
    );
    assert.equal(chat({ content: 'a\ud83d' }, { content: 'b' }).text, 'a\ufffdb');
  });

  it('has tool calls, the pieces of each joined by its index, or by its id where servers have no index', () => {
    const { text, toolCalls } = chat(
      call(0, { name: 'look', arguments: '' }, 'c0'),
      call(0, { arguments: '{"x"' }),
      call(1, { name: 'see', arguments: '{}' }, 'c1'),
      call(0, { name: 'look', arguments: ':"\ud83d' }, 'c0'),
      call(0, { arguments: '\ude00\ud83d"}' }),
    );
    assert.equal(text, '');
    assert.deepEqual(toolCalls, [
      { id: 'c0', type: 'function', function: { name: 'look', arguments: '{"x":"😀\ufffd"}' } },
      { id: 'c1', type: 'function', function: { name: 'see', arguments: '{}' } },
    ]);
    const unnumbered = chat(
      { tool_calls: [{ id: 'a', type: 'function', function: { name: 'f', arguments: '{' } }] },
      { tool_calls: [{ function: { arguments: '}' } }] },
      { tool_calls: [{ id: 'b', type: 'custom', custom: { name: 'g', input: 'x' } }] },
    );
    assert.deepEqual(unnumbered.toolCalls, [
      { id: 'a', type: 'function', function: { name: 'f', arguments: '{}' } },
      { id: 'b', type: 'custom', custom: { name: 'g', input: 'x' } },
    ]);
  });

  it('is cut where it is longer than 4 Mi characters, in text or calls, and says so', () => {
    const large = 'x'.repeat(2.1 * 1024 ** 2);
    const text = chat({ content: large }, { content: large }, { content: 'y' });
    assert.deepEqual([text.text.length, text.isCut], [4 * 1024 ** 2, true]);
    const calls = chat(call(0, { arguments: large }, 'c0'), call(1, { arguments: large }, 'c1'));
    assert.ok(JSON.stringify(calls.toolCalls).length < 4 * 1024 ** 2 + 1000 && calls.isCut);
    const many = chat({ tool_calls: Array.from({ length: 70_000 }, (_, index) => ({ index, function: {} })) });
    assert.ok(many.isCut && many.toolCalls.length <= 65_536);
  });

  it('holds no more of a hostile call than its own texts', () => {
    const { toolCalls } = chat({
      tool_calls: [{ index: 0, ['__proto__']: { polluted: 'yes' }, function: { arguments: [1], name: 7 } }, 5, null],
    });
    assert.equal(JSON.stringify(toolCalls), '[{"__proto__":{"polluted":"yes"},"function":{"name":7}}]');
    assert.equal(Object.hasOwn(Object.prototype, 'polluted'), false);
  });
});

describe('the answer of completions', () => {
  const event = (text: string, ids: readonly unknown[] | null, finish: string | null = null): string =>
    sse({ choices: [{ index: 0, text, finish_reason: finish, ...(ids === null ? {} : { token_ids: ids }) }] });

  it('is its text and the ids of all its tokens, of one answer where a server sends several', () => {
    const other = sse({ choices: [{ index: 1, text: 'no', token_ids: [9] }] });
    const events = [event(' a', [5]), other, event('', [6, 7]), event(' b', [8], 'stop')];
    assert.deepEqual(answerOf({ endpoint: 'completions' }, 'vllm', events), {
      text: ' a b',
      ids: [5, 6, 7, 8],
      toolCalls: [],
      isCut: false,
    });
  });

  it('has no ids where they are not those of all tokens, or are none', () => {
    for (const events of [
      [event(' a', null), event(' b', null, 'stop')],
      [event(' a', [5]), event(' b', null), event(' c', null, 'stop')],
      [event(' a', ['5']), event(' b', [6.5], 'stop')],
    ]) {
      const answer = answerOf({ endpoint: 'completions' }, 'vllm', events);
      assert.deepEqual([answer?.ids, answer?.text.slice(0, 4)], [null, ' a b']);
    }
  });
});

describe('the answer of /generate', () => {
  const event = (text: string, ids: readonly number[] | null, tokens: number, finish: object | null = null): string =>
    sse({
      text,
      ...(ids === null ? {} : { output_ids: ids }),
      meta_info: { finish_reason: finish, prompt_tokens: 6, completion_tokens: tokens },
    });
  const STOP = { type: 'stop' };

  it('is its last text and ids where events have all so far, and all of them where events have what is new', () => {
    const expected = { text: ' a a b', ids: [5, 5, 6], toolCalls: [], isCut: false };
    const soFar = [event(' a', [5], 1), event(' a a', [5, 5], 2), event(' a a b', [5, 5, 6], 3, STOP)];
    assert.deepEqual(answerOf({ endpoint: 'generate' }, 'sglang', soFar), expected);
    const anew = [event(' a', [5], 1), event(' a', [5], 2), event(' b', [6], 3, STOP)];
    assert.deepEqual(answerOf({ endpoint: 'generate' }, 'sglang', anew), expected);
    const withoutIds = [event(' a', null, 1), event(' a a', null, 2), event(' a a b', null, 3, STOP)];
    assert.deepEqual(answerOf({ endpoint: 'generate' }, 'sglang', withoutIds), { ...expected, ids: null });
  });
});

describe('answers that are kept', () => {
  for (const [name, { endpoints }] of Object.entries(ADAPTERS))
    for (const endpoint of endpoints.filter(() => name !== 'distserve'))
      it(`${name}, ${endpoint}: change nothing else of any response, and are absent unless asked for`, () => {
        const plain = makeCodec(name, { ...OPTIONS, endpoint, keepAnswers: false }, prompts);
        const keeping = makeCodec(name, { ...OPTIONS, endpoint }, prompts);
        const piece = fc.oneof(
          fc.constantFrom(...plain.example(4).split(/(?<=\n\n)/)),
          fc.json().map((json) => `data: ${json}\n\n`),
          fc.string().map((text) => `data: ${text}\n\n`),
        );
        fc.assert(
          fc.property(fc.array(piece, { maxLength: 8 }), (pieces) => {
            const bytes = Buffer.from(pieces.join(''));
            // Counts that an event is not parsed for are known where it is.
            const read = (codec: Codec) => {
              const { response, ...rest } = decode(codec, request, bytes);
              const { answer, outputTokensByTotal: _, ...others } = response;
              return { answer, rest: { ...rest, ...others } };
            };
            const [without, kept] = [read(plain), read(keeping)];
            assert.deepEqual(kept.rest, without.rest);
            assert.deepEqual([typeof kept.answer?.text, without.answer], ['string', undefined]);
          }),
        );
        assert.equal(decode(keeping, request, Buffer.from(plain.example(8))).response.answer?.text, ' a'.repeat(8));
      });
});
