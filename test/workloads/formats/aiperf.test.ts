import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { requestsOf } from '../temporary-files.ts';
import { lines, strictReader } from './reading.ts';

const { opened, read } = strictReader();

describe('AIPerf', () => {
  it('prompts that have nothing but a text, and perhaps an image', async () => {
    const source = await opened(
      lines({ text: 'What is it?', image: 'a.png' }, { type: 'single_turn', text: 'And it?' }),
    );
    assert.deepEqual([source.format, source.starts], ['aiperf-untimed', 'none']);
    assert.equal((await requestsOf(source.open())).length, 2);
  });

  it('multi_turn: a session a row, texts that are new, delays from the answer before', async () => {
    const source = await opened(
      lines(
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
      lines(
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
      read(lines({ turns: [{ text: 'a', timestamp: 0 }, { delay: 'x' }] })),
      /turns\[1\]\.delay is "x"/,
    );
    await assert.rejects(read(lines({ turns: [{ text: 'a', timestamp: 0 }, { delay: 1 }] })), /the turn sends nothing/);
    await assert.rejects(
      read(lines({ turns: [{ text: 'a', timestamp: 0 }, { text: 'b' }] })),
      /missing_time: timestamp/,
    );
    await assert.rejects(read(lines({ text: 'a', output_length: 0 })), /:1: output_length is 0/);
  });
});
