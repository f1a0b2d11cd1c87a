import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { ALL_CAPABILITIES } from '../../adapters/index.ts';
import { sglangCodec } from '../../adapters/sglang.ts';
import { promptMaker } from '../../workloads/index.ts';
import { DONE, sse } from '../servers.ts';
import { decode } from './decode.ts';

const options = { endpoint: 'generate', model: 'm', runId: 'run' } as const;
const prompts = promptMaker({ seed: 1, blockTokens: null });
const codec = sglangCodec(options, prompts);
const request = { id: 'r7', traceRow: 9, dueUs: 0, inputTokens: 5, outputTokens: 4 };

function body(capabilities = ALL_CAPABILITIES): Record<string, unknown> {
  const json: unknown = JSON.parse(
    Buffer.from(sglangCodec({ ...options, capabilities }, prompts).open(request)[0]?.body ?? []).toString(),
  );
  assert.ok(typeof json === 'object' && json !== null);
  return { ...json };
}

/** An event of `/generate`, as wire.md 4 has it. */
const event = (text: string, tokens: number, finish: unknown = null, more: object = {}): string =>
  sse({
    text,
    output_ids: Array(tokens).fill(5),
    meta_info: {
      id: 'x',
      finish_reason: finish,
      prompt_tokens: 5,
      completion_tokens: tokens,
      cached_tokens: 3,
      ...more,
    },
  });
const LENGTH = { type: 'length', length: 4 };

