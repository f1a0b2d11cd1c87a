import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { lines, reader } from './reading.ts';

const read = reader();
type Value = string | number | readonly object[];

/** A span of OTLP; times in microseconds from a start. */
function span(
  id: string,
  parent: string,
  [startUs, endUs]: readonly [number, number],
  attributes: Record<string, Value>,
): object {
  const nanos = (us: number): string => String(1_544_712_660_000_000_000n + BigInt(us) * 1000n);
  return {
    traceId: '5B8EFFF798038103D269B633813FC60C',
    spanId: id,
    parentSpanId: parent,
    name: 'chat m',
    kind: 3,
    startTimeUnixNano: nanos(startUs),
    endTimeUnixNano: nanos(endUs),
    attributes: Object.entries(attributes).map(([key, value]) => ({ key, value: anyValue(value) })),
    status: {},
  };
}

function anyValue(value: Value): object {
  if (typeof value === 'string') return { stringValue: value };
  if (typeof value === 'number') return Number.isInteger(value) ? { intValue: String(value) } : { doubleValue: value };
  return { arrayValue: { values: value } };
}

const otlp = (...spans: readonly object[]): object => ({
  resourceSpans: [{ resource: { attributes: [] }, scopeSpans: [{ scope: {}, spans }] }],
});
const chat = (input: number, output: number, more: Record<string, Value> = {}): Record<string, Value> => ({
  'gen_ai.operation.name': 'chat',
  'gen_ai.usage.input_tokens': input,
  'gen_ai.usage.output_tokens': output,
  ...more,
});

