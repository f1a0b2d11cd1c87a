import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import type { Request } from '../../../src/core/request.ts';
import { openSource } from '../../../workloads/index.ts';
import { requestsOf, temporaryFiles } from '../temporary-files.ts';

const file = temporaryFiles();
const json = (...rows: readonly unknown[]): string => rows.map((row) => `${JSON.stringify(row)}\n`).join('');
const opened = (content: string): ReturnType<typeof openSource> => openSource(file('a', content), { onBadRow: 'fail' });
const read = async (content: string): Promise<Request[]> => requestsOf((await opened(content)).open());
const notes = async (content: string): Promise<string> => {
  const source = await opened(content);
  await requestsOf(source.open());
  return source.notes().join('\n');
};
const shared = (a: readonly number[] = [], b: readonly number[] = []): number => {
  const at = a.findIndex((id, i) => id !== b[i]);
  return at === -1 ? a.length : at;
};

describe('TraceLab', () => {
  const at = (s: number): string => new Date(Date.UTC(2026, 0, 5, 10, 0, s)).toISOString();
  const round = (s: number, more: Readonly<Record<string, unknown>> = {}): Record<string, unknown> => ({
    session_id: 'claude:x',
    round_index: 0,
    provider: 'claude',
    model: 'm',
    user: 'u',
    project: 'p',
    input_tokens_total: 200,
    prefix_tokens: 0,
    newly_append_tokens: 200,
    output_tokens: 7,
    current_tool_result_count: 0,
    timing_events: [
      { event_type: 'user_message', timestamp: at(s - 3) },
      { event_type: 'tool_result', timestamp: at(s) },
      { event_type: 'text', timestamp: at(s + 1) },
      { event_type: 'tool_call', timestamp: at(s + 2) },
      { event_type: 'usage_report', timestamp: at(s + 9) },
      { event_type: 'reasoning' },
    ],
    tools: [{ tool_name: 'Bash', emitted_at: at(s + 2), result_at: at(s + 3), tool_wall_latency_ms: 1000 }],
    ...more,
  });

  it('a round is sent at its latest input, ends with its latest output, and goes by the clock', async () => {
    const later = round(20, { input_tokens_total: 330, prefix_tokens: 190, newly_append_tokens: 140 });
    const content = json(later, round(5, { round_index: 9 }), { ...round(5), session_id: 'codex:y', user: 3 });
    const source = await opened(content);
    assert.deepEqual([source.format, source.blockTokens, source.starts], ['tracelab', 16, undefined]);
    const found = await requestsOf(source.open());
    assert.deepEqual(
      found.map(({ traceRow, dueUs, session, turn, source: its }) => [traceRow, dueUs, session, turn, its]),
      [
        [3, 0, 'codex:y', 0, { e2eUs: 2e6, cachedTokens: 0 }],
        [2, 0, 'claude:x', 0, { e2eUs: 2e6, cachedTokens: 0 }],
        [1, 15e6, 'claude:x', 1, { e2eUs: 2e6, cachedTokens: 190 }],
      ],
    );
    const [other, first, second] = found.map(({ blocks }) => blocks);
    assert.deepEqual([first?.length, second?.length], [12, 20]);
    assert.equal(shared(first, second), 11);
    assert.equal(new Set([...(other ?? []), ...(first ?? []), ...(second ?? [])]).size, 12 + 12 + 9);
    assert.match(source.notes().join('\n'), /keys not used: provider, project, current_tool_result_count, tools/);
  });

  it('rounds without dates and without answers are counted apart; wrong sums and dates are bad rows', async () => {
    const undated = round(3, { timing_events: [{ event_type: 'text' }] });
    const none = { input_tokens_total: 0, newly_append_tokens: 0, output_tokens: 0 };
    const text = await notes(
      json(round(0), undated, undated, round(9, { output_tokens: 0, reasoning_output_tokens: 4 }), round(12, none)),
    );
    assert.match(text, /rows left out: 2 \(no dated event\), 1 \(0 input tokens\), 1 \(0 output tokens\)/);
    assert.match(text, /reasoning_output_tokens are not added/);
    await assert.rejects(
      read(json(round(0, { prefix_tokens: 1 }))),
      /:1: input_tokens_total is 200, expected 201, the sum of/,
    );
    const wrong = round(0, { timing_events: [{ event_type: 'text', timestamp: 'soon' }] });
    await assert.rejects(read(json(wrong)), /:1: timing_events\[0\]\.timestamp is "soon"/);
    const onlyOutput = round(0, { timing_events: [{ event_type: 'text', timestamp: at(4) }] });
    assert.deepEqual((await read(json(onlyOutput)))[0]?.source, { e2eUs: 0, cachedTokens: 0 });
  });

  it('a round shares with the one before it what it had cached, to the block, and never more than that was', () => {
    const rounds = fc.array(fc.record({ total: fc.integer({ min: 1, max: 1000 }), prefix: fc.nat(1000) }), {
      minLength: 1,
    });
    return fc.assert(
      fc.asyncProperty(rounds, async (all) => {
        const rows = all.map(({ total, prefix }, i) =>
          round(i, {
            input_tokens_total: total,
            prefix_tokens: Math.min(prefix, total),
            newly_append_tokens: total - Math.min(prefix, total),
          }),
        );
        const found = await read(json(...rows));
        for (const [i, { blocks = [], inputTokens, source }] of found.entries()) {
          const before = found[i - 1]?.blocks ?? [];
          const cached = Math.floor((source?.cachedTokens ?? 0) / 16);
          assert.equal(blocks.length, Math.floor(inputTokens / 16));
          assert.equal(shared(blocks, before), Math.min(cached, before.length, blocks.length));
        }
      }),
      { numRuns: 30 },
    );
  });

  it('blocks are as fine as prompts of hundreds of blocks allow', async () => {
    const sizeOf = async (total: number): Promise<number | undefined> =>
      (await opened(json(round(0, { input_tokens_total: total, newly_append_tokens: total })))).blockTokens;
    assert.deepEqual(
      [await sizeOf(200), await sizeOf(9000), await sizeOf(130_000), await sizeOf(1e6)],
      [16, 32, 256, 512],
    );
  });

  it('its own CSV: appended lengths, waits after the answer, one drawn arrival a session', async () => {
    const content =
      'id,input_len,output_len,arrival_time,round_idx,tool_wait_after_ms,prefix_len\n' +
      's,100,9,500.000000,0,20.500000,0\ns,28,8,500.000000,1,0.000000,100\nt,70,1,600.25,0,0,0\n';
    const source = await opened(content);
    assert.equal(source.format, 'tracelab-csv');
    const found = await requestsOf(source.open());
    assert.deepEqual(
      found.map(({ id, dueUs, inputTokens, newTokens, after }) => [id, dueUs, inputTokens, newTokens, after]),
      [
        ['s:0', 0, 100, 100, undefined],
        ['s:1', 20_500, 128, 28, [{ id: 's:0', thinkUs: 20_500 }]],
        ['t:0', 100_250, 70, 70, undefined],
      ],
    );
    assert.deepEqual(
      found.map(({ blocks }) => blocks),
      [[0], [0, 1], [2]],
    );
    assert.match(source.notes().join('\n'), /arrival times are not those of the real sessions/);
    await assert.rejects(read(content.replace('28,8', '0,8')), /:3:2: zero_length: input_len/);
  });
});

