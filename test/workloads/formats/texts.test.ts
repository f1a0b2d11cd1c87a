import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import { COMMON_WORDS, readTokenizer } from '../../../workloads/index.ts';
import { tokenizerJson } from '../prompts/tokenizers.ts';
import { temporaryFiles } from '../temporary-files.ts';
import { lines, reader } from './reading.ts';

const read = reader();
const file = temporaryFiles();
const user = (content: string): object => ({ role: 'user', content });

describe('conversations', () => {
  it('each answer is a request with all before it as its prompt; lengths are four characters a token', async () => {
    const { format, starts, requests, notes } = await read(
      lines({
        id: 'QWJhYvA_0',
        conversations: [
          { from: 'system', value: 'be kind' },
          { from: 'human', value: 'hello there' },
          { from: 'gpt', value: 'I am fine' },
          { from: 'human', value: 'and you' },
          { from: 'chatgpt', value: 'too' },
        ],
      }),
    );
    assert.deepEqual([format, starts], ['sharegpt', 'none']);
    const [first, second] = requests;
    assert.deepEqual(first, {
      id: 'r0',
      traceRow: 1,
      dueUs: 0,
      turn: 0,
      inputTokens: 2 + 3,
      outputTokens: 3,
      prompt: { kind: 'messages', messages: [{ role: 'system', content: 'be kind' }, user('hello there')] },
      isEstimated: true,
      session: 'QWJhYvA_0',
    });
    assert.deepEqual([second?.turn, second?.inputTokens, second?.outputTokens, second?.newTokens], [1, 10, 1, 2]);
    assert.deepEqual(second?.after, [{ id: 'r0', thinkUs: 0 }]);
    assert.match(notes.join('\n'), /4 characters a token; --tokenizer FILE counts them\n.*no arrival times/s);
  });

  it('a piece that begins with an answer does not take it for a prompt; what has no answer is counted', async () => {
    const { requests, leftOut, bad } = await read(
      lines(
        {
          id: 'a',
          conversations: [
            { from: 'gpt', value: 'as I said' },
            { from: 'human', value: 'why' },
            { from: 'bard', value: 'so' },
          ],
        },
        { id: 'b', conversations: [] },
        {
          id: 'c',
          conversations: [
            { from: 'user', value: 'x' },
            { from: 'bing', value: '' },
          ],
        },
        { id: 'd', conversations: [{ from: 'gpt', value: 'alone' }] },
      ),
    );
    assert.deepEqual(
      requests.map(({ prompt, session }) => [prompt, session]),
      [[{ kind: 'messages', messages: [user('why')] }, 'a']],
    );
    assert.deepEqual(bad, []);
    assert.deepEqual(leftOut, [
      '1: an answer without a question before it',
      '2: a conversation without messages',
      '3: an empty answer',
      '3: a conversation without an answer',
      '4: an answer without a question before it',
    ]);
  });

  it('ids that stand twice are two sessions; a sender that is none is named', async () => {
    const turn = [
      { from: 'human', value: 'q' },
      { from: 'gpt', value: 'a' },
    ];
    const { requests, bad } = await read(
      lines(
        { id: 'x', conversations: turn },
        { id: 'x', conversations: turn },
        { id: 'y', conversations: [{ from: 'alien', value: '' }] },
      ),
    );
    assert.deepEqual(
      requests.map(({ session }) => session),
      ['x', 'x#2'],
    );
    assert.match(bad[0] ?? '', /^3: the sender of conversations\[0\] is "alien", expected one of human, user, gpt/);
  });

  it("SGLang's sets have no senders: the messages take turns", async () => {
    const { requests } = await read(lines({ conversations: [{ content: 'q' }, { content: 'abcdefgh' }] }));
    assert.deepEqual(
      requests.map(({ prompt, outputTokens, session }) => [prompt, outputTokens, session]),
      [[{ kind: 'messages', messages: [user('q')] }, 2, 'conversation-1']],
    );
  });

  it('LMSYS and WildChat', async () => {
    const conversation = [user('hi'), { role: 'assistant', content: 'hello' }];
    const lmsys = await read(
      lines({ conversation_id: 'c', model: 'vicuna-13b', conversation, turn: 1, language: 'English', redacted: false }),
    );
    assert.deepEqual(
      [lmsys.format, lmsys.requests[0]?.session, lmsys.requests[0]?.model],
      ['lmsys-chat', 'c', 'vicuna-13b'],
    );
    const wild = await read(
      lines({
        conversation_hash: 'h',
        model: 'gpt-4',
        timestamp: '2023-04-09 00:02:53',
        conversation,
        turn: 1,
        toxic: false,
      }),
    );
    assert.deepEqual([wild.format, wild.starts, wild.requests[0]?.dueUs], ['wildchat', 'none', 0]);
    assert.match(wild.notes.join('\n'), /keys not used: .*timestamp/);
  });

  it('of any conversation, what is new in a prompt is what no earlier prompt or answer had', () =>
    fc.assert(
      fc.asyncProperty(
        // A text of no token counts as one where it is a whole prompt.
        fc.array(
          fc.record({ from: fc.constantFrom('human', 'gpt'), value: fc.string({ minLength: 1, maxLength: 40 }) }),
          { maxLength: 12 },
        ),
        async (conversations) => {
          const { requests } = await read(lines({ id: 's', conversations }));
          for (const [i, request] of requests.entries()) {
            const before = requests[i - 1];
            assert.equal(request.turn, i);
            if (before === undefined || request.newTokens === undefined) continue;
            assert.equal(request.newTokens, request.inputTokens - before.inputTokens - before.outputTokens);
          }
        },
      ),
      { numRuns: 200 },
    ));
});