describe('OTLP', () => {
  it('spans of a line each, in the order of their starts, with what they say', async () => {
    const { format, requests } = await read(
      lines(
        otlp(span('EEE2', '', [2_000_000, 3_000_000], chat(20, 2, { 'gen_ai.conversation.id': 'c' }))),
        otlp(
          span(
            'EEE1',
            '',
            [0, 1_500_000],
            chat(10, 5, {
              'gen_ai.conversation.id': 'c',
              'gen_ai.request.model': 'm',
              'gen_ai.request.temperature': 0.5,
              'gen_ai.request.max_tokens': 99,
              'gen_ai.usage.cache_read.input_tokens': 8,
              'gen_ai.response.time_to_first_chunk': 0.25,
            }),
          ),
        ),
      ),
    );
    assert.equal(format, 'otel');
    assert.deepEqual(requests, [
      {
        id: 'eee1',
        traceRow: 2,
        dueUs: 0,
        inputTokens: 10,
        outputTokens: 5,
        session: 'c',
        turn: 0,
        model: 'm',
        params: { temperature: 0.5 },
        source: { ttftUs: 250_000, e2eUs: 1_500_000, cachedTokens: 8 },
        after: [],
      },
      {
        id: 'eee2',
        traceRow: 1,
        dueUs: 2e6,
        inputTokens: 20,
        outputTokens: 2,
        session: 'c',
        turn: 1,
        source: { e2eUs: 1e6 },
        parent: 'eee1',
        after: [{ id: 'eee1', thinkUs: 500_000 }],
      },
    ]);
  });

  it('nanoseconds as numbers keep their last digits, and counts may be numbers', async () => {
    const text = JSON.stringify(otlp(span('a', '', [0, 9], chat(1, 1)), span('b', '', [7, 9], chat(1, 1))));
    const numbers = text
      .replaceAll(/("\w+UnixNano":)"(\d+)"/g, '$1$2')
      .replaceAll(/"intValue":"(\d+)"/g, '"intValue":$1');
    assert.match(numbers, /UnixNano":1544712660000007000/);
    const { requests } = await read(`${numbers}\n`);
    assert.deepEqual(
      requests.map(({ dueUs, source, inputTokens }) => [dueUs, source?.e2eUs, inputTokens]),
      [
        [0, 9, 1],
        [7, 2, 1],
      ],
    );
  });

  it('only leaf inference spans count: neither an agent around them nor a framework around a client', async () => {
    const { requests, leftOut } = await read(
      lines(
        otlp(
          span('c', 'b', [30, 60], chat(10, 5)),
          span('b', 'x', [20, 70], chat(10, 5)),
          span('x', 'a', [15, 75], { 'http.request.method': 'POST' }),
          span('a', '', [0, 100], {
            ...chat(10, 5, { 'gen_ai.conversation.id': 'conv' }),
            'gen_ai.operation.name': 'invoke_agent',
          }),
          span('t', 'a', [80, 90], { 'gen_ai.operation.name': 'execute_tool' }),
          span('e', 'a', [80, 90], { ...chat(1, 1), 'gen_ai.operation.name': 'embeddings' }),
        ),
      ),
    );
    assert.deepEqual(
      requests.map(({ id, session, agent }) => [id, session, agent]),
      [['c', 'conv', undefined]],
    );
    assert.deepEqual(leftOut, [
      '1: an inference span around another one: its tokens would count twice',
      '1: a span of invoke_agent, no inference',
      '1: a span of execute_tool, no inference',
      '1: a span of embeddings, no inference',
    ]);
  });

  it('a span within two agents is of the inner one', async () => {
    const agent = (name: string): Record<string, Value> => ({
      'gen_ai.operation.name': 'invoke_agent',
      'gen_ai.agent.name': name,
    });
    const { requests } = await read(
      lines(
        otlp(
          span('a', '', [0, 9], agent('planner')),
          span('b', 'a', [1, 9], agent('searcher')),
          span('c', 'b', [2, 3], chat(1, 1)),
          span('d', 'a', [4, 5], chat(1, 1)),
        ),
      ),
    );
    assert.deepEqual(
      requests.map(({ id, agent: of }) => [id, of]),
      [
        ['c', 'searcher'],
        ['d', undefined],
      ],
    );
  });

  it('a request of a session waits for what was over when it began: answers, parallel ones too, and subagents', async () => {
    const agent = (name: string, more: Record<string, Value> = {}): Record<string, Value> => ({
      'gen_ai.operation.name': 'invoke_agent',
      'gen_ai.agent.name': name,
      ...more,
    });
    const s = (...seconds: readonly [number, number]): [number, number] => [seconds[0] * 1e6, seconds[1] * 1e6];
    const { requests } = await read(
      lines(
        otlp(
          span('root', '', s(0, 60), agent('planner', { 'gen_ai.conversation.id': 'c' })),
          span('first', 'root', s(1, 3), chat(9, 1)),
          span('left', 'root', s(4, 9), chat(9, 1)),
          span('right', 'root', s(5, 7), chat(9, 1)),
          span('sub', 'root', s(4, 20), agent('searcher')),
          span('sub-1', 'sub', s(6, 8), chat(9, 1)),
          span('sub-2', 'sub', s(9, 19), chat(9, 1)),
          span('after-both', 'root', s(12, 13), chat(9, 1)),
          span('after-sub', 'root', s(25, 26), chat(9, 1)),
        ),
      ),
    );
    assert.deepEqual(
      Object.fromEntries(
        requests.map(({ id, after }) => [id, after?.map((each) => `${each.id} +${each.thinkUs / 1e6}`)]),
      ),
      {
        first: [],
        left: ['first +1'],
        right: ['first +2'],
        'sub-1': ['first +3'],
        'sub-2': ['sub-1 +1'],
        'after-both': ['right +5', 'left +3'],
        'after-sub': ['after-both +12', 'sub-2 +6'],
      },
    );
  });

  it('ids of spans count within their trace: equal ones in others are other spans, with parents of their own', async () => {
    const flat = (trace: string, conversation: string): object => ({
      trace_id: trace,
      spans: [
        { span_id: 's0', start_time: '2026-02-25T10:00:00', attributes: { 'gen_ai.conversation.id': conversation } },
        {
          span_id: 's1',
          parent_span_id: 's0',
          start_time: '2026-02-25T10:00:01',
          attributes: chat(10, 5),
        },
      ],
    });
    const { requests, leftOut } = await read(lines(flat('t1', 'a'), flat('t2', 'b'), flat('t2', 'b')));
    assert.deepEqual(
      requests.map(({ id, session }) => [id, session]),
      [
        ['t1:s1', 'a'],
        ['t2:s1', 'b'],
      ],
    );
    assert.deepEqual(leftOut, ['3: a span that stands twice', '3: a span that stands twice']);
  });

  it('deprecated names, those of other instrumentations, and vLLM own spans', async () => {
    const named = (input: string, output: string, more: Record<string, Value> = {}): Record<string, Value> => ({
      [input]: 10,
      [output]: 5,
      ...more,
    });
    const { requests, bad } = await read(
      lines(
        otlp(
          span(
            'a',
            '',
            [0, 9],
            named('gen_ai.usage.prompt_tokens', 'gen_ai.usage.completion_tokens', { 'gen_ai.system': 'x' }),
          ),
          span(
            'b',
            '',
            [1, 9],
            named('llm.usage.prompt_tokens', 'llm.usage.completion_tokens', { 'llm.request.type': 'chat' }),
          ),
          span(
            'c',
            '',
            [2, 9],
            named('llm.token_count.prompt', 'llm.token_count.completion', { 'openinference.span.kind': 'LLM' }),
          ),
          span('d', '', [3, 9], {
            ...named('gen_ai.usage.prompt_tokens', 'gen_ai.usage.completion_tokens'),
            'gen_ai.latency.time_to_first_token': 0.5,
            'gen_ai.request.id': 'cmpl-1',
          }),
        ),
      ),
    );
    assert.deepEqual(bad, []);
    assert.deepEqual(
      requests.map(({ id, inputTokens, outputTokens, source }) => [id, inputTokens, outputTokens, source?.ttftUs]),
      [
        ['a', 10, 5, undefined],
        ['b', 10, 5, undefined],
        ['c', 10, 5, undefined],
        ['d', 10, 5, 500_000],
      ],
    );
  });

  it('input tokens are the whole prompt, or what no cache held where the user says so; a sign of the second is told', async () => {
    const text = lines(
      otlp(
        span(
          'a',
          '',
          [0, 9],
          chat(10, 5, { 'gen_ai.usage.cache_read.input_tokens': 90, 'gen_ai.usage.cache_creation.input_tokens': 7 }),
        ),
      ),
    );
    const whole = await read(text);
    assert.equal(whole.requests[0]?.inputTokens, 10);
    assert.match(whole.notes.join('\n'), /1 row: more cached tokens than input tokens.*--input-is uncached/);
    const uncached = await read(text, { inputIs: 'uncached' });
    assert.equal(uncached.requests[0]?.inputTokens, 107);
    assert.doesNotMatch(uncached.notes.join('\n'), /--input-is/);
    // Nothing says what the cached part is.
    assert.match(uncached.notes.join('\n'), /^1 row: no_prefix_blocks: a cache held a part of the prompt/);
  });

  it('a span that failed without counts is left out, one without counts or time is named, one that stands twice counts once', async () => {
    const failed = { ...span('f', '', [0, 9], { 'gen_ai.operation.name': 'chat' }), status: { code: 2 } };
    const { requests, bad, leftOut } = await read(
      lines(
        otlp(
          failed,
          span('n', '', [1, 9], { 'gen_ai.operation.name': 'chat', 'gen_ai.usage.input_tokens': 5 }),
          { ...span('t', '', [2, 9], chat(1, 1)), startTimeUnixNano: '' },
          span('z', '', [2, 9], chat(1, 0)),
          span('g', '', [3, 9], chat(1, 1)),
          span('g', '', [3, 9], chat(1, 1)),
        ),
      ),
    );
    assert.deepEqual(
      requests.map(({ id }) => id),
      ['g'],
    );
    assert.match(bad[0] ?? '', /^1: span 3: missing_time: startTimeUnixNano is "", expected nanoseconds/);
    assert.match(bad[1] ?? '', /^1: missing_length: gen_ai\.usage\.output_tokens is missing, .* in the span "n"/);
    assert.deepEqual(leftOut, [
      '1: a span that stands twice',
      '1: a span that failed, without token counts',
      '1: 0 output tokens',
    ]);
  });

  it('messages with parts become those of a chat, tools included; other parts leave no prompt', async () => {
    const messages = [
      { role: 'user', parts: [{ type: 'text', content: 'weather?' }] },
      {
        role: 'assistant',
        parts: [
          { type: 'reasoning', content: 'hm' },
          { type: 'tool_call', id: 'c1', name: 'get', arguments: { city: 'P' } },
        ],
      },
      { role: 'tool', parts: [{ type: 'tool_call_response', id: 'c1', response: 'rain' }] },
    ];
    const withImage = [{ role: 'user', parts: [{ type: 'blob', content: 'AAAA' }] }];
    const { requests } = await read(
      lines(
        otlp(
          span('a', '', [0, 9], {
            ...chat(10, 5, { 'gen_ai.input.messages': JSON.stringify(messages) }),
            'gen_ai.system_instructions': JSON.stringify([{ type: 'text', content: 'be brief' }]),
          }),
          span('b', '', [1, 9], chat(10, 5, { 'gen_ai.input.messages': JSON.stringify(withImage) })),
        ),
      ),
    );
    assert.deepEqual(requests[0]?.prompt, {
      kind: 'messages',
      messages: [
        { role: 'system', content: 'be brief' },
        { role: 'user', content: 'weather?' },
        {
          role: 'assistant',
          content: '',
          tool_calls: [{ id: 'c1', type: 'function', function: { name: 'get', arguments: '{"city":"P"}' } }],
        },
        { role: 'tool', tool_call_id: 'c1', content: 'rain' },
      ],
    });
    assert.equal(requests[1]?.prompt, undefined);
  });

  it('spans that name each other as parents do no harm', async () => {
    const { requests } = await read(lines(otlp(span('a', 'b', [0, 9], chat(1, 1)), span('b', 'a', [1, 9], {}))));
    assert.deepEqual(
      requests.map(({ id }) => id),
      ['a'],
    );
  });
});

it("inference-perf's flat spans, with times without a zone", async () => {
  const { format, requests } = await read(
    lines({
      trace_id: 't',
      span_count: 2,
      spans: [
        {
          span_id: '1a',
          parent_span_id: null,
          start_time: '2026-02-25T10:00:00.000000',
          end_time: '2026-02-25T10:00:01.500000',
          attributes: {
            'gen_ai.operation.name': 'chat',
            'gen_ai.usage.prompt_tokens': 5,
            'gen_ai.usage.completion_tokens': 3,
          },
        },
        {
          span_id: '1b',
          parent_span_id: '1a',
          start_time: '2026-02-25T10:00:02.000001',
          attributes: { 'gen_ai.operation.name': 'execute_tool' },
        },
      ],
    }),
  );
  assert.equal(format, 'otel');
  assert.deepEqual(requests, [
    { id: '1a', traceRow: 1, dueUs: 0, inputTokens: 5, outputTokens: 3, source: { e2eUs: 1_500_000 } },
  ]);
});