describe('RAGPulse and Bidaw', () => {
  const ids = { sys_prompt: [8325], passages_ids: [6123, 7239], history: [15215], web_search: [], user_input: [23648] };
  const row = { timestamp: '27', input_length: 3861, output_length: 127, hash_ids: ids, session_id: 's' };
  it('RAGPulse: seconds as texts, sessions, parts of prompts that are no blocks', async () => {
    const content = `${json(row, { ...row, timestamp: '26' }, { ...row, timestamp: '30.5', session_id: 't' })}\n`;
    const source = await opened(content);
    assert.deepEqual([source.format, source.blockTokens], ['ragpulse', undefined]);
    assert.deepEqual(
      (await requestsOf(source.open())).map(({ dueUs, session, turn, blocks }) => [dueUs, session, turn, blocks]),
      [
        [0, 's', 0, undefined],
        [-1_000_000, 's', 1, undefined],
        [3_500_000, 't', 0, undefined],
      ],
    );
    assert.match(source.notes().join('\n'), /^no_prefix_blocks: hash_ids are of parts/);
    await assert.rejects(read(json({ ...row, timestamp: 'x' })), /:1: timestamp is "x", expected seconds/);
  });

  const head = 'user_id time_stamp(seconds) query_length response_length round_index\n';
  it('Bidaw: queries behind all that was said before, a session until its rounds begin again', async () => {
    const source = await opened(`${head}7 100  40 10 0\n7 143\t20 5 1\r\n8 143 3 4 0\n7 200 6 2 0`);
    assert.deepEqual([source.format, source.blockTokens], ['bidaw', 16]);
    const found = await requestsOf(source.open());
    assert.deepEqual(
      found.map(({ dueUs, session, turn, inputTokens, newTokens, user }) => [
        dueUs,
        session,
        turn,
        inputTokens,
        newTokens,
        user,
      ]),
      [
        [0, '7', 0, 40, 40, '7'],
        [43e6, '7', 1, 70, 20, '7'],
        [43e6, '8', 0, 3, 3, '8'],
        [100e6, '7#2', 0, 6, 6, '7'],
      ],
    );
    assert.equal(shared(found[0]?.blocks, found[1]?.blocks), 2);
    await assert.rejects(read(`${head}7 100 40 10 0\n7 101 0 10 1\n`), /:3:3: zero_length: query_length/);
  });
});

