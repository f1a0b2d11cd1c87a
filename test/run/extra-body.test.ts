import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { readExtraBody, shownBody } from '../../src/run/extra-body.ts';

const refusal = (given: string | Readonly<Record<string, unknown>>): string => {
  try {
    readExtraBody(given);
  } catch (thrown) {
    return thrown instanceof Error ? thrown.message : '';
  }
  return 'taken';
};

describe('--extra-body', () => {
  it('is a JSON object, of a program too as it is sent', () => {
    assert.deepEqual(readExtraBody('{"top_p":0.9,"stop":["x"],"stream_options":{"more":1}}'), {
      top_p: 0.9,
      stop: ['x'],
      stream_options: { more: 1 },
    });
    assert.deepEqual(readExtraBody({ top_p: 0.9, left: undefined }), { top_p: 0.9 });
    const endless: Record<string, unknown> = {};
    endless['self'] = endless;
    for (const wrong of ['{top_p:0.9}', '[1]', '"hunter2"', 'null', '7', '{"key":"hunter2"', endless])
      assert.match(refusal(wrong), /^--extra-body: expected a JSON object(?!.*hunter2)/);
  });

  it('sets no field that is measured or set elsewhere, at any depth', () => {
    for (const [given, names] of [
      ['{"stream":false}', /stream cannot be set: tokens are timed/],
      ['{"prompt":"x"}', /prompt cannot be set: prompts are made from the trace/],
      ['{"top_p":1,"messages":[]}', /messages cannot be set/],
      ['{"max_tokens":5}', /max_tokens cannot be set: .*--clip-output N.*--no-ignore-eos/],
      ['{"sampling_params":{"top_p":1,"max_new_tokens":5}}', /sampling_params\.max_new_tokens cannot be set/],
      ['{"stream_options":null}', /stream_options cannot be set: it would replace fields/],
      ['{"stream_options":{"include_usage":false}}', /stream_options\.include_usage cannot be set: tokens are counted/],
      ['{"n":2}', /n cannot be set: one answer/],
      ['{"model":"m"}', /model cannot be set: --model NAME/],
      ['{"temperature":1}', /temperature cannot be set: --temperature X/],
      ['{"ignore_eos":false}', /ignore_eos cannot be set: --no-ignore-eos/],
    ] as const)
      assert.match(refusal(given), names);
    for (const fine of [
      '{}',
      '{"constructor":1,"__proto__":{"n":2}}',
      '{"stop_token_ids":[2]}',
      '{"other":{"stream":1}}',
    ])
      assert.equal(refusal(fine), 'taken');
  });

  it('shows the texts of keys in no file', () => {
    const body = {
      api_key: 'a',
      hfToken: 'b',
      nested: [{ 'x-secret': ['c'], max_tokens_key: 1 }],
      top_p: 1,
      stop: 'd',
    };
    assert.deepEqual(shownBody(body), {
      api_key: '***',
      hfToken: '***',
      nested: [{ 'x-secret': ['***'], max_tokens_key: 1 }],
      top_p: 1,
      stop: 'd',
    });
    assert.equal(shownBody({}), null);
  });
});