it('a tokenizer counts the texts, whose lengths are then no estimates', async () => {
  const tokenizer = file('tokenizer.json', JSON.stringify(tokenizerJson({ space: 'Ġ', words: COMMON_WORDS })));
  const text = lines({ prompt: 'The old red car', output_tokens: 2 });
  const { requests, notes } = await read(text, { tokenizer });
  const { encode } = await readTokenizer(tokenizer);
  assert.deepEqual([requests[0]?.inputTokens, requests[0]?.isEstimated], [encode('The old red car').length, undefined]);
  assert.match(notes.join('\n'), /lengths are counted by .*tokenizer\.json, without what a chat template adds/);
});

describe('sets of prompts', () => {
  it("vLLM's custom set: a prompt, and perhaps its output tokens", async () => {
    const { format, requests, notes } = await read(lines({ prompt: 'hello you', output_tokens: 5 }, { prompt: 'x' }));
    assert.equal(format, 'prompts');
    assert.deepEqual(requests[0], {
      id: 'r0',
      traceRow: 1,
      dueUs: 0,
      inputTokens: 3,
      outputTokens: 5,
      prompt: { kind: 'text', text: 'hello you' },
      isEstimated: true,
    });
    assert.equal(requests[1]?.outputTokens, 256);
    assert.match(notes.join('\n'), /1 row: how long the answer is does not stand there, 256 tokens are taken/);
  });
  it('GuideLLM counts the tokens of its prompts; ids count themselves', async () => {
    const { requests, bad } = await read(
      lines(
        { prompt: 'hello', prompt_tokens_count: 7, output_tokens_count: 9 },
        { prompt: [5, 6, 7], output_tokens: 1 },
        { prompt: 5 },
      ),
    );
    assert.deepEqual(
      requests.map(({ inputTokens, outputTokens, isEstimated }) => [inputTokens, outputTokens, isEstimated]),
      [
        [7, 9, undefined],
        [3, 1, undefined],
      ],
    );
    assert.match(bad[0] ?? '', /^3: prompt is 5, expected a text/);
  });
  it('GuideLLM as CSV: texts in quotes over several lines, and lines as the file has them', async () => {
    const text = 'prompt,prompt_tokens_count,output_tokens_count,x\n"a, ""b""\nc",3,9,y\n,3,9,y\nd;e,4,,y\n';
    const { format, requests, bad, notes } = await read(text);
    assert.equal(format, 'prompts');
    assert.deepEqual(
      requests.map(({ prompt, inputTokens, outputTokens, isEstimated }) => [
        prompt,
        inputTokens,
        outputTokens,
        isEstimated,
      ]),
      [
        [{ kind: 'text', text: 'a, "b"\nc' }, 3, 9, undefined],
        [{ kind: 'text', text: 'd;e' }, 4, 256, undefined],
      ],
    );
    assert.match(bad.join(), /^4: prompt is null, expected a text/);
    assert.doesNotMatch(notes.join('\n'), /estimates/);
    assert.match(notes.join('\n'), /keys not used: x/);
  });

  it('messages with the fields that shape the answer, and without those that a run decides', async () => {
    const { format, requests } = await read(
      lines({
        messages: [user('12345678')],
        max_tokens: 100,
        temperature: 0.5,
        tools: [{ type: 'function' }],
        stream: true,
        n: 3,
      }),
    );
    assert.equal(format, 'messages');
    assert.deepEqual(requests[0], {
      id: 'r0',
      traceRow: 1,
      dueUs: 0,
      inputTokens: 2 + 6,
      outputTokens: 100,
      prompt: { kind: 'messages', messages: [user('12345678')] },
      isEstimated: true,
      params: { temperature: 0.5, tools: [{ type: 'function' }] },
    });
  });
  it('bodies of chats and of completions in one file, with their models', async () => {
    const body = { model: 'm', max_tokens: 4, temperature: 0, stream: true };
    const { format, requests, bad, notes } = await read(
      lines({ ...body, messages: [user('1234')] }, { ...body, prompt: '12345678' }, { ...body, messages: null }),
    );
    assert.equal(format, 'messages');
    assert.deepEqual(
      requests.map(({ inputTokens, prompt, model, params }) => [inputTokens, prompt?.kind, model, params]),
      [
        [1, 'messages', 'm', { temperature: 0 }],
        [2, 'text', 'm', { temperature: 0 }],
      ],
    );
    assert.match(bad.join(), /^3: messages is null, expected a list of messages with roles/);
    assert.match(notes.join('\n'), /keys not used: stream;/);
    const { requests: alone } = await read(lines({ ...body, prompt: 'x' }));
    assert.deepEqual([alone[0]?.model, alone[0]?.params], ['m', { temperature: 0 }]);
  });
  it('messages that end with an answer are a conversation', async () => {
    const { requests } = await read(lines({ messages: [user('q'), { role: 'assistant', content: 'abcd' }] }));
    assert.deepEqual([requests[0]?.outputTokens, requests[0]?.session], [1, 'conversation-1']);
  });
  it("AIPerf's inputs: sessions of bodies, sent as they are", async () => {
    const body = { model: 'm', messages: [user('1234')], max_completion_tokens: 8, stream: true };
    const { format, requests } = await read(lines({ data: [{ session_id: 's', payloads: [body, body] }] }));
    assert.equal(format, 'aiperf-inputs');
    assert.deepEqual(
      requests.map(({ session, turn, payload, outputTokens, model }) => [session, turn, payload, outputTokens, model]),
      [
        ['s', 0, body, 8, 'm'],
        ['s', 1, body, 8, 'm'],
      ],
    );
  });
  it('a data capture of SageMaker has times, bodies and usage', async () => {
    const row = (inferenceTime: string): object => ({
      captureData: {
        endpointInput: { data: JSON.stringify({ messages: [user('hi')] }), encoding: 'JSON' },
        endpointOutput: {
          data: JSON.stringify({ usage: { prompt_tokens: 11, completion_tokens: 3 } }),
          encoding: 'JSON',
        },
      },
      eventMetadata: { eventId: 'e', inferenceTime },
      eventVersion: '0',
    });
    const { format, starts, requests } = await read(lines(row('2026-04-29T00:03:18Z'), row('2026-04-29T00:03:20Z')));
    assert.deepEqual([format, starts], ['sagemaker', undefined]);
    assert.deepEqual(
      requests.map(({ dueUs, inputTokens, outputTokens, isEstimated }) => [
        dueUs,
        inputTokens,
        outputTokens,
        isEstimated,
      ]),
      [
        [0, 11, 3, undefined],
        [2e6, 11, 3, undefined],
      ],
    );
  });
});