describe('AIPerf', () => {
  it('prompts that have nothing but a text, and perhaps an image', async () => {
    const source = await opened(
      json({ text: 'What is it?', image: 'a.png' }, { type: 'single_turn', text: 'And it?' }),
    );
    assert.deepEqual([source.format, source.starts], ['aiperf-untimed', 'none']);
    assert.equal((await requestsOf(source.open())).length, 2);
  });

  it('multi_turn: a session a row, texts that are new, delays from the answer before', async () => {
    const source = await opened(
      json(
        {
          session_id: 'a',
          turns: [
            { text: 'x'.repeat(40), timestamp: 1000, output_length: 9 },
            { text: 'yyyy', delay: 2.5, output_length: 3, role: 'user' },
          ],
        },
        {
          turns: [
            {
              texts: ['a', { name: 'n', contents: ['b', 'c'] }],
              timestamp: 1500,
              image: 'http://x/i.png',
              extra: { top_p: 0.5 },
            },
          ],
        },
      ),
    );
    assert.deepEqual([source.format, source.starts], ['aiperf', undefined]);
    const found = await requestsOf(source.open());
    assert.deepEqual(found.slice(0, 2), [
      {
        id: 'r0',
        traceRow: 1,
        dueUs: 0,
        inputTokens: 10,
        outputTokens: 9,
        prompt: { kind: 'text', text: 'x'.repeat(40) },
        isEstimated: true,
        session: 'a',
        turn: 0,
      },
      {
        id: 'r1',
        traceRow: 1,
        dueUs: 2500,
        inputTokens: 20,
        outputTokens: 3,
        prompt: { kind: 'messages', messages: [{ role: 'user', content: 'yyyy' }] },
        isEstimated: true,
        session: 'a',
        turn: 1,
        newTokens: 1,
        after: [{ id: 'r0', thinkUs: 2500 }],
      },
    ]);
    const { prompt, media, params, session, dueUs } = found[2] ?? assert.fail();
    assert.deepEqual(
      [prompt, media, params, session, dueUs],
      [
        { kind: 'text', text: 'a\nb\nc' },
        [{ kind: 'image', ref: 'http://x/i.png' }],
        { top_p: 0.5 },
        'session-2',
        500_000,
      ],
    );
  });

  it('single_turn and texts of Mooncake rows: without times a session at once, whole prompts or new ones', async () => {
    const source = await opened(
      json(
        { text: 'abcd', session_id: 's', output_length: 2 },
        { text: 'z', output_length: 1 },
        { text: 'abcdefgh', session_id: 's', output_length: 2, delay: 4 },
        { text_input: 'abcd', session_id: 't', output_length: 2 },
        { text_input: 'abcd', session_id: 't', output_length: 2 },
        { messages: [{ role: 'user', content: 'abcd' }], message_mode: 'delta', session_id: 't', tools: [{}] },
        { payload: { model: 'm', prompt: 'abcd', max_tokens: 50 }, session_id: 'v' },
      ),
    );
    assert.deepEqual([source.format, source.starts], ['aiperf-untimed', 'none']);
    assert.deepEqual(
      (await requestsOf(source.open())).map(({ id, session, inputTokens, outputTokens, newTokens, dueUs }) => [
        id,
        session,
        inputTokens,
        outputTokens,
        newTokens,
        dueUs,
      ]),
      [
        ['r1', undefined, 1, 1, undefined, 0],
        ['r0', 's', 1, 2, undefined, 0],
        ['r2', 's', 2, 2, undefined, 4000],
        ['r3', 't', 1, 2, undefined, 0],
        ['r4', 't', 4, 2, 1, 0],
        ['r5', 't', 8, 256, 2, 0],
        ['r6', 'v', 1, 50, undefined, 0],
      ],
    );
    assert.match(source.notes().join('\n'), /256 tokens are taken/);
  });

  it('names what is wrong', async () => {
    await assert.rejects(
      read(json({ turns: [{ text: 'a', timestamp: 0 }, { delay: 'x' }] })),
      /turns\[1\]\.delay is "x"/,
    );
    await assert.rejects(read(json({ turns: [{ text: 'a', timestamp: 0 }, { delay: 1 }] })), /the turn sends nothing/);
    await assert.rejects(
      read(json({ turns: [{ text: 'a', timestamp: 0 }, { text: 'b' }] })),
      /missing_time: timestamp/,
    );
    await assert.rejects(read(json({ text: 'a', output_length: 0 })), /:1: output_length is 0/);
  });
});

