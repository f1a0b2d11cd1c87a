import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import type { Request } from '../../src/core/request.ts';
import { scheduledByTrace } from '../../src/core/schedule.ts';
import { answerWatch, LiveSessions } from '../../src/target/live-sessions.ts';
import { livePrompts } from '../../workloads/index.ts';

/** Requests of one tree: each goes on from an earlier one, or begins; and what comes of it. */
const anyTree = fc.array(
  fc.record({
    /** Which of those before it, counted back; 0: none. */
    back: fc.nat(3),
    newTokens: fc.integer({ min: 1, max: 9 }),
    answerTokens: fc.nat(7),
    ends: fc.constantFrom('answered', 'answered', 'answered', 'failed'),
  }),
  { minLength: 1, maxLength: 12 },
);

describe('the turns of sessions whose prompts repeat answers', () => {
  it('are the tokens of each prompt and answer before them, however sessions branch, and none is kept for nothing', () => {
    fc.assert(
      fc.property(anyTree, (drawn) => {
        const live = new LiveSessions(null, null);
        const requests = drawn.map(({ back, newTokens }, i): Request => {
          const before = back === 0 ? undefined : i - back;
          return {
            id: `r${i}`,
            traceRow: i,
            dueUs: 0,
            inputTokens: newTokens,
            outputTokens: 3,
            newTokens,
            ...(before === undefined || before < 0 ? {} : { continues: `r${before}` }),
          };
        });
        for (const request of requests) live.expect(request);
        /** The tokens of each request that was answered, prompt and answer, by their names. */
        const said = new Map<string, string[]>();
        for (const [i, request] of requests.entries()) {
          const { answerTokens = 0, ends } = drawn[i] ?? {};
          const before = request.continues === undefined ? [] : said.get(request.continues);
          if (before === undefined) {
            live.drop(request);
            continue;
          }
          const { request: sent, turns = [] } = live.complete(scheduledByTrace(i, request));
          const tokens = [
            ...before,
            ...Array.from({ length: request.newTokens ?? 0 }, (_, k) => `${i + 1}@${before.length + k}`),
          ];
          assert.equal(sent.inputTokens, tokens.length);
          const named = tokens.map((_, at) => `${turns.findLast(({ begin }) => begin <= at)?.id}@${at}`);
          assert.deepEqual(named, tokens);
          if (ends === 'answered') {
            said.set(request.id, [
              ...tokens,
              ...Array.from({ length: answerTokens }, (_, k) => `${i + 1}@${tokens.length + k}`),
            ]);
            live.ended(request.id, { outputTokens: answerTokens, reasoningTokens: null });
          } else live.ended(request.id, null);
        }
        assert.equal(live.size, 0);
      }),
    );
  });

  it('begin behind the blocks of the first prompt, as far as that reaches', () => {
    const live = new LiveSessions(null, 16);
    const first: Request = { id: 'a', traceRow: 1, dueUs: 0, inputTokens: 40, outputTokens: 5, blocks: [7, 8, 9] };
    const second: Request = {
      id: 'b',
      traceRow: 2,
      dueUs: 0,
      inputTokens: 50,
      outputTokens: 5,
      newTokens: 4,
      continues: 'a',
    };
    for (const request of [first, second]) live.expect(request);
    assert.deepEqual(live.complete(scheduledByTrace(0, first)).turns, [{ id: 1, begin: 40 }]);
    live.ended('a', { outputTokens: 5, reasoningTokens: null });
    const { turns, request } = live.complete(scheduledByTrace(1, second));
    assert.deepEqual(turns, [
      { id: 1, begin: 40 },
      { id: 2, begin: 45 },
    ]);
    assert.deepEqual([request.inputTokens, request.blocks], [49, [7, 8, 9]]);
  });
});

it('messages are sent as the trace has them where the route takes none', () => {
  const live = new LiveSessions(livePrompts({ seed: 1, blockTokens: null }, 'text'), null);
  const messages = { kind: 'messages', messages: [{ role: 'user', content: 'a' }] } as const;
  const first: Request = { id: 'a', traceRow: 1, dueUs: 0, inputTokens: 4, outputTokens: 5, prompt: messages };
  const second: Request = { ...first, id: 'b', newTokens: 2, continues: 'a' };
  for (const request of [first, second]) live.expect(request);
  for (const [i, request] of [first, second].entries()) {
    const scheduled = scheduledByTrace(i, request);
    assert.equal(live.complete(scheduled), scheduled);
    live.ended(request.id, null);
  }
  assert.equal(live.size, 0);
});

it('answers that cannot be repeated are said once a kind', () => {
  const warnings: string[] = [];
  const watch = answerWatch('ids', { info: () => undefined, warn: (text) => void warnings.push(text) });
  const said = (more: object) => ({
    answer: { text: 'a', ids: [1], toolCalls: [], isCut: false, ...more },
    outputTokens: 3,
    reasoningTokens: null,
  });
  watch('good', said({}));
  watch('none', null);
  for (const id of ['first', 'second']) {
    watch(id, said({ ids: null }));
    watch(id, said({ isCut: true }));
  }
  assert.deepEqual(
    warnings.map((text) => /request (\w+) (came without|is longer)/.exec(text)?.slice(1)),
    [
      ['first', 'came without'],
      ['first', 'is longer'],
    ],
  );
});
