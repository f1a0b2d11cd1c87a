import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { lines, reader } from './reading.ts';

const read = reader();
const row = {
  timestamp_start_unix_ms: 1_760_000_000_123,
  prompt: 'abcd',
  input_tokens: 40,
  output_tokens: 5,
  total_hashes: [11, '9f86d081884c7d65', 33],
  provided_session_id: null,
  poor_man_session_id: 7,
  duration_e2e_ms: 900,
  duration_ttft_ms: 90.5,
  cached_tokens_reference: 16,
  model_name: 'm',
  org_id: 3,
  block_size: 16,
};

describe('Baseten', () => {
  it('a request a row, its hashes of blocks numbered; a last block that is not full may have none', async () => {
    const { format, requests, bad, leftOut } = await read(
      lines(
        row,
        { ...row, timestamp_start_unix_ms: 1_760_000_001_000, total_hashes: [11, '9f86d081884c7d65'] },
        { ...row, total_hashes: null, provided_session_id: 's' },
        { ...row, output_tokens: 0 },
      ),
    );
    assert.deepEqual([format, bad, leftOut], ['baseten', [], ['4: 0 output_tokens']]);
    assert.deepEqual(requests[0], {
      id: 'r0',
      traceRow: 1,
      dueUs: 0,
      inputTokens: 40,
      outputTokens: 5,
      session: '7',
      model: 'm',
      user: '3',
      prompt: { kind: 'text', text: 'abcd' },
      blocks: [0, 1, 2],
      source: { ttftUs: 90_500, e2eUs: 900_000, cachedTokens: 16 },
    });
    assert.deepEqual(
      requests.slice(1).map(({ dueUs, session, blocks }) => [dueUs, session, blocks]),
      [
        [877_000, '7', [0, 1]],
        [0, 's', undefined],
      ],
    );
  });

  it('names what is wrong', async () => {
    const { bad } = await read(
      lines(
        row,
        { ...row, total_hashes: [1] },
        { ...row, total_hashes: 5 },
        { ...row, block_size: 32 },
        { ...row, timestamp_start_unix_ms: -1 },
      ),
    );
    const expected = [
      /^2: block_count_mismatch: total_hashes has 1 ids, expected 3 for input_tokens 40 in blocks of 16/,
      /^3: total_hashes is 5, expected a list of hashes/,
      /^4: block_size is 32, expected 16, as in the first row/,
      /^5: negative: timestamp_start_unix_ms is "-1"/,
    ];
    assert.equal(bad.length, expected.length);
    for (const [at, names] of expected.entries()) assert.match(bad[at] ?? '', names);
  });
});

describe("ServeGen's conversations", () => {
  const turn = (at: number, timestamp: unknown, more: object = {}): object => ({
    turn: at,
    timestamp,
    input_token_count: 20,
    output_token_count: 5,
    input_tokens: [1, 2],
    output_tokens: [3],
    ...more,
  });
  it('sessions whose turns overlap, in order of time and without blocks', async () => {
    const text = JSON.stringify([[turn(0, 50.5), turn(1, 80)], [turn(0, 60)]], null, 1);
    const { format, blockTokens, requests, notes } = await read(text);
    assert.deepEqual([format, blockTokens], ['servegen-conversations', undefined]);
    assert.deepEqual(
      requests.map(({ dueUs, session, turn: its, blocks }) => [dueUs, session, its, blocks]),
      [
        [0, 'conversation-1', 0, undefined],
        [9.5e6, 'conversation-2', 0, undefined],
        [29.5e6, 'conversation-1', 1, undefined],
      ],
    );
    assert.match(notes.join(), /^no_prefix_blocks/);
  });
  it('names what is wrong', async () => {
    const { bad, requests } = await read(
      JSON.stringify([[turn(0, 1), 5, turn(2, 'soon'), turn(3, 4, { output_token_count: 0 })], turn(0, 1)]),
    );
    assert.equal(requests.length, 1);
    const expected = [
      /^1: turn 1: 5 is no turn, expected an object/,
      /^1: turn 2: timestamp is "soon", expected seconds/,
      /^1: turn 3: zero_length: output_token_count is 0/,
      /^2: the line is \{.*expected a list of turns/,
    ];
    assert.equal(bad.length, expected.length, bad.join('\n'));
    for (const [at, names] of expected.entries()) assert.match(bad[at] ?? '', names);
  });
});
