import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { requestsOf } from '../temporary-files.ts';
import { lines, reader, shared, strictReader } from './reading.ts';

const { notes, opened, read } = strictReader();

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
    const content = lines(
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
    const content = lines(trajectory([user, step(9, 1), step(0, 0), step(9, 0), step(12, 2)]));
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
      lines(
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
    const source = await opened(lines(trajectory(steps)));
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
      lines(
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

  it('a step without a time comes no earlier than the first that has one, and no later than the one before it', async () => {
    const steps = [
      user,
      agent(0, 9, { timestamp: null }),
      agent(5, 12),
      agent(0, 15, { timestamp: null }),
      agent(9, 20),
    ];
    const undated = steps.map((step, at) => (at === 0 ? { ...user, timestamp: null } : step));
    for (const [its, due] of [
      [steps, [0, 5e6, 5e6, 9e6]],
      [undated, [0, 0, 0, 4e6]],
    ] as const)
      assert.deepEqual(
        (await read(lines(trajectory(its)))).map(({ dueUs }) => dueUs),
        due,
      );
  });

  it('prompt tokens that count what was not cached are told, and whole where the user says so', async () => {
    const text = lines(
      trajectory([
        user,
        agent(1, 12, { metrics: { prompt_tokens: 12, completion_tokens: 5, cached_tokens: 300 } }),
        agent(2, 1, { metrics: null }),
      ]),
    );
    assert.match(await notes(text), /1 row: more cached tokens than prompt tokens.*--input-is uncached adds/);
    const { requests, notes: others } = await reader()(text, { inputIs: 'uncached' });
    assert.deepEqual(
      requests.map(({ inputTokens }) => inputTokens),
      [312, 317],
    );
    assert.doesNotMatch(others.join(), /more cached tokens/);
  });

  it('whatever may be null is, and texts may be parts', async () => {
    const empty = { message: null, reasoning_content: null, tool_calls: null, extra: null, llm_call_count: null };
    const steps = [
      { ...user, message: [{ type: 'text', text: 'abcd' }] },
      agent(1, 100, { ...empty, observation: null }),
      agent(2, 120, { observation: { results: null } }),
      agent(3, 140, { observation: { results: [{ source_call_id: null, content: null }] }, metrics: null }),
    ];
    const found = await read(
      lines(trajectory(steps, { final_metrics: null, notes: null, subagent_trajectories: null })),
    );
    assert.deepEqual(
      found.map(({ inputTokens, isEstimated }) => [inputTokens, isEstimated]),
      [
        [100, undefined],
        [120, undefined],
        // The prompt of the step before and its answer.
        [125, true],
      ],
    );
  });

  it('is known where its version stands behind more steps than are looked at', async () => {
    const steps = Array.from({ length: 1500 }, (_, i) => ({
      step_id: i + 1,
      ...agent(5, 9, { message: 'x'.repeat(800) }),
    }));
    const source = await opened(JSON.stringify({ steps, schema_version: 'ATIF-v1.7' }));
    assert.equal(source.format, 'atif');
    assert.equal((await requestsOf(source.open())).length, 1500);
  });

  it('a subagent in a file of its own is said to be a session of its own', async () => {
    const observation = { results: [{ subagent_trajectory_ref: [{ trajectory_path: 'trajectory.sub.json' }] }] };
    assert.match(
      await notes(lines(trajectory([user, agent(1, 20, { observation })]))),
      /1 row: a subagent in a file of its own is a session of its own/,
    );
  });

  it('names what is wrong', async () => {
    await assert.rejects(
      read(lines(trajectory([agent(0, 5)], { schema_version: 'ATIF-v2.0' }))),
      /:1: schema_version is "ATIF-v2\.0", expected "ATIF-v1\." and a number/,
    );
    await assert.rejects(
      read(lines(trajectory([agent(0, 0.5)]))),
      /:1: non_integer_length: steps\[0\]\.metrics\.prompt_tokens is 0\.5/,
    );
    await assert.rejects(
      read(lines(trajectory([agent(0, 5, { timestamp: 'then' })]))),
      /steps\[0\]\.timestamp is "then"/,
    );
    await assert.rejects(
      read(lines(trajectory([{ source: 'tool' }]))),
      /steps\[0\]\.source is "tool", expected "system"/,
    );
  });
});
