import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { makeCodec, type CodecOptions } from '../../adapters/index.ts';
import type { JsonObject, Request } from '../../src/core/request.ts';
import { promptMaker } from '../../workloads/index.ts';
import { DONE, sse } from '../servers.ts';

const prompts = promptMaker({ seed: 1, blockTokens: null });
const REQUEST: Request = { id: 'r0', traceRow: 2, dueUs: 0, inputTokens: 6, outputTokens: 4 };
const MESSAGES: readonly JsonObject[] = [
  { role: 'system', content: 'be "brief"\n' },
  { role: 'user', content: 'hé 🎈' },
  {
    role: 'assistant',
    content: '',
    tool_calls: [{ id: 'c', type: 'function', function: { name: 'f', arguments: '{}' } }],
  },
  { role: 'tool', tool_call_id: 'c', content: 'rain' },
];

function bodyOf(
  adapter: string,
  endpoint: CodecOptions['endpoint'],
  request: Partial<Request>,
  more: Partial<CodecOptions> = {},
): Record<string, unknown> {
  const codec = makeCodec(adapter, { endpoint, model: 'served', runId: 'run', ...more }, prompts);
  const [call] = codec.open({ ...REQUEST, ...request });
  const body: unknown = JSON.parse(Buffer.from(call?.body ?? []).toString());
  assert.ok(typeof body === 'object' && body !== null);
  return { ...body };
}

describe("a prompt of the trace's own is sent in place of a drawn one", () => {
  it('messages to a chat, as they stand', () => {
    for (const adapter of ['openai', 'vllm', 'sglang'])
      assert.deepEqual(
        bodyOf(adapter, 'chat', { prompt: { kind: 'messages', messages: MESSAGES } })['messages'],
        MESSAGES,
      );
  });
  it("a text to any route, where ids could be sent too; a chat has it as the user's message", () => {
    const prompt = { kind: 'text', text: 'a "b" 🎈' } as const;
    assert.equal(bodyOf('vllm', 'completions', { prompt })['prompt'], prompt.text);
    assert.equal(bodyOf('sglang', 'generate', { prompt })['text'], prompt.text);
    assert.equal(bodyOf('distserve', 'generate', { prompt })['prompt'], prompt.text);
    assert.deepEqual(bodyOf('vllm', 'chat', { prompt })['messages'], [{ role: 'user', content: prompt.text }]);
  });
  it('ids to routes of ids', () => {
    const prompt = { kind: 'ids', ids: [7, 8, 9] } as const;
    assert.deepEqual(bodyOf('vllm', 'completions', { prompt })['prompt'], [7, 8, 9]);
    assert.deepEqual(bodyOf('sglang', 'generate', { prompt })['input_ids'], [7, 8, 9]);
  });
  it('messages as one text where a server has no chat', () =>
    assert.equal(
      bodyOf('distserve', 'generate', { prompt: { kind: 'messages', messages: MESSAGES.slice(0, 2) } })['prompt'],
      'system: be "brief"\n\n\nuser: hé 🎈',
    ));
  it('the length of the answer is that of the trace', () => {
    const { max_completion_tokens, min_tokens, ignore_eos } = bodyOf('vllm', 'chat', {
      prompt: { kind: 'text', text: 'x' },
    });
    assert.deepEqual([max_completion_tokens, min_tokens, ignore_eos], [4, 4, true]);
  });
});

describe('a body of the trace is sent as it stands, but for what a run decides', () => {
  const payload = {
    model: 'gpt',
    messages: MESSAGES,
    max_tokens: 1000,
    temperature: 0.7,
    stop: ['x'],
    stream: false,
    n: 3,
    metadata: { a: [null] },
  };
  it('model, stream and what counts tokens are ours, everything else its own', () => {
    const { model, stream, stream_options, return_token_ids, ...rest } = bodyOf(
      'vllm',
      'chat',
      { payload },
      { models: ['served'] },
    );
    assert.deepEqual(
      [model, stream, stream_options, return_token_ids],
      ['served', true, { include_usage: true }, true],
    );
    const { model: _model, stream: _stream, n: _n, ...own } = payload;
    assert.deepEqual(rest, own);
  });
  it('its answer may be as long as it allows, whatever the trace says of the length', () => {
    const codec = makeCodec('openai', { endpoint: 'chat', model: 'm', runId: 'run' }, prompts);
    const counts: number[] = [];
    const decoder = codec.decoder({ ...REQUEST, payload }, { tokens: (count) => counts.push(count) });
    const delta = (content: string, finish: string | null = null): string =>
      sse({ choices: [{ index: 0, delta: { content }, finish_reason: finish }] });
    decoder.push(Buffer.from(Array.from({ length: 9 }, () => delta('a')).join('')));
    assert.equal(decoder.finalEvents ?? 0, 0);
    decoder.push(Buffer.from(delta('b', 'stop') + DONE));
    assert.equal(decoder.end(), null);
    assert.equal(counts.length, 10);
  });
});

describe('fields of the trace', () => {
  it('are merged into the body; those that a run decides are not taken', () => {
    const body = bodyOf('vllm', 'completions', {
      params: { temperature: 0.5, top_p: 0.9, max_tokens: 9, stream: false, n: 2, ignore_eos: false },
    });
    assert.deepEqual(
      [body['temperature'], body['top_p'], body['max_tokens'], body['stream'], body['n'], body['ignore_eos']],
      [0.5, 0.9, 4, true, undefined, true],
    );
  });
  it('stand among the sampling parameters of a route of its own, those that it knows', () => {
    const body = bodyOf('sglang', 'generate', { params: { temperature: 0.5, tools: [] } });
    assert.deepEqual(body['sampling_params'], {
      temperature: 0.5,
      max_new_tokens: 4,
      min_new_tokens: 4,
      ignore_eos: true,
    });
    assert.equal('tools' in body, false);
  });
});

it('a model that the trace names is asked for where it is served, or where nobody knows', () => {
  const model = (models?: readonly string[]): unknown =>
    bodyOf('vllm', 'completions', { model: 'lora' }, models === undefined ? {} : { models })['model'];
  assert.deepEqual([model(), model(['base', 'lora']), model(['base'])], ['lora', 'lora', 'served']);
});