describe('sglang codec, /generate', () => {
  it('asks for exactly the planned lengths, the prompt as ids, named by the request', () => {
    const { input_ids: ids, ...rest } = body();
    assert.ok(Array.isArray(ids) && ids.length === 5);
    assert.deepEqual(rest, {
      sampling_params: { temperature: 0, max_new_tokens: 4, min_new_tokens: 4, ignore_eos: true },
      stream: true,
      rid: 'run-r7',
    });
    assert.equal(codec.open(request)[0]?.path, '/generate');
    assert.equal(typeof body({ ...ALL_CAPABILITIES, tokenIdPrompts: false })['text'], 'string');
  });

  it('counts the growth of completion_tokens in cumulative and incremental responses, however cut', () => {
    const responses = {
      cumulative: [event(' a', 1), event(' a', 2), event(' a b c', 4, LENGTH)],
      incremental: [event(' a', 1), event('', 2), event(' b c', 4, LENGTH)],
      'ids only': [1, 2, 4].map((tokens) => event('', tokens, tokens === 4 ? LENGTH : null).replace('"text":"",', '')),
      'finish apart': [event(' a', 1), event(' a', 2), event(' a b c', 4), event(' a b c', 4, LENGTH)],
      spaced: [event(' a', 1), event(' a', 2), event(' a b c', 4, LENGTH)].map((text) => text.replaceAll('":', '": ')),
    };
    for (const [how, events] of Object.entries(responses)) {
      const bytes = Buffer.from(events.join('') + DONE);
      const whole = decode(codec, request, bytes);
      assert.deepEqual([whole.counts, whole.end], [[1, 1, 2], null], how);
      const { finishReason, inputTokens, cachedTokens, outputTokens, countSource } = whole.response;
      assert.deepEqual(
        [finishReason, inputTokens, cachedTokens, outputTokens, countSource],
        ['length', 5, 3, 4, 'usage'],
        how,
      );
      for (let at = 0; at <= bytes.length; at++)
        assert.deepEqual(decode(codec, request, bytes, [at]), whole, `${how} ${at}`);
    }
  });

  it('is not misled by what the response says', () => {
    const text = fc.oneof(
      fc.constantFrom(
        '"completion_tokens":99,',
        '\\"finish_reason":"stop"',
        '{"meta_info":{"completion_tokens":7}}',
        '\\',
      ),
      fc.string(),
    );
    // A count that stands still while text comes is none.
    const piece = fc
      .tuple(text, fc.nat(3))
      .map(([content, n]) => [content, content === '' ? n : Math.max(1, n)] as const);
    fc.assert(
      fc.property(fc.array(piece, { minLength: 1, maxLength: 10 }), (pieces) => {
        let textSoFar = '';
        let total = 0;
        const bytes = pieces.map(([content, count]) => event((textSoFar += content), (total += count))).join('');
        const { counts, response } = decode(codec, { ...request, outputTokens: 30 }, Buffer.from(bytes));
        assert.deepEqual(
          counts,
          pieces.map(([, count]) => count).filter((count) => count > 0),
        );
        assert.equal(response.outputTokens, total);
      }),
      { numRuns: 300 },
    );
  });

  it('takes an abort and an error inside a 200 for faults', () => {
    const abort = { type: 'abort', message: 'the KV cache is full', status_code: 503 };
    const aborted = decode(codec, request, Buffer.from(event(' a', 1) + event(' a', 1, abort) + DONE));
    assert.match(aborted.end ?? '', /aborted the request: the KV cache is full/);
    const failed = decode(codec, request, Buffer.from(sse({ error: { message: 'too long' } }) + DONE));
    assert.deepEqual([failed.end, failed.counts], ['too long', []]);
    const named = `event: ping\ndata: {}\n\n${event(' a', 1)}event: error\ndata: {"message":"too long"}\n\n`;
    assert.equal(decode(codec, request, Buffer.from(named)).end, 'too long');
    const other = sse({ choices: [{ index: 0, text: 'a' }] });
    assert.match(decode(codec, request, Buffer.from(other)).end ?? '', /not one of \/generate/);
  });

  it('takes an event for a token where the server does not count', () => {
    const plain = (text: string, finish: unknown): string => sse({ text, meta_info: { finish_reason: finish } });
    const { counts, response } = decode(
      codec,
      request,
      Buffer.from(plain('a', null) + plain('ab', null) + plain('', LENGTH)),
    );
    assert.deepEqual([counts, response.countSource, response.outputTokens], [[1, 1, 0], 'chunks', null]);
  });

  it('takes an event with new text for a token where the count stands still, falls or exceeds what was asked for', () => {
    const stream = (counts: readonly number[], texts: readonly string[]): unknown[] => {
      const { response, ...got } = decode(
        codec,
        request,
        Buffer.from(
          counts.map((n, i) => event(texts[i] ?? '', n, null, {}).replace(/"output_ids":[^\]]*\],/, '')).join(''),
        ),
      );
      return [got.counts, response.countSource, response.countFault?.split(' ')[1]];
    };
    const cumulative = [' a', ' a b', ' a b c'];
    assert.deepEqual(stream([1, 1, 1], cumulative), [[1, 1, 1], 'chunks', 'usage']);
    assert.deepEqual(stream([0, 1, 2], cumulative), [[1, 1, 1], 'chunks', 'usage']);
    assert.deepEqual(stream([3, 2, 1], cumulative), [[3, 1, 1], 'chunks', 'usage']);
    assert.deepEqual(stream([1, 2, 16e6], cumulative), [[1, 1, 1], 'chunks', 'usage']);
    assert.deepEqual(stream([1, 1, 1], [' a', ' b', ' c']), [[1, 1, 1], 'chunks', 'usage']);
    assert.deepEqual(stream([1, 2, 2], [' a', ' a b', ' a b']), [[1, 1], 'usage', undefined]);
  });

  it('reads a response of 4,000 tokens in the time of its bytes, not of its parsing', () => {
    const decoder = codec.decoder({ ...request, outputTokens: 4000 }, { tokens: () => undefined });
    const parse = JSON.parse;
    let parsed = 0;
    JSON.parse = (text: string): unknown => {
      parsed++;
      return parse(text);
    };
    try {
      let text = '';
      for (let i = 1; i <= 4000; i++)
        decoder.push(Buffer.from(event((text += ' a'), i).replace(/"output_ids":[^\]]*\],/, '')));
    } finally {
      JSON.parse = parse;
    }
    assert.deepEqual([parsed, decoder.response(200).outputTokens], [1, 4000]);
  });
});

describe('sglang codec, OpenAI routes', () => {
  const chat = sglangCodec({ ...options, endpoint: 'chat' }, prompts);

  it('counts by the usage in each chunk also where the role comes without', () => {
    const delta = (content: string, tokens: number | null): string =>
      sse({
        choices: [
          {
            index: 0,
            delta: { role: tokens === null ? 'assistant' : null, content, reasoning_content: null, tool_calls: null },
            finish_reason: null,
          },
        ],
        ...(tokens === null
          ? {}
          : { usage: { prompt_tokens: 9, completion_tokens: tokens, total_tokens: 9 + tokens } }),
      });
    const { counts, response } = decode(
      chat,
      request,
      Buffer.from(delta('', null) + delta('a b', 2) + delta('c', 3) + delta('', 4) + DONE),
    );
    assert.deepEqual([counts, response.countSource, response.inputTokens], [[2, 1, 1], 'usage', 9]);
  });

  it('reads what its caches had of the prompt from its extension where the usage does not say', () => {
    const sglext = { cached_tokens_details: { device: 3, host: 2, storage_backend: 'none' } };
    const { response } = decode(
      chat,
      request,
      Buffer.from(sse({ choices: [], sglext, usage: { prompt_tokens: 9 } }) + DONE),
    );
    assert.equal(response.cachedTokens, 5);
  });
});
