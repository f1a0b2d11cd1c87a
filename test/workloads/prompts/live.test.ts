import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import type { JsonObject, Prompt, Request } from '../../../src/core/request.ts';
import type { Answer } from '../../../src/core/target.ts';
import {
  answered,
  livePrompts,
  liveRequest,
  liveTurn,
  promptMaker,
  type AnsweredTurn,
  type LivePrompts,
} from '../../../workloads/index.ts';

const SPEC = { seed: 1, salt: 'x', blockTokens: null };

function turn(i: number, newTokens: number, more: Partial<Request> = {}): Request {
  return { id: `t${i}`, traceRow: i, dueUs: 0, inputTokens: newTokens, outputTokens: 4, newTokens, ...more };
}

function said(more: Partial<Answer>): Answer {
  return { text: '', ids: null, toolCalls: [], isCut: false, ...more };
}

/** The prompts of turns with these answers, one behind the other. */
function promptsOf(
  prompts: LivePrompts,
  turns: readonly { readonly request: Request; readonly answer: Answer }[],
): Request[] {
  let before: AnsweredTurn | null = null;
  return turns.map(({ request, answer }, i) => {
    const one = liveTurn(request, before, i + 1, prompts);
    before = answered(one, { answer, outputTokens: 4, reasoningTokens: null });
    return liveRequest(one, prompts);
  });
}

function messagesOf(turns: readonly { readonly request: Request; readonly answer: Answer }[]): readonly JsonObject[] {
  const { prompt } = promptsOf(livePrompts(SPEC, 'messages'), turns).at(-1) ?? {};
  assert.ok(prompt?.kind === 'messages');
  return prompt.messages;
}

describe('the prompt of a later turn', () => {
  it('is all ids before it and as many new ones as planned, the first as without answers', () => {
    const anyTurn = fc.record({
      newTokens: fc.integer({ min: 1, max: 50 }),
      ids: fc.array(fc.nat(9999), { minLength: 1, maxLength: 9 }),
    });
    fc.assert(
      fc.property(fc.array(anyTurn, { minLength: 1, maxLength: 6 }), (drawn) => {
        const turns = drawn.map(({ newTokens, ids }, i) => ({ request: turn(i, newTokens), answer: said({ ids }) }));
        const prompts = promptsOf(livePrompts(SPEC, 'ids'), turns);
        let before: number[] = [];
        for (const [i, { prompt, inputTokens }] of prompts.entries()) {
          const ids = prompt?.kind === 'ids' ? [...prompt.ids] : [];
          assert.deepEqual([ids.length, ids.slice(0, before.length)], [inputTokens, before]);
          assert.equal(inputTokens, before.length + (drawn[i]?.newTokens ?? 0));
          before = [...ids, ...(drawn[i]?.ids ?? [])];
        }
        const [first] = turns;
        assert.ok(first !== undefined);
        assert.deepEqual(prompts[0]?.prompt, { kind: 'ids', ids: promptMaker(SPEC).ids(first.request) });
      }),
    );
  });

  it('has as many drawn ids where those of an answer are not known', () => {
    const [, second] = promptsOf(livePrompts(SPEC, 'ids'), [
      { request: turn(0, 5), answer: said({ text: 'four of them, perhaps' }) },
      { request: turn(1, 3), answer: said({}) },
    ]);
    assert.ok(second?.prompt?.kind === 'ids');
    assert.deepEqual([second.prompt.ids.length, second.inputTokens], [12, 12]);
  });

  it('leaves out of its new words what the server adds to an answer and a message', () => {
    const spec = {
      ...SPEC,
      text: { first: 'The', words: ['cat', 'dog'], overheadTokens: 9, turnOverheadTokens: 5, tokensPerWord: 1 },
    };
    const [first, second] = promptsOf(livePrompts(spec, 'messages'), [
      { request: turn(0, 20), answer: said({ text: 'yes' }) },
      { request: turn(1, 15), answer: said({}) },
    ]).map(({ prompt }) =>
      prompt?.kind === 'messages'
        ? prompt.messages.map(({ content }) => JSON.stringify(content).split(' ').length)
        : [],
    );
    assert.deepEqual([first, second], [[11], [11, 1, 10]]);
  });

  const message = (role: string, content: string): JsonObject => ({ role, content });
  const withMessages = (...messages: readonly JsonObject[]): Partial<Request> => ({
    prompt: { kind: 'messages', messages },
  });

  it('has the new messages of the trace, whether a row has all of them or those alone', () => {
    const [ask, recorded, next] = [message('user', 'a'), message('assistant', 'trace'), message('user', 'b')];
    const first = { request: turn(0, 5, withMessages(ask)), answer: said({ text: 'run' }) };
    const expected = [ask, message('assistant', 'run'), next];
    for (const row of [[ask, recorded, next], [recorded, next], [next]])
      assert.deepEqual(messagesOf([first, { request: turn(1, 5, withMessages(...row)), answer: said({}) }]), expected);
  });

  it('answers the tool calls of the run with the results of the trace, and has no results without calls', () => {
    const result = (content: string): JsonObject => ({ role: 'tool', tool_call_id: 'of the trace', content });
    const row = turn(1, 5, withMessages(message('assistant', ''), result('1'), result('2'), message('user', 'go on')));
    const first = (answer: Answer) => ({ request: turn(0, 5, withMessages(message('user', 'a'))), answer });
    const calls = [{ id: 'x' }, { id: 'y' }, { id: 'z' }];
    assert.deepEqual(messagesOf([first(said({ toolCalls: calls })), { request: row, answer: said({}) }]).slice(1), [
      { role: 'assistant', content: null, tool_calls: calls },
      { role: 'tool', tool_call_id: 'x', content: '1' },
      { role: 'tool', tool_call_id: 'y', content: '2' },
      { role: 'tool', tool_call_id: 'z', content: '' },
      message('user', 'go on'),
    ]);
    assert.deepEqual(
      messagesOf([first(said({ text: 'no calls' })), { request: row, answer: said({}) }])
        .slice(2)
        .map(({ role }) => role),
      ['user', 'user', 'user'],
    );
  });
});

it('the tokens of an answer are its ids, or what the server says as far as that can be', () => {
  const tokensOf = (
    form: Prompt['kind'],
    answer: Answer | null,
    outputTokens: number | null,
    reasoningTokens = 0,
  ): number => {
    const one = liveTurn(turn(0, 5), null, 1, livePrompts(SPEC, form));
    const response = answer === null ? null : { answer, outputTokens, reasoningTokens };
    return answered(one, response).answerTokens;
  };
  assert.equal(tokensOf('ids', said({ ids: [1, 2, 3] }), 900), 3);
  assert.equal(tokensOf('messages', said({ text: 'a b c' }), 3), 3);
  assert.equal(tokensOf('messages', said({ text: 'a b c' }), null), 4, 'as planned');
  assert.equal(tokensOf('messages', said({ text: 'a b c' }), 7, 4), 3, 'reasoning is not repeated');
  assert.equal(tokensOf('messages', said({}), 2 ** 31), 0);
  assert.equal(tokensOf('messages', said({ text: 'a b c' }), 2 ** 31), 5, 'a token has a character');
  assert.equal(tokensOf('messages', said({ toolCalls: [{ id: 'x' }] }), 9, 9), 1);
  assert.equal(tokensOf('text', null, null), 0);
});
