import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { ALL_CAPABILITIES } from '../../adapters/index.ts';
import { vllmCodec } from '../../adapters/openai.ts';
import { promptMaker } from '../../workloads/index.ts';
import { DONE, sse } from '../servers.ts';
import { decode } from './decode.ts';

const options = { endpoint: 'completions', model: 'm', runId: 'run' } as const;
const prompts = promptMaker({ seed: 1, blockTokens: null });
const codec = vllmCodec(options, prompts);
const request = { id: 'r7', traceRow: 9, dueUs: 0, inputTokens: 5, outputTokens: 1000 };

function bodyFor(capabilities = ALL_CAPABILITIES): Record<string, unknown> {
  const [call] = vllmCodec({ ...options, capabilities }, prompts).open(request);
  const body: unknown = JSON.parse(Buffer.from(call?.body ?? []).toString());
  assert.ok(typeof body === 'object' && body !== null);
  return { ...body };
}

/** A chunk as vLLM sends it; null for a field that was not requested. */
const chunk = (
  text: string,
  ids: readonly number[] | null,
  total: number | null,
  finish: string | null = null,
): string =>
  sse({
    id: 'cmpl-1',
    choices: [{ index: 0, text, logprobs: null, finish_reason: finish, prompt_token_ids: null, token_ids: ids }],
    ...(total === null ? {} : { usage: { prompt_tokens: 5, total_tokens: 5 + total, completion_tokens: total } }),
  });

describe('vllm codec', () => {
  it('asks for the ids of each chunk, for the count so far where a server has none, and for neither', () => {
    assert.deepEqual([bodyFor()['stream_options'], bodyFor()['return_token_ids']], [{ include_usage: true }, true]);
    const old = bodyFor({ ...ALL_CAPABILITIES, returnTokenIds: false });
    assert.deepEqual(
      [old['stream_options'], old['return_token_ids']],
      [{ include_usage: true, continuous_usage_stats: true }, undefined],
    );
    const hosted = bodyFor({ ...ALL_CAPABILITIES, continuousUsage: false, returnTokenIds: false, ignoreEos: false });
    assert.deepEqual(
      [hosted['return_token_ids'], hosted['ignore_eos'], hosted['min_tokens']],
      [undefined, undefined, 1000],
    );
  });

  it('counts tokens by the growth of the usage or by ids, whatever the texts are, parsed or not', () => {
    const text = fc.oneof(
      fc.constantFrom('', ' a', '"', '\\', 'a\\"', '\n', '{"choices":[]}', '"text":"'),
      fc.string(),
    );
    // A server that counts nothing for its first text does not count.
    const token = fc
      .tuple(text, fc.nat(3))
      .map(([content, n]) => [content, content === '' ? n : Math.max(1, n)] as const);
    const tokens = fc.array(token, { maxLength: 20 });
    fc.assert(
      fc.property(tokens, fc.constantFrom('usage', 'ids', 'both', 'neither'), (events, how) => {
        let total = 0;
        const bytes = events.map(([content, count]) => {
          total += count;
          const ids = how === 'ids' || how === 'both' ? Array.from({ length: count }, (_, i) => 7 * i) : null;
          return chunk(content, ids, how === 'usage' || how === 'both' ? total : null);
        });
        const texts = events.filter(([content]) => content !== '').length;
        const planned = { ...request, outputTokens: how === 'neither' ? texts : total };
        const { counts, end, response } = decode(codec, planned, Buffer.from(bytes.join('') + DONE));
        const expected =
          how === 'neither'
            ? events.map(([content]) => (content === '' ? 0 : 1))
            : events.map(([, count]) => count).filter((count) => count > 0);
        assert.deepEqual([counts, end], [expected, null]);
        if (how === 'neither' ? events.every(([content]) => content === '') : events.length === 0) return;
        assert.equal(response.countSource, how === 'usage' ? 'usage' : how === 'neither' ? 'chunks' : 'token_ids');
        assert.equal(response.outputTokens, how === 'usage' || how === 'both' ? total : null);
      }),
      { numRuns: 500 },
    );
  });

  it('sees the finish, an error and another form behind any number of events alike', () => {
    const alike = [1, 2, 3, 4].map((n) => chunk(' a', null, n)).join('');
    const spaced = 'data: { "choices": [ { "text": "b" } ], "usage": { "completion_tokens": 6 } }\n\n';
    const ended = decode(codec, request, Buffer.from(alike + spaced + chunk(' c', null, 9, 'length') + DONE));
    assert.deepEqual([ended.counts, ended.response.finishReason], [[1, 1, 1, 1, 2, 3], 'length']);
    const failed = decode(codec, request, Buffer.from(`${alike}event: error\n${chunk(' a', null, 5)}`));
    assert.equal(failed.counts.length, 4);
    assert.ok(failed.end !== null);
    const aborted = decode(codec, request, Buffer.from(alike + chunk('', null, 4, 'abort') + DONE));
    assert.match(aborted.end ?? '', /aborted/);
  });

  it('parses one event of a shape in a stream, not each, and learns it once for all streams', () => {
    const fresh = vllmCodec(options, prompts);
    const parse = JSON.parse;
    let parsed = 0;
    JSON.parse = (text: string): unknown => {
      parsed++;
      return parse(text);
    };
    try {
      const events = Array.from({ length: 500 }, (_, i) => chunk(i % 3 === 0 ? '' : ' a', null, i + 1)).join('');
      const parsedIn = [1, 2, 3].map((stream) => {
        const before = parsed;
        const own = events
          .replaceAll('cmpl-1', `cmpl-${stream}`)
          .replaceAll('"prompt_tokens":5', `"prompt_tokens":${stream}`);
        assert.equal(decode(fresh, request, Buffer.from(own)).response.outputTokens, 500);
        return parsed - before;
      });
      // The first has no text, the second shows the shape, and its shape without text is parsed once for all.
      assert.deepEqual(parsedIn, [3, 2, 2]);
    } finally {
      JSON.parse = parse;
    }
  });

  it('does not read counts with fractions, signs or spaces as other numbers', () => {
    for (const odd of ['7.5', '-7', '"7"', 'null', '7e1']) {
      const strange = chunk(' a', null, 777).replace('"completion_tokens":777', `"completion_tokens":${odd}`);
      const { counts } = decode(codec, request, Buffer.from(chunk(' a', null, 1) + chunk(' a', null, 2) + strange));
      assert.deepEqual(counts.slice(0, 2), [1, 1]);
      assert.ok((counts[2] ?? 1) === 1 || odd === '7e1', `${odd}: ${counts.join()}`);
    }
  });
});