describe("OpenAI's batches", () => {
  const body = { model: 'm', messages: [user('Hello world!')], max_tokens: 1000 };
  const input = (id: string, more: object = {}): object => ({
    custom_id: id,
    method: 'POST',
    url: '/v1/chat/completions',
    body,
    ...more,
  });
  const output = (id: string, status = 200): object => ({
    id: 'batch_req_1',
    custom_id: id,
    response: { status_code: status, request_id: 'x', body: { usage: { prompt_tokens: 9, completion_tokens: 12 } } },
    error: null,
  });
  it('bodies stand as they are; the limit is the length where nothing else tells', async () => {
    const { format, starts, requests } = await read(lines(input('a')));
    assert.deepEqual([format, starts], ['openai-batch', 'none']);
    assert.deepEqual(requests, [
      {
        id: 'a',
        traceRow: 1,
        dueUs: 0,
        inputTokens: 3,
        outputTokens: 1000,
        payload: body,
        isEstimated: true,
        model: 'm',
      },
    ]);
  });
  it('lines of the output file beside them, in any order, give the lengths', async () => {
    const { requests, notes, bad } = await read(
      lines(output('b'), input('a'), input('b'), output('other'), input('c'), output('c', 500)),
    );
    assert.deepEqual(bad, []);
    assert.deepEqual(
      requests.map(({ id, inputTokens, outputTokens, isEstimated, source }) => [
        id,
        inputTokens,
        outputTokens,
        isEstimated,
        source?.failed,
      ]),
      [
        ['a', 3, 1000, true, undefined],
        ['b', 9, 12, undefined, undefined],
        ['c', 9, 12, undefined, true],
      ],
    );
    assert.match(notes.join('\n'), /rows left out: 1 \(an answer without its request: /);
  });
  it('answers alone are counted, with what they lack', async () => {
    const { requests, leftOut } = await read(lines({ custom_id: 'a', response: { status_code: 200 }, error: null }));
    assert.deepEqual(requests, []);
    assert.match(leftOut.join(), /^1: an answer without its request: put the input file of the batch into one folder/);
  });

  it('other routes are left out, ids that stand twice and bodies that are none are named', async () => {
    const { leftOut, bad } = await read(
      lines(input('a'), input('a'), input('e', { url: '/v1/embeddings' }), input('x', { body: { input: 'x' } }), {
        custom_id: 5,
        body,
      }),
    );
    assert.deepEqual(leftOut, ['3: url /v1/embeddings']);
    assert.match(bad[0] ?? '', /^2: duplicate_id/);
    assert.match(bad[1] ?? '', /^4: body is \{"input":"x"\}, expected the body of a chat/);
    assert.match(bad[2] ?? '', /^5: custom_id is 5/);
  });
});

it('an object that is nested too deep is a bad row, whatever its brackets within texts', async () => {
  const deep = `{"messages":[{"role":"user","content":${'['.repeat(100_000)}${']'.repeat(100_000)}}]}`;
  const text = JSON.stringify({ messages: [user('['.repeat(5000))] });
  const { requests, bad } = await read(`${text}\n${deep}\n`);
  assert.equal(requests.length, 1);
  assert.match(bad[0] ?? '', /^2: the line is nested deeper than 1000 levels/);
});
