import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { lines, reader, shared } from './reading.ts';

const read = reader();
const at = (s: number): string => new Date(Date.UTC(2026, 0, 5, 10, 0, s)).toISOString();
const row = (s: number, more: object): object => ({
  parentUuid: null,
  isSidechain: false,
  sessionId: 's',
  uuid: `u${s}`,
  timestamp: at(s),
  ...more,
});
const says = (s: number, more: object = {}): object =>
  row(s, { type: 'user', message: { role: 'user', content: 'x' }, ...more });
const answers = (s: number, id: string, counts: object, more: object = {}): object =>
  row(s, {
    type: 'assistant',
    requestId: `req_${id}`,
    message: { id, role: 'assistant', model: 'm', content: [{ type: 'text', text: 'y' }], usage: counts },
    ...more,
  });
const COUNTS = { input_tokens: 10, cache_creation_input_tokens: 90, cache_read_input_tokens: 0, output_tokens: 1 };

describe('transcripts of Claude Code', () => {
  it('a call is sent at the event before its answer, whose rows are one, and counts what was cached', async () => {
    const { format, starts, blockTokens, requests, bad, leftOut } = await read(
      lines(
        { type: 'summary', summary: 'x', leafUuid: 'u' },
        { type: 'mode', mode: 'normal', sessionId: 's' },
        says(0),
        answers(3, 'a', COUNTS),
        answers(4, 'a', { ...COUNTS, output_tokens: 25 }),
        says(6, { message: { role: 'user', content: [{ type: 'tool_result', tool_use_id: 't', content: null }] } }),
        // A subagent beside it.
        says(7, { isSidechain: true, agentId: 'b' }),
        answers(8, 'c', { input_tokens: 50, output_tokens: 4 }, { isSidechain: true, agentId: 'b' }),
        answers(9, 'd', { ...COUNTS, cache_creation_input_tokens: 30, cache_read_input_tokens: 100, output_tokens: 5 }),
      ),
    );
    assert.deepEqual([format, starts, blockTokens, bad, leftOut], ['claude-code', undefined, 16, [], []]);
    assert.deepEqual(
      requests.map(({ traceRow, session, turn, dueUs, inputTokens, outputTokens, source }) => [
        traceRow,
        session,
        turn,
        dueUs,
        inputTokens,
        outputTokens,
        source,
      ]),
      [
        [4, 's', 0, 0, 100, 25, { e2eUs: 4e6, cachedTokens: 0 }],
        [9, 's', 1, 6e6, 140, 5, { e2eUs: 3e6, cachedTokens: 100 }],
        [8, 's/b', 0, 7e6, 50, 4, { e2eUs: 1e6, cachedTokens: 0 }],
      ],
    );
    assert.equal(shared(requests[0]?.blocks, requests[1]?.blocks), 6);
    assert.equal(shared(requests[0]?.blocks, requests[2]?.blocks), 0);
  });

  it('what no model answered, what a session repeats of another and what has no token is left out, by name', async () => {
    const synthetic = { message: { id: 'x', model: '<synthetic>', usage: { input_tokens: 0, output_tokens: 0 } } };
    const { requests, leftOut } = await read(
      lines(
        says(0),
        answers(1, 'a', COUNTS),
        answers(2, 'x', {}, synthetic),
        answers(3, 'a', COUNTS, { sessionId: 'resumed' }),
        answers(4, 'b', { input_tokens: 0, output_tokens: 3 }),
        answers(5, 'c', { ...COUNTS, output_tokens: 0 }),
      ),
    );
    assert.equal(requests.length, 1);
    assert.deepEqual(leftOut, [
      '3: an answer that no model gave',
      '4: an answer that a session repeats of another',
      '5: 0 input tokens',
      '6: 0 output tokens',
    ]);
  });

  it('names what is wrong', async () => {
    const { bad } = await read(
      lines(
        answers(0, 'a', COUNTS),
        answers(1, 'b', { ...COUNTS, input_tokens: -1 }),
        answers(2, 'c', { ...COUNTS, input_tokens: 9_999_999 }),
        answers(3, 'd', COUNTS, { timestamp: 'now' }),
        answers(4, 'e', COUNTS, { timestamp: null }),
        answers(5, 'f', COUNTS, { sessionId: undefined }),
      ),
    );
    const expected = [
      /^2: message is \{.*expected an object whose usage has a whole number of tokens, 0 to/,
      /^3: usage is \{.*expected 10000000 tokens of a prompt at most/,
      /^4: timestamp is "now"/,
      /^5: missing_time: timestamp is missing, expected that of the answer/,
      /^6: sessionId is missing, expected that of the answer/,
    ];
    assert.equal(bad.length, expected.length, bad.join('\n'));
    for (const [i, names] of expected.entries()) assert.match(bad[i] ?? '', names);
  });
});
