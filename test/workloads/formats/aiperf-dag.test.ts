import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { lines, reader } from './reading.ts';

const read = reader();
const says = (content: string, more: object = {}): object => ({
  messages: [{ role: 'user', content }],
  max_tokens: 2,
  ...more,
});
const row = (session_id: string, turns: readonly object[], more: object = {}): object => ({
  session_id,
  turns,
  ...more,
});

describe("AIPerf's conversations that branch", () => {
  it('a session that no other names is one of the trace, those that begin in it are its branches', async () => {
    const { format, starts, requests, bad, notes } = await read(
      lines(
        row('sub', [says('cccc', { delay: 100 }), says('dddd')]),
        row('root', [
          says('abcd', { spawns: ['sub', { children: ['late'], join_at: 2 }] }),
          says('efgh', { delay: 5, model: 'm', tools: [{}], extra: { top_p: 0.5 } }),
          says('ijkl', { forks: ['fork', { child: 'other', background: true }] }),
        ]),
        row('late', [says('aaaa')], { context_mode: 'message_array_with_responses' }),
        row('fork', [says('ffff')]),
        row('other', [says('gggg')]),
        row('before', [says('bbbb')]),
        row('alone', [says('abcd'), says('efgh')], {
          context_mode: 'message_array_with_responses',
          pre_session_spawns: ['before'],
        }),
      ),
    );
    assert.deepEqual([format, starts, bad], ['aiperf-dag', 'none', []]);
    assert.deepEqual(
      requests.map(({ id, session, agent, turn, dueUs, inputTokens, newTokens, after }) => [
        id,
        session,
        agent,
        turn,
        dueUs,
        inputTokens,
        newTokens,
        after?.map(({ id: waitsFor, thinkUs }) => [waitsFor, thinkUs]),
      ]),
      [
        ['root:0', 'root', undefined, 0, 0, 1, undefined, []],
        ['late:0', 'root', 'late', 1, 0, 1, undefined, [['root:0', 0]]],
        ['sub:0', 'root', 'sub', 2, 100_000, 1, undefined, [['root:0', 100_000]]],
        ['sub:1', 'root', 'sub', 3, 100_000, 4, 1, [['sub:0', 0]]],
        // Two tokens for its messages and a tool, behind three of the turn before.
        [
          'root:1',
          'root',
          undefined,
          4,
          105_000,
          5,
          2,
          [
            ['root:0', 5000],
            ['sub:1', 5000],
          ],
        ],
        [
          'root:2',
          'root',
          undefined,
          5,
          105_000,
          8,
          1,
          [
            ['root:1', 0],
            ['late:0', 0],
          ],
        ],
        ['fork:0', 'root', 'fork', 6, 105_000, 4, undefined, [['root:2', 0]]],
        ['other:0', 'root', 'other', 7, 105_000, 4, undefined, [['root:2', 0]]],
        ['before:0', 'alone', 'before', 0, 0, 1, undefined, []],
        ['alone:0', 'alone', undefined, 1, 0, 1, undefined, []],
        ['alone:1', 'alone', undefined, 2, 0, 1, undefined, [['alone:0', 0]]],
      ],
    );
    const { model, params } = requests.find(({ id }) => id === 'root:1') ?? assert.fail();
    assert.deepEqual([model, params], ['m', { top_p: 0.5, tools: [{}] }]);
    const { prompt } = requests.find(({ id }) => id === 'fork:0') ?? assert.fail();
    const messages = ['abcd', 'efgh', 'ijkl', 'ffff'].map((content) => ({ role: 'user', content }));
    assert.deepEqual(prompt, { kind: 'messages', messages });
    assert.match(notes.join('\n'), /2 rows: a fork begins with the messages before it, without the answers/);
  });

  it('names what is wrong, with the line', async () => {
    const wrong: [what: string, rows: readonly object[], bad: readonly RegExp[]][] = [
      ['a branch that is not there', [row('a', [says('x', { spawns: ['b'] })])], [/^1: no row has the session_id "b"/]],
      [
        'one that begins twice',
        [row('a', [says('x', { spawns: ['b'] }), says('x', { forks: ['b'] })]), row('b', [says('x')])],
        [/^1: duplicate_id: "b" begins in "a" too/],
      ],
      [
        'a circle',
        [row('r', [says('x')]), row('a', [says('x', { forks: ['b'] })]), row('b', [says('x', { forks: ['a'] })])],
        [/^2: parent_cycle: "a" begins in itself, by way of "b"/, /^3: parent_cycle: "b"/],
      ],
      ['an id twice', [row('a', [says('x')]), row('a', [says('y')])], [/^2: duplicate_id: session_id "a"/]],
      [
        'a message without a role',
        [row('a', [says('x')]), row('b', [says('x'), { messages: [{ content: 'x' }] }])],
        [/^2: turns\[1\]\.messages is \[\{"content":"x"\}\], expected a list of messages with roles/],
      ],
      [
        'a line that sends nothing',
        [row('a', [says('x')]), { session_id: 'o', orchestrator: true, spawns: ['a'], turns: [] }],
        [/^2: orchestrator is true, expected false: .*leave it out, and its spawns are sessions/],
      ],
      ['half a token', [row('a', [says('x', { max_tokens: 1.5 })])], [/^1: turns\[0\]\.max_tokens is 1\.5, expected/]],
    ];
    for (const [what, rows, expected] of wrong) {
      const { bad, format } = await read(lines(...rows));
      assert.equal(format, 'aiperf-dag', what);
      assert.equal(bad.length, expected.length, `${what}: ${bad.join('; ')}`);
      for (const [at, names] of expected.entries()) assert.match(bad[at] ?? '', names);
    }
  });

  it('branches of branches end somewhere', async () => {
    const deep = Array.from({ length: 103 }, (_, i) =>
      row(`s${i}`, [says('x', i < 102 ? { forks: [`s${i + 1}`] } : {})]),
    );
    const { requests, bad } = await read(lines(...deep));
    assert.equal(requests.length, 101);
    assert.match(bad.join('\n'), /^102: "s101" is a branch of depth 101, expected 100 at most\n103: parent_cycle/);
  });
});
