import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { UserError } from '../../src/core/errors.ts';
import type { SessionsAsked, Source } from '../../src/core/plan.ts';
import type { Request } from '../../src/core/request.ts';
import { historyOf } from '../../workloads/index.ts';
import { NewParts } from '../../workloads/new-parts.ts';

const source: Source = { name: 't', format: 'native', path: 't', transforms: [], open: async function* () {} };

function hasNewParts(rows: readonly Partial<Request>[]): boolean {
  const parts = new NewParts();
  for (const [i, row] of rows.entries())
    parts.add({ id: `r${i}`, traceRow: i, dueUs: i, inputTokens: 9, outputTokens: 1, session: 's', ...row });
  return parts.alone;
}

describe('what stands before the new part of a prompt', () => {
  const messages = { kind: 'messages', messages: [] } as const;
  const cases: readonly (readonly [string, readonly Partial<Request>[], 'trace' | 'live'])[] = [
    ['whole prompts', [{}, {}, { newTokens: 5 }], 'trace'],
    ['blocks', [{ blocks: [1] }, { blocks: [1], newTokens: 5 }], 'trace'],
    ['new tokens', [{}, { newTokens: 5 }], 'live'],
    ['messages', [{ prompt: messages }, { prompt: messages }], 'live'],
    ['bodies', [{ payload: {} }, { payload: {}, newTokens: 1 }], 'trace'],
    [
      'branches and sessions of one turn',
      [{ newTokens: 5 }, { session: 'u', newTokens: 5 }, { agent: 'a', newTokens: 5 }],
      'trace',
    ],
  ];
  for (const [what, rows, expected] of cases)
    it(`is by default ${expected} for ${what}, and what is asked for otherwise`, () => {
      const found = hasNewParts(rows);
      assert.equal(historyOf(source, { mode: 'think' }, found), expected);
      for (const history of ['trace', 'live'] as const)
        assert.equal(historyOf(source, { mode: 'think', history }, found), history);
      assert.equal(historyOf(source, { history: 'trace' }, found), 'trace');
    });

  it('cannot be answers where turns do not wait for them: the error names both ways out', () => {
    for (const asked of [{}, { mode: 'trace' }, { history: 'live' }] satisfies SessionsAsked[])
      assert.throws(
        () => historyOf(source, asked, true),
        (thrown) => thrown instanceof UserError && /--sessions think.*--history trace/.test(thrown.message),
      );
    assert.equal(historyOf({ ...source, starts: 'none' }, {}, true), 'live', 'without starts sessions think');
  });
});
