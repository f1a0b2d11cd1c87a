import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { requestsOf } from '../temporary-files.ts';
import { lines, shared, strictReader } from './reading.ts';

const { opened, read } = strictReader();

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
      lines(row, {
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
      read(lines({ ...row, num_turns: 3 })),
      /:1: assistant_response_length has 2 entries, expected 3/,
    );
    await assert.rejects(read(lines({ ...row, tool_call_latency: [-1, 0] })), /:1: tool_call_latency is \[-1,0\]/);
  });

  it('rollouts: a stream a row, each prompt with what its environment said', async () => {
    const stream = { group: 0, stream: 0, prompt_len: 7570, out_lens: [399, 65, 57], obs_lens: [23, 942, 2126] };
    const source = await opened(lines(stream, { ...stream, stream: 1, obs_lens: [23, 942] }));
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
    await assert.rejects(read(lines(stream, stream)), /:2: duplicate_id: "group-0-stream-0"/);
    await assert.rejects(read(lines({ ...stream, obs_lens: [1] })), /:1: obs_lens has 1 entries, expected 3/);
  });

  it('SGLang: new messages a turn, whole prompts counted, answers as long as the next prompt leaves room', async () => {
    const say = (content: string): object[] => [{ role: 'user', content }];
    const source = await opened(
      lines({
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
      read(lines({ conversations: [[{ messages: [] }]] })),
      /conversations\[0\]\[0\]\.messages is \[\]/,
    );
  });
});
