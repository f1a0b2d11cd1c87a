import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { lines, reader } from './reading.ts';

const read = reader();
const USAGE = { 'gen_ai.operation.name': 'chat', 'gen_ai.usage.input_tokens': 100, 'gen_ai.usage.output_tokens': 10 };
const attributes = Object.entries(USAGE).map(([key, value]) => ({
  key,
  value: typeof value === 'string' ? { stringValue: value } : { intValue: String(value) },
}));
const span = {
  traceId: '5b',
  spanId: 'aa',
  name: 'chat m',
  startTimeUnixNano: '1544712660000000000',
  endTimeUnixNano: '1544712661000000000',
  attributes,
};
const tags = Object.entries(USAGE).map(([key, value]) => ({ key, type: 'any', value }));
const jaeger = {
  traceID: '5b',
  spans: [
    {
      traceID: '5b',
      spanID: 'aa',
      operationName: 'chat m',
      references: [],
      startTime: 1_544_712_660_000_000,
      duration: 1_000_000,
      tags,
      logs: [],
      processID: 'p1',
    },
    {
      traceID: '5b',
      spanID: 'ab',
      operationName: 'chat around it',
      references: [
        { refType: 'FOLLOWS_FROM', spanID: '00' },
        { refType: 'CHILD_OF', spanID: 'zz' },
      ],
      startTime: 1_544_712_663_500_000,
      duration: 250_000,
      tags: [...tags, { key: 'error', type: 'bool', value: true }, { key: 'gen_ai.conversation.id', value: 'c' }],
    },
  ],
  processes: { p1: { serviceName: 's', tags: [] } },
};
const first = [0, 100, 10, undefined, 1_000_000];