describe('ATIF', () => {
  const second = (s: number): string => `2026-01-05T10:00:${String(s).padStart(2, '0')}Z`;
  const agent = (s: number, prompt: number, more: object = {}): object => ({
    source: 'agent',
    timestamp: second(s),
    message: 'ok',
    metrics: { prompt_tokens: prompt, completion_tokens: 5, cost_usd: 0.1 },
    ...more,
  });
  const user = { step_id: 1, source: 'user', timestamp: second(0), message: 'x'.repeat(80) };
  const trajectory = (steps: readonly object[], more: object = {}): object => ({
    schema_version: 'ATIF-v1.7',
    session_id: 'run',
    agent: { name: 'a', version: '1', model_name: 'm' },
    steps,
    ...more,
  });

  it('a step of the agent that called its model once is a request; copied, tool and aggregate steps are not or are said', async () => {
    const content = json(
      trajectory([
        user,
        agent(3, 100, { metrics: { prompt_tokens: 100, completion_tokens: 5, cached_tokens: 40 } }),
        agent(4, 999, { is_copied_context: true }),
        agent(5, 999, { llm_call_count: 0 }),
        agent(9, 160, { llm_call_count: 2, model_name: 'other' }),
        agent(12, 40),
      ]),
      trajectory([agent(1, 20, { timestamp: null })], { schema_version: 'ATIF-v1.2' }),
    );
    const source = await opened(content);
    assert.deepEqual([source.format, source.starts, source.blockTokens], ['atif', 'none', 16]);
    const found = await requestsOf(source.open());
    assert.deepEqual(
      found.map(({ id, session, turn, dueUs, inputTokens, model, parent, after }) => [
        id,
        session,
        turn,
        dueUs,
        inputTokens,
        model,
        parent,
        after,
      ]),
      [
        ['run:1', 'run', 0, 0, 100, 'm', undefined, undefined],
        ['run:4', 'run', 1, 6e6, 160, 'other', 'run:1', undefined],
        ['run:5', 'run', 2, 9e6, 40, 'm', 'run:4', undefined],
        ['run#2:0', 'run#2', 0, 0, 20, 'm', undefined, undefined],
      ],
    );
    assert.deepEqual(found[0]?.source, { cachedTokens: 40 });
    assert.deepEqual([shared(found[0]?.blocks, found[1]?.blocks), shared(found[1]?.blocks, found[2]?.blocks)], [6, 0]);
    assert.match(source.notes().join('\n'), /several calls of the model counts as one[^]*upper bound of think time/);
  });

  it('a step whose call was broken off, with no token of a prompt or an answer, is left out, by name', async () => {
    const step = (prompt_tokens: number, completion_tokens: number): object => ({
      source: 'agent',
      metrics: { prompt_tokens, completion_tokens },
    });
    const content = json(trajectory([user, step(9, 1), step(0, 0), step(9, 0), step(12, 2)]));
    assert.deepEqual(
      (await read(content)).map(({ inputTokens, isEstimated }) => [inputTokens, isEstimated]),
      [
        [9, undefined],
        [12, undefined],
      ],
    );
    assert.match(await notes(content), /rows left out: 1 \(0 prompt tokens\), 1 \(0 completion tokens\)/);
  });

  it('without metrics the lengths are those of the texts before, as an estimate', async () => {
    const [one, two] = await read(
      json(
        trajectory([
          user,
          { source: 'agent', message: 'abcdefgh' },
          { source: 'agent', message: [{ type: 'text', text: 'abcd' }] },
        ]),
      ),
    );
    assert.deepEqual([one?.inputTokens, one?.outputTokens, one?.isEstimated], [20, 2, true]);
    assert.deepEqual([two?.inputTokens, two?.outputTokens], [22, 1]);
  });

  it('the steps before it are the messages of a request; images are counted, and what is not sent is said', async () => {
    const call = (id: string): object => ({ tool_call_id: id, function_name: 'run', arguments: { x: 1 } });
    const steps = [
      { source: 'agent', message: 'nobody has asked' },
      { source: 'system', message: 'be brief' },
      {
        source: 'user',
        message: [
          { type: 'text', text: 'look' },
          { type: 'image', source: { media_type: 'image/png', path: 'images/a.png' } },
        ],
      },
      {
        source: 'agent',
        message: '',
        tool_calls: [call('c1'), call('c2')],
        observation: {
          results: [
            { content: 'unnamed' },
            { source_call_id: 'c1', content: [{ type: 'text', text: 'one' }] },
            { content: 'more' },
          ],
        },
      },
      { source: 'agent', message: 'done', is_copied_context: true },
      agent(9, 160),
    ];
    const source = await opened(json(trajectory(steps)));
    const [first, asking, third] = await requestsOf(source.open());
    assert.deepEqual([first?.prompt, first?.media], [undefined, undefined]);
    const asked = [
      { role: 'assistant', content: 'nobody has asked' },
      { role: 'system', content: 'be brief' },
      { role: 'user', content: 'look' },
    ];
    assert.deepEqual(asking?.prompt, { kind: 'messages', messages: asked });
    assert.deepEqual(asking?.media, [{ kind: 'image', ref: 'images/a.png' }]);
    const called = (id: string): object => ({ id, type: 'function', function: { name: 'run', arguments: '{"x":1}' } });
    assert.deepEqual(third?.prompt, {
      kind: 'messages',
      messages: [
        ...asked,
        { role: 'assistant', content: null, tool_calls: [called('c1'), called('c2')] },
        { role: 'tool', tool_call_id: 'c1', content: 'one' },
        { role: 'tool', tool_call_id: 'c2', content: 'unnamed' },
        { role: 'user', content: 'more' },
        { role: 'assistant', content: 'done' },
      ],
    });
    assert.equal(third?.inputTokens, 160);
    assert.match(source.notes().join('\n'), /messages of the steps are sent.*images and definitions of tools are not/);
  });

  it('subagents that stand in a trajectory are branches: behind the step that refers to them, before the next', async () => {
    const refers = {
      observation: {
        results: [
          { content: 'x', subagent_trajectory_ref: [{ trajectory_id: 'sub' }, { trajectory_path: 'else.json' }] },
        ],
      },
    };
    const sub = trajectory([{ ...user, timestamp: second(4) }, agent(5, 30), agent(8, 60)], { trajectory_id: 'sub' });
    const found = await read(
      json(
        trajectory([user, agent(2, 100, refers), agent(10, 150)], {
          trajectory_id: 'main',
          subagent_trajectories: [sub],
        }),
      ),
    );
    assert.deepEqual(
      found.map(({ id, agent: branch, turn, dueUs, parent, after }) => [id, branch, turn, dueUs, parent, after]),
      [
        ['main:1', undefined, 0, 0, undefined, undefined],
        ['main:0.1', 'sub', 1, 3e6, 'main:1', undefined],
        ['main:0.2', 'sub', 2, 6e6, 'main:0.1', undefined],
        [
          'main:2',
          undefined,
          3,
          8e6,
          'main:1',
          [
            { id: 'main:1', thinkUs: 8e6 },
            { id: 'main:0.2', thinkUs: 0 },
          ],
        ],
      ],
    );
  });

  it('names what is wrong', async () => {
    await assert.rejects(
      read(json(trajectory([agent(0, 0.5)]))),
      /:1: non_integer_length: steps\[0\]\.metrics\.prompt_tokens is 0\.5/,
    );
    await assert.rejects(
      read(json(trajectory([agent(0, 5, { timestamp: 'then' })]))),
      /steps\[0\]\.timestamp is "then"/,
    );
    await assert.rejects(
      read(json(trajectory([{ source: 'tool' }]))),
      /steps\[0\]\.source is "tool", expected "system"/,
    );
  });
});

