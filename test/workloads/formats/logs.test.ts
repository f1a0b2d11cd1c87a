import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { lines, reader } from './reading.ts';

const read = reader();

describe('LiteLLM', () => {
  const payload = {
    id: 'c1',
    call_type: 'acompletion',
    startTime: 1_731_693_600.250123,
    endTime: 1_731_693_602.5,
    completionStartTime: 1_731_693_600.5,
    prompt_tokens: 10,
    completion_tokens: 4,
    total_tokens: 14,
    model: 'azure/gpt',
    model_group: 'gpt',
    end_user: 'u',
    cache_hit: false,
    status: 'success',
    messages: [{ role: 'user', content: 'x' }],
    model_parameters: { temperature: 0.2, stream: true, max_tokens: 9 },
    metadata: { usage_object: { prompt_tokens_details: { cached_tokens: 3 } } },
  };
  it('its payloads: seconds since 1970 to the microsecond, what the client asked for, and the times of the source', async () => {
    const { format, requests, notes } = await read(
      lines(payload, { ...payload, id: 'c2', startTime: payload.startTime + 1, completionStartTime: 1_731_693_602.5 }),
    );
    assert.equal(format, 'litellm');
    assert.deepEqual(requests[0], {
      id: 'c1',
      traceRow: 1,
      dueUs: 0,
      inputTokens: 10,
      outputTokens: 4,
      model: 'gpt',
      user: 'u',
      prompt: { kind: 'messages', messages: payload.messages },
      params: { temperature: 0.2 },
      source: { ttftUs: 249_877, e2eUs: 2_249_877, cachedTokens: 3 },
    });
    // An answer that was not streamed has no first token.
    assert.deepEqual([requests[1]?.dueUs, requests[1]?.source?.ttftUs], [1e6, undefined]);
    assert.deepEqual(notes, []);
  });
  it("what failed, what the gateway's own cache answered and what is no completion is left out, by name", async () => {
    const { requests, leftOut } = await read(
      lines(
        { ...payload, completion_tokens: 0, status: 'failure' },
        { ...payload, cache_hit: true },
        { ...payload, call_type: 'aembedding', completion_tokens: 0 },
        { ...payload, status: 'failure' },
        { ...payload, id: 'c5', completion_tokens: 0 },
        { ...payload, id: 'c6', prompt_tokens: 0 },
        { ...payload, id: 'c7', prompt_tokens: null, status: 'failure' },
        { ...payload, id: 'c8', completion_tokens: undefined, error_str: 'timeout' },
      ),
    );
    assert.deepEqual(leftOut, [
      '1: failed: 0 completion_tokens',
      "2: answered from the gateway's cache",
      '3: call_type aembedding, which is no completion',
      '5: 0 completion_tokens',
      '6: 0 prompt_tokens',
      '7: failed: no prompt_tokens',
      '8: failed: no completion_tokens',
    ]);
    assert.equal(requests[0]?.source?.failed, true);
  });
  it('its spend logs as CSV and as JSON, with dates in UTC', async () => {
    const rows = [
      ['a', '2026-01-05 10:00:00.25', '2026-01-05 10:00:02', '2026-01-05 10:00:01', 's', 'False'],
      ['b', '2026-01-05T10:00:01.25', '2026-01-05T10:00:02', '', '', 'True'],
    ];
    const csv = await read(
      [
        'request_id,startTime,endTime,completionStartTime,session_id,cache_hit,call_type,prompt_tokens,completion_tokens,api_key',
      ]
        .concat(rows.map((cells) => `${cells.join(',')},acompletion,5,6,key`))
        .join('\n'),
    );
    assert.equal(csv.format, 'litellm');
    assert.deepEqual(csv.requests, [
      {
        id: 'a',
        traceRow: 2,
        dueUs: 0,
        inputTokens: 5,
        outputTokens: 6,
        session: 's',
        source: { ttftUs: 750_000, e2eUs: 1_750_000 },
      },
    ]);
    assert.match(csv.notes.join('\n'), /columns not used: api_key/);
    const json = await read(
      lines(
        ...rows.map(([request_id, startTime, endTime, completionStartTime, session_id, cache_hit]) => ({
          request_id,
          startTime,
          endTime,
          completionStartTime,
          session_id,
          cache_hit,
          call_type: 'acompletion',
          prompt_tokens: 5,
          completion_tokens: 6,
        })),
      ),
    );
    assert.deepEqual(json.requests, [{ ...csv.requests[0], traceRow: 1 }]);
  });
});

