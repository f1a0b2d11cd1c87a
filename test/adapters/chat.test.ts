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

  it('counts thoughts in lists by the usage, and a refusal as text', () => {
    const thought = { content: [{ type: 'thinking', thinking: [{ type: 'text', text: 'hm' }] }] };
    assert.deepEqual(decode(delta(thought), delta({ refusal: 'no' }), delta({ content: 'a' }), DONE).counts, [0, 1, 1]);
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
});
