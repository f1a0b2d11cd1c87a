import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ALL_CAPABILITIES, type ServerCapabilities } from '../../adapters/index.ts';
import { withoutUnknown } from '../../src/serving/unknown-fields.ts';

/** What is given up for a refusal. */
function lost(body: unknown, tried: ServerCapabilities = ALL_CAPABILITIES): string[] | null {
  const left = withoutUnknown(tried, typeof body === 'string' ? body : JSON.stringify(body));
  return left === null
    ? null
    : Object.entries(tried)
        .filter(([capability, had]) => had && !Object.entries(left).some(([name, has]) => name === capability && has))
        .map(([capability]) => capability)
        .sort();
}

describe('what a refusal says is not known', () => {
  const echo = { min_tokens: 2, prompt: [1, 2], ignore_eos: true };
  const cases: readonly [what: string, body: unknown, lost: readonly string[]][] = [
    [
      'OpenAI, in words',
      { error: { message: 'Unrecognized request argument supplied: ignore_eos', param: null } },
      ['ignoreEos'],
    ],
    [
      'OpenAI, two of them',
      { error: { message: 'Unrecognized request arguments supplied: ignore_eos, min_tokens' } },
      ['ignoreEos', 'minTokens'],
    ],
    [
      'OpenAI, by param',
      { error: { message: 'Unknown parameter.', param: 'stream_options.continuous_usage_stats' } },
      ['continuousUsage'],
    ],
    ['SGLang and Dynamo', { object: 'error', message: 'unknown field `min_tokens`', code: 400 }, ['minTokens']],
    [
      'FastAPI, the body sent back',
      { detail: [{ loc: ['body', 'ignore_eos'], msg: 'Extra inputs are not permitted', input: echo }] },
      ['ignoreEos'],
    ],
    ['plain text', 'return_token_ids is not supported', ['returnTokenIds']],
    ['a prompt of ids', { error: { message: 'prompt: expected a string' } }, ['tokenIdPrompts']],
    ['nothing that is known', { error: { message: 'bad request' } }, ['continuousUsage', 'returnTokenIds']],
    ['no text at all', '', ['continuousUsage', 'returnTokenIds']],
    [
      'odd types',
      { error: { message: 7, param: [] }, detail: 'x', message: null },
      ['continuousUsage', 'returnTokenIds'],
    ],
  ];
  for (const [what, body, expected] of cases) it(what, () => assert.deepEqual(lost(body), expected));

  it('every refusal leaves less to ask for, until there is nothing', () => {
    let capabilities: ServerCapabilities | null = ALL_CAPABILITIES;
    let asked = 0;
    while (capabilities !== null && asked < 20) {
      asked++;
      capabilities = withoutUnknown(capabilities, 'no');
    }
    assert.equal(asked, 6);
  });
});