describe('Langfuse', () => {
  const row = {
    id: 'o1',
    trace_id: 't',
    type: 'GENERATION',
    start_time: '2026-01-05 10:00:00.000001',
    end_time: '2026-01-05 10:00:01.000001',
    completion_start_time: '2026-01-05 10:00:00.500001',
    provided_model_name: 'm',
    model_parameters: '{"temperature":0.3,"max_tokens":5}',
    usage_details: { input: 30, output: 5, total: 35, input_cached_tokens: 20 },
    session_id: 's',
    user_id: 'u',
    input: '[{"role":"user","content":"hi"}]',
  };
  it('its export and its API, which say the same', async () => {
    const expected = {
      id: 'o1',
      traceRow: 1,
      dueUs: 0,
      inputTokens: 30,
      outputTokens: 5,
      model: 'm',
      session: 's',
      user: 'u',
      prompt: { kind: 'messages', messages: [{ role: 'user', content: 'hi' }] },
      params: { temperature: 0.3 },
      source: { ttftUs: 500_000, e2eUs: 1_000_000, cachedTokens: 20 },
    };
    const exported = await read(lines(row));
    assert.equal(exported.format, 'langfuse');
    assert.deepEqual(exported.requests, [expected]);
    const api = await read(
      lines({
        id: 'o1',
        type: 'GENERATION',
        startTime: '2026-01-05T10:00:00.000001Z',
        endTime: '2026-01-05T10:00:01.000001Z',
        completionStartTime: '2026-01-05T10:00:00.500001Z',
        model: 'm',
        modelParameters: { temperature: 0.3 },
        usageDetails: row.usage_details,
        sessionId: 's',
        userId: 'u',
        input: { messages: [{ role: 'user', content: 'hi' }] },
      }),
    );
    assert.deepEqual(api.requests, [expected]);
  });
  it('parts of a length stand beside it or within it, as the total tells, or the user', async () => {
    const lengths = async (usage: object, inputIs?: 'uncached'): Promise<unknown> => {
      const [request] = (await read(lines({ ...row, usage_details: usage }), { inputIs })).requests;
      return [request?.inputTokens, request?.outputTokens];
    };
    const parts = { input_cached_tokens: 20, output_reasoning_tokens: 3 };
    assert.deepEqual(await lengths({ input: 10, output: 5, total: 38, ...parts }), [30, 8]);
    assert.deepEqual(await lengths({ input: 30, output: 5, total: 35, ...parts }), [30, 5]);
    assert.deepEqual(await lengths({ input: 10, output: 5, cache_read_input_tokens: 20 }), [10, 5]);
    assert.deepEqual(await lengths({ input: 10, output: 5, cache_read_input_tokens: 20 }, 'uncached'), [30, 5]);
    // As a database writes numbers of 64 bits.
    assert.deepEqual(await lengths({ input: '10', output: '5', total: '35', input_cached_tokens: '20' }), [30, 5]);
  });
  it('only generations are requests; what failed without an answer is left out', async () => {
    const { requests, leftOut, bad } = await read(
      lines(
        { ...row, type: 'SPAN' },
        { ...row, level: 'ERROR', usage_details: {} },
        { ...row, usage_details: { input: 3 } },
        { ...row, usage_details: { input: 3, output: 0, total: 3 } },
        { ...row, id: 'o4' },
      ),
    );
    assert.deepEqual(leftOut, ['1: type SPAN, not GENERATION', '2: failed: no output tokens', '4: 0 output tokens']);
    assert.match(bad[0] ?? '', /^3: missing_length: usage_details\.output is missing/);
    assert.deepEqual(
      requests.map(({ id }) => id),
      ['o4'],
    );
  });
});

describe('GuideLLM and vLLM in seconds', () => {
  it('a CSV of lengths counts seconds, and says so', async () => {
    const { format, requests, notes } = await read('timestamp,input_length,output_length\n0.5,10,3\n1.75,4,2\n');
    assert.equal(format, 'guidellm');
    assert.deepEqual(requests[1], { id: 'r1', traceRow: 3, dueUs: 1_250_000, inputTokens: 4, outputTokens: 2 });
    assert.deepEqual(notes, ['times are read as seconds']);
  });
  it("vLLM's timed trace is Mooncake's rows in seconds, where the user names it", async () => {
    const rows = lines(
      { timestamp: 0, input_length: 20, output_length: 1, hash_ids: [1, 2] },
      { timestamp: 1.5, input_length: 40, output_length: 1, hash_ids: [1, 2, 3] },
      { timestamp: 2, input_length: 40, output_length: 1, hash_ids: [1, 2] },
    );
    const { requests, bad } = await read(rows, { format: 'vllm-timed', blockTokens: 16 });
    assert.deepEqual(
      requests.map(({ dueUs, blocks }) => [dueUs, blocks]),
      [
        [0, [1, 2]],
        [1_500_000, [1, 2, 3]],
      ],
    );
    assert.match(bad[0] ?? '', /^3: block_count_mismatch: hash_ids has 2 ids, expected 3/);
    assert.equal((await read(rows)).format, 'mooncake');
  });
});