describe('spans as those who keep them write them', () => {
  const forms: readonly [who: string, text: string, requests: readonly (readonly unknown[])[]][] = [
    ['Tempo', lines({ batches: [{ resource: {}, scopeSpans: [{ scope: {}, spans: [span] }] }] }), [first]],
    ['its second API', lines({ trace: { resourceSpans: [{ scopeSpans: [{ spans: [span] }] }] } }), [first]],
    ['older Collectors', lines({ resourceSpans: [{ instrumentationLibrarySpans: [{ spans: [span] }] }] }), [first]],
    ['a queue of single spans', lines(span, { ...span, spanId: 'ab' }), [first, first]],
    [
      'Python, with the names of the protocol',
      `{"resource_spans":[{"scope_spans":[{"spans":[{"trace_id":"5b","span_id":"aa","start_time_unix_nano":1544712660000000123,"end_time_unix_nano":1544712661000000123,"attributes":[{"key":"gen_ai.usage.input_tokens","value":{"int_value":100}},{"key":"gen_ai.usage.output_tokens","value":{"int_value":"10"}}]}]}]}]}`,
      [first],
    ],
    [
      'Python, printed',
      JSON.stringify(
        {
          name: 'chat m',
          context: { trace_id: '0x5b', span_id: '0xaa', trace_state: '[]' },
          parent_id: null,
          start_time: '2026-01-05T10:00:00.000001Z',
          end_time: '2026-01-05T10:00:01.000001Z',
          status: { status_code: 'UNSET' },
          attributes: USAGE,
        },
        null,
        4,
      ),
      [first],
    ],
    [
      'Jaeger',
      JSON.stringify({ data: [jaeger], total: 0, limit: 0, errors: null }, null, 4),
      [first, [3_500_000, 100, 10, 'c', 250_000]],
    ],
    [
      'Exgentic, a session a row',
      lines({
        session_id: 's',
        harness: 'h',
        models: ['m'],
        spans: [
          {
            type: 'llm_call',
            span_id: 'aa',
            start_time: '2026-02-25T10:00:00',
            end_time: '2026-02-25T10:00:01',
            status: { code: 0 },
            attributes: USAGE,
          },
          { type: 'tool', span_id: 'ab', start_time: '2026-02-25T10:00:02', attributes: {} },
        ],
      }),
      [[0, 100, 10, 's', 1_000_000]],
    ],
  ];
  for (const [who, text, expected] of forms)
    it(who, async () => {
      const { format, requests, bad } = await read(text);
      assert.deepEqual([format, bad], ['otel', []]);
      assert.deepEqual(
        requests.map(({ dueUs, inputTokens, outputTokens, session, source }) => [
          dueUs,
          inputTokens,
          outputTokens,
          session,
          source?.e2eUs,
        ]),
        expected,
      );
    });

  it('a span that failed is one of Jaeger too', async () => {
    const { requests } = await read(lines({ data: [jaeger] }));
    assert.deepEqual(
      requests.map(({ source }) => source?.failed),
      [undefined, true],
    );
  });

  it('one that kept what was said and counted nothing has the lengths of its texts', async () => {
    const said = { 'gen_ai.operation.name': 'chat', 'gen_ai.input.messages': '[{"role":"user","content":"abcdefgh"}]' };
    const flat = (at: number, more: object, rest: object = {}): object => ({
      span_id: `s${at}`,
      start_time: `2026-02-25T10:00:0${at}.000000`,
      end_time: `2026-02-25T10:00:0${at}.500000`,
      attributes: { ...said, 'exgentic.session.id': 'e', ...more },
      ...rest,
    });
    const { requests, bad, leftOut } = await read(
      lines({
        trace_id: 't',
        spans: [
          flat(0, { 'gen_ai.output.text': 'abcdefghijkl' }),
          flat(1, { 'gen_ai.output.messages': [{ role: 'assistant', parts: [{ type: 'text', content: 'abcd' }] }] }),
          flat(2, { 'gen_ai.request.max_tokens': 500 }),
          flat(3, { 'gen_ai.usage.input_tokens': 9, 'gen_ai.output.text': 'abcd' }),
          flat(4, {}, { status: { code: 2 } }),
          flat(5, { 'gen_ai.input.messages': 'cut off' }),
        ],
      }),
    );
    assert.deepEqual(
      requests.map(({ session, inputTokens, outputTokens, isEstimated }) => [
        session,
        inputTokens,
        outputTokens,
        isEstimated,
      ]),
      [
        ['e', 2, 3, true],
        ['e', 2, 1, true],
        ['e', 2, 500, true],
        ['e', 9, 1, true],
      ],
    );
    assert.match(bad.join(), /^1: missing_length: gen_ai\.usage\.input_tokens is missing.*in the span "s5"/);
    assert.deepEqual(leftOut, ['1: a span that failed, without token counts']);
  });

  it('a turn below the turn that it followed is a request, as is that; one around another is none', async () => {
    const below = (id: string, parentSpanId: string, from: number, to: number): object => ({
      ...span,
      spanId: id,
      parentSpanId,
      startTimeUnixNano: `${1_544_712_660 + from}000000000`,
      endTimeUnixNano: `${1_544_712_660 + to}000000000`,
    });
    const spans = [below('a', '', 0, 2), below('b', 'a', 2, 4), below('c', 'b', 5, 9), below('d', 'c', 6, 8)];
    const { requests, leftOut } = await read(lines({ resourceSpans: [{ scopeSpans: [{ spans }] }] }));
    assert.deepEqual(
      requests.map(({ id }) => id),
      ['a', 'b', 'd'],
    );
    assert.deepEqual(leftOut, ['1: an inference span around another one: its tokens would count twice']);
  });

  it('an object that has no place for spans is named, other signals have none', async () => {
    const { requests, bad } = await read(
      lines({ resourceSpans: [] }, { resourceMetrics: [] }, { traces: [{ rootName: 'x' }], metrics: {} }, span),
    );
    assert.equal(requests.length, 1);
    assert.deepEqual(bad, ['3: the line has the keys traces, metrics, expected resourceSpans, or spans']);
  });
});
