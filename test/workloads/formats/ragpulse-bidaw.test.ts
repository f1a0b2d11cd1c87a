import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { requestsOf } from '../temporary-files.ts';
import { lines, shared, strictReader } from './reading.ts';

const { opened, read } = strictReader();

describe('RAGPulse and Bidaw', () => {
  const ids = { sys_prompt: [8325], passages_ids: [6123, 7239], history: [15215], web_search: [], user_input: [23648] };
  const row = { timestamp: '27', input_length: 3861, output_length: 127, hash_ids: ids, session_id: 's' };
  it('RAGPulse: seconds as texts, sessions, parts of prompts that are no blocks', async () => {
    const content = `${lines(row, { ...row, timestamp: '26' }, { ...row, timestamp: '30.5', session_id: 't' })}\n`;
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
    await assert.rejects(read(lines({ ...row, timestamp: 'x' })), /:1: timestamp is "x", expected seconds/);
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
    const rows = '7 100 40 10 0\n7 143 20 5 1\n';
    for (const other of [`${head}${rows}`.replace('(seconds)', ''), `${head}${rows}`.replaceAll(' ', ',')])
      assert.deepEqual(await read(other), await read(`${head}${rows}`));
  });
});
