import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { openAiCodec } from '../../adapters/openai.ts';
import { promptMaker } from '../../workloads/index.ts';
import type { ResponseInfo } from '../../src/core/target.ts';
import { DONE, sse } from '../servers.ts';

const codec = openAiCodec({ endpoint: 'chat', model: 'm', runId: 'run' }, promptMaker({ seed: 1, blockTokens: null }));
const request = { id: 'r0', traceRow: 2, dueUs: 0, inputTokens: 6, outputTokens: 4 };
const delta = (content: object, finish: string | null = null, more: object = {}): string =>
  sse({ choices: [{ index: 0, delta: content, finish_reason: finish }], ...more });

function decode(...events: string[]): { counts: number[]; end: string | undefined; response: ResponseInfo } {
  const counts: number[] = [];
  const decoder = codec.decoder(request, { tokens: (count) => counts.push(count) });
  decoder.push(Buffer.from(events.join('')));
  return { counts, end: decoder.end()?.message, response: decoder.response(200) };
}

describe('openai codec, chat', () => {
  it('asks for one message of about the planned length, and exactly the planned output', () => {
    const [call] = codec.open(request);
    assert.equal(call?.path, '/v1/chat/completions');
    const body: unknown = JSON.parse(Buffer.from(call.body).toString());
    assert.ok(typeof body === 'object' && body !== null && 'messages' in body && Array.isArray(body.messages));
    const [message] = body.messages;
    assert.match(String(message.content), /^The( [a-z]+){5}$/);
    assert.deepEqual(
      { ...body, messages: [] },
      {
        model: 'm',
        messages: [],
        max_completion_tokens: 4,
        min_tokens: 4,
        ignore_eos: true,
        temperature: 0,
        stream: true,
        stream_options: { include_usage: true },
      },
    );
  });

  it('does not take the role for a token, alone or with empty content', () => {
    const { counts } = decode(
      delta({ role: 'assistant', content: '' }),
      delta({ content: 'a' }),
      delta({ role: 'assistant', content: '' }),
      DONE,
    );
    assert.deepEqual(counts, [1, 0], 'after a token it may be one without text');
    const { counts: unnamed } = decode(delta({ role: null, content: '' }), delta({ role: null, content: 'a' }), DONE);
    assert.deepEqual(unnamed, [0, 1], 'SGLang writes null into every field of a chunk');
  });

  it('takes a role that comes with the first token', () => {
    assert.deepEqual(decode(delta({ role: 'assistant', content: 'a' }), delta({ content: 'b' }), DONE).counts, [1, 1]);
  });

  it('counts reasoning once whatever it is called, and tool calls', () => {
    const { counts, response } = decode(
      delta({ reasoning: 'a', reasoning_content: 'a' }),
      delta({ reasoning_content: 'b' }),
      delta({ content: 'c' }),
      delta({ tool_calls: [{ index: 0, function: { arguments: '{"x"' } }] }, 'tool_calls'),
      DONE,
    );
    assert.deepEqual([counts, response.reasoningTokens, response.finishReason], [[1, 1, 1, 1], 2, 'tool_calls']);
  });

  it('leaves an empty last chunk open, and takes usage from it, from a chunk of its own, or from none', () => {
    const usage = { usage: { prompt_tokens: 9, completion_tokens: 2 } };
    const tokens = [delta({ content: 'a' }), delta({ content: 'b' })];
    for (const last of [
      [delta({}, 'length', usage)],
      [delta({}, 'length'), sse({ choices: [], ...usage })],
      [delta({}, 'length')],
    ]) {
      const { counts, end, response } = decode(...tokens, ...last);
      assert.deepEqual([counts, end, response.finishReason], [[1, 1, 0], undefined, 'length']);
      assert.equal(response.outputTokens, last.join('').includes('usage') ? 2 : null);
    }
  });

  it('counts whatever a delta carries besides its role in a field that is known to be output', () => {
    const part = { type: 'text', text: 'hm' };
    for (const carrier of [
      { content: [{ type: 'thinking', thinking: [part] }] },
      { role: 'assistant', content: [part] },
      { role: 'assistant', content: '', reasoning: null, reasoning_details: [{ type: 'reasoning.text', text: 'hm' }] },
      { role: 'assistant', content: null, thinking: 'hm' },
      { refusal: 'no' },
      { audio: { id: 'a', data: 'UklGR' } },
      { function_call: { name: '', arguments: '{' } },
      { tool_calls: [{ index: 0, id: 'call', type: 'function', function: { name: 'f', arguments: '' } }] },
    ])
      assert.deepEqual(decode(delta(carrier), delta({ content: 'a' }), DONE).counts, [1, 1], JSON.stringify(carrier));
  });

  it('reads a message or a text where there is no delta', () => {
    const choice = (fields: object): string => sse({ choices: [{ index: 0, ...fields, finish_reason: null }] });
    for (const fields of [{ message: { role: 'assistant', content: 'a' } }, { text: 'a' }]) {
      const { counts, response } = decode(choice(fields), choice(fields), DONE);
      assert.deepEqual([counts, response.countSource], [[1, 1], 'chunks'], JSON.stringify(fields));
    }
  });

  it('leaves text in unknown fields open, and takes ids, signatures and names for none', () => {
    const kinds = (...deltas: object[]): unknown[] => {
      const seen: unknown[] = [];
      const decoder = codec.decoder(request, { tokens: (count, hasText) => seen.push(hasText ?? count > 0) });
      decoder.push(Buffer.from(deltas.map((fields) => delta(fields)).join('')));
      return seen;
    };
    const later = (text: string): object => ({ of_a_later_server: { nested: [[text]] } });
    assert.deepEqual(kinds(later('a'), later('b'), { content: 'c' }), ['unknown', 'unknown', true]);
    assert.deepEqual(kinds(later('a'), later('a')), ['unknown', false], 'one that repeats itself');
    for (const none of [
      { message_id: 'msg_1' },
      { provider: 'Azure' },
      { extra_content: { google: { thought_signature: 'AbCd' } } },
      { reasoning_details: [{ data: 'gAAA' }] },
    ])
      assert.deepEqual(
        kinds({ role: 'assistant', content: '', ...none }, { content: 'c' }),
        [true],
        Object.keys(none)[0],
      );
  });

  it('does not take the fields of a role chunk that carry nothing for a token', () => {
    for (const role of [
      { content: '', refusal: null, tool_calls: [], reasoning_content: null, annotations: [] },
      { content: null, audio: { id: '', expires_at: 17 }, function_call: null },
      { content: [], name: 'bot', id: 'msg_1', index: 0 },
      { content: [{ type: 'text', text: '' }], reasoning_details: [{ type: 'reasoning.text', text: '', format: 'x' }] },
    ])
      assert.deepEqual(
        decode(delta({ role: 'assistant', ...role }), delta({ content: 'a' }), DONE).counts,
        [1],
        JSON.stringify(role),
      );
  });

  it('counts the reasoning of parts and of details as reasoning', () => {
    const part = { type: 'text', text: 'hm' };
    const { response } = decode(
      delta({ content: [{ type: 'thinking', thinking: [part] }] }),
      delta({ reasoning_details: [{ type: 'reasoning.text', text: 'hm' }] }),
      delta({ content: [part] }),
      DONE,
    );
    assert.equal(response.reasoningTokens, 2);
  });

  it('counts the choice that was asked for, not others that come beside it', () => {
    const other = sse({ choices: [{ index: 1, delta: { content: 'z' }, finish_reason: null }] });
    const both = sse({
      choices: [
        { index: 1, delta: { content: 'z' } },
        { index: 0, delta: { content: 'b' } },
      ],
    });
    assert.deepEqual(decode(other, delta({ content: 'a' }), other, both, DONE).counts, [0, 1, 0, 1]);
  });

  it('takes what the cache had of the prompt as DeepSeek tells it', () => {
    const { response } = decode(
      delta({ content: 'a' }),
      delta({}, 'stop', { usage: { prompt_tokens: 7, prompt_cache_hit_tokens: 6, completion_tokens: 1 } }),
      DONE,
    );
    assert.equal(response.cachedTokens, 6);
  });

  it('counts by cumulative usage when every chunk has it, merged tokens too', () => {
    const grown = (content: string, n: number): string => delta({ content }, null, { usage: { completion_tokens: n } });
    const { counts, response } = decode(
      delta({ role: 'assistant', content: '' }, null, { usage: { completion_tokens: 0 } }),
      grown('a b c', 3),
      grown('', 4),
      DONE,
    );
    assert.deepEqual([counts, response.countSource], [[3, 1], 'usage']);
  });

  it('never counts a role alone, whatever its usage says', () => {
    const { counts, response } = decode(
      delta({ role: 'assistant', content: '' }, null, { usage: { completion_tokens: 1 } }),
      delta({ content: 'a' }),
      delta({ content: 'b' }),
      DONE,
    );
    assert.deepEqual([counts, response.countSource, response.outputTokens], [[1, 1], 'chunks', null]);
  });

  it('believes a running usage while it grows with each text from the first on, and says why not', () => {
    const stream = (usages: readonly (number | null)[], texts = usages.map(() => 'a')): ReturnType<typeof decode> =>
      decode(
        ...usages.map((n, i) =>
          delta({ content: texts[i] }, null, n === null ? {} : { usage: { completion_tokens: n } }),
        ),
        DONE,
      );
    const cases: [usages: (number | null)[], source: string, fault: RegExp | null, texts?: string[]][] = [
      [[1, 2, 4], 'usage', null],
      [[1, 2, 3], 'usage', null, ['', '', 'a']],
      [[0, 0, 1], 'usage', null, ['', '', 'a']],
      [[1, 1, 1], 'chunks', /stands still/],
      [[0, 1, 2], 'chunks', /stands still/],
      [[0, 0, 0], 'chunks', /stands still/],
      [[3, 2, 4], 'chunks', /falls/],
      [[1, 2, 5], 'chunks', /exceeds what was asked for/],
      [[2e9, 2e9, 2e9], 'chunks', /exceeds/],
      [[1, null, 3], 'chunks', /does not come with each text/],
      [[null, null, null], 'chunks', null],
    ];
    for (const [usages, source, fault, texts] of cases) {
      const { response } = stream(usages, texts);
      assert.equal(response.countSource, source, usages.join());
      if (fault === null) assert.equal(response.countFault, null, usages.join());
      else assert.match(response.countFault ?? '', fault, usages.join());
    }
  });

  it('believes ids beyond what was asked for only where texts and usage do not agree on less', () => {
    const answered = (ids: readonly number[], usage: number | null): ResponseInfo => {
      const texts = ids.map((n) =>
        sse({ choices: [{ index: 0, delta: { content: 'a' }, token_ids: Array(n).fill(7), finish_reason: null }] }),
      );
      const last = delta({}, 'length', usage === null ? {} : { usage: { completion_tokens: usage } });
      return decode(...texts, last, DONE).response;
    };
    const all = request.outputTokens;
    const soFar = Array.from({ length: all }, (_, i) => i + 1);
    const withPrompt = soFar.map((_, i) => (i === 0 ? 11 : 1));
    for (const ids of [soFar, withPrompt]) {
      const { countSource, countFault } = answered(ids, all);
      assert.equal(countSource, 'chunks');
      assert.match(countFault ?? '', /ids exceed/);
      for (const usage of [null, ids.reduce((sum, n) => sum + n), 1])
        assert.equal(answered(ids, usage).countSource, 'token_ids', `usage ${usage}`);
    }
  });

  it('tells reasoning that is counted and not sent from reasoning that comes', () => {
    const usage = { usage: { completion_tokens: 4, completion_tokens_details: { reasoning_tokens: 2 } } };
    const shown = (first: object): number | null | undefined =>
      decode(delta(first), delta({ content: 'b' }), delta({}, 'length', usage), DONE).response.reasoningTexts;
    assert.equal(shown({ content: 'a' }), 0);
    assert.equal(shown({ reasoning_content: 'a' }), 1);
    for (const hidden of [
      { type: 'reasoning.encrypted', data: 'gAAA' },
      { type: 'redacted_thinking', data: 'gAAA' },
    ])
      assert.equal(shown({ role: 'assistant', content: '', reasoning_details: [hidden] }), 0, hidden.type);
    assert.equal(shown({ role: 'assistant', reasoning_encrypted_content: 'gAAA' }), 0);
  });
});