describe('Applied Compute and SGLang', () => {
  const row = {
    num_turns: 2,
    input_prompt_length: 4096,
    assistant_response_length: [128, 96],
    tool_call_output_length: [512, 0],
    tool_call_latency: [1.4, 0.8],
    final_assistant_response_length: 64,
  };
  it('Applied Compute: each prompt is the one before, its answer and what its tools gave', async () => {
    const source = await opened(
      json(row, {
        ...row,
        num_turns: 0,
        assistant_response_length: [],
        tool_call_output_length: [],
        tool_call_latency: [],
      }),
    );
    assert.deepEqual([source.format, source.starts], ['applied-compute', 'none']);
    const found = await requestsOf(source.open());
    assert.deepEqual(
      found.map(({ id, inputTokens, outputTokens, newTokens, dueUs, after }) => [
        id,
        inputTokens,
        outputTokens,
        newTokens,
        dueUs,
        after,
      ]),
      [
        ['session-1:0', 4096, 128, undefined, 0, []],
        ['session-1:1', 4736, 96, 512, 1_400_000, [{ id: 'session-1:0', thinkUs: 1_400_000 }]],
        ['session-1:2', 4832, 64, undefined, 2_200_000, [{ id: 'session-1:1', thinkUs: 800_000 }]],
        ['session-2:0', 4096, 64, undefined, 0, []],
      ],
    );
    assert.equal(shared(found[1]?.blocks, found[2]?.blocks), 4736 / 16);
    await assert.rejects(
      read(json({ ...row, num_turns: 3 })),
      /:1: assistant_response_length has 2 entries, expected 3/,
    );
    await assert.rejects(read(json({ ...row, tool_call_latency: [-1, 0] })), /:1: tool_call_latency is \[-1,0\]/);
  });

  it('rollouts: a stream a row, each prompt with what its environment said', async () => {
    const stream = { group: 0, stream: 0, prompt_len: 7570, out_lens: [399, 65, 57], obs_lens: [23, 942, 2126] };
    const source = await opened(json(stream, { ...stream, stream: 1, obs_lens: [23, 942] }));
    assert.deepEqual([source.format, source.starts], ['rollouts', 'none']);
    const found = await requestsOf(source.open());
    assert.deepEqual(
      found
        .slice(0, 4)
        .map(({ id, inputTokens, outputTokens, newTokens, after }) => [
          id,
          inputTokens,
          outputTokens,
          newTokens,
          after,
        ]),
      [
        ['group-0-stream-0:0', 7570, 399, undefined, []],
        ['group-0-stream-0:1', 7992, 65, 23, [{ id: 'group-0-stream-0:0', thinkUs: 0 }]],
        ['group-0-stream-0:2', 8999, 57, 942, [{ id: 'group-0-stream-0:1', thinkUs: 0 }]],
        ['group-0-stream-1:0', 7570, 399, undefined, []],
      ],
    );
    assert.equal(shared(found[0]?.blocks, found[1]?.blocks), Math.floor(7570 / 16));
    assert.equal(shared(found[0]?.blocks, found[3]?.blocks), 0);
    await assert.rejects(read(json(stream, stream)), /:2: duplicate_id: "group-0-stream-0"/);
    await assert.rejects(read(json({ ...stream, obs_lens: [1] })), /:1: obs_lens has 1 entries, expected 3/);
  });

  it('SGLang: new messages a turn, whole prompts counted, answers as long as the next prompt leaves room', async () => {
    const say = (content: string): object[] => [{ role: 'user', content }];
    const source = await opened(
      json({
        metadata: {},
        conversations: [
          [
            { messages: say('x'.repeat(400)), prompt_tokens: 100 },
            { messages: say('y'.repeat(40)), prompt_tokens: 150 },
          ],
          [{ messages: say('abcd') }],
        ],
      }),
    );
    assert.deepEqual([source.format, source.starts], ['sglang-agentic', 'none']);
    assert.deepEqual(
      (await requestsOf(source.open())).map(({ id, inputTokens, outputTokens, newTokens }) => [
        id,
        inputTokens,
        outputTokens,
        newTokens,
      ]),
      [
        ['conversation-1-0:0', 100, 40, undefined],
        ['conversation-1-0:1', 150, 256, 10],
        ['conversation-1-1:0', 1, 256, undefined],
      ],
    );
    await assert.rejects(
      read(json({ conversations: [[{ messages: [] }]] })),
      /conversations\[0\]\[0\]\.messages is \[\]/,
    );
  });
});
