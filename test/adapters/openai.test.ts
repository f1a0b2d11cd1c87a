import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { openAiCodec } from '../../adapters/openai.ts';
import { promptMaker } from '../../workloads/index.ts';
import type { Request } from '../../src/core/request.ts';
import type { ResponseInfo } from '../../src/core/target.ts';

const codec = openAiCodec(
  { endpoint: 'completions', model: 'm', runId: 'run' },
  promptMaker({ seed: 1, blockTokens: null }),
);
const request = (outputTokens: number): Request => ({ id: 'r7', traceRow: 9, dueUs: 0, inputTokens: 5, outputTokens });

interface Decoded {
  counts: number[];
  end: string | null;
  response: ResponseInfo;
}

function decode(bytes: Buffer, at: readonly number[] = [], outputTokens = 8): Decoded {
  const counts: number[] = [];
  const decoder = codec.decoder(request(outputTokens), { tokens: (count) => counts.push(count) });
  let from = 0;
  for (const to of [...at].sort((a, b) => a - b).concat(bytes.length)) {
    decoder.push(Buffer.from(bytes.subarray(from, to)));
    from = to;
  }
  return { counts, end: decoder.end()?.message ?? null, response: decoder.response(200) };
}

const event = (json: unknown): string => `data: ${JSON.stringify(json)}\n\n`;
const token = (text: string, more: object = {}): string =>
  event({ choices: [{ index: 0, text, finish_reason: null, ...more }] });
const usage = (tokens: number): string =>
  event({ choices: [], usage: { prompt_tokens: 5, completion_tokens: tokens } });
const DONE = 'data: [DONE]\n\n';

describe('openai codec', () => {
  it('asks for exactly the planned lengths, the prompt as token ids', () => {
    const [call, ...others] = codec.open(request(8));
    assert.equal(others.length, 0);
    assert.ok(call);
    assert.equal(call.path, '/v1/completions');
    assert.equal(call.headers['x-request-id'], 'run-r7');
    const body: unknown = JSON.parse(Buffer.from(call.body).toString());
    assert.ok(typeof body === 'object' && body !== null && 'prompt' in body && Array.isArray(body.prompt));
    assert.equal(body.prompt.length, 5);
    assert.ok(body.prompt.every((id) => Number.isInteger(id) && id >= 256 && id < 1280));
    assert.deepEqual(
      { ...body, prompt: [] },
      {
        model: 'm',
        prompt: [],
        max_tokens: 8,
        min_tokens: 8,
        ignore_eos: true,
        temperature: 0,
        stream: true,
        stream_options: { include_usage: true },
      },
    );
    assert.deepEqual(codec.open(request(8)), codec.open(request(8)), 'the same request gives the same bytes');
  });

  it('counts one token a text, leaves empty texts open, and takes the usage at the end', () => {
    const { counts, end, response } = decode(
      Buffer.from(token('') + token('a') + token('b', { finish_reason: 'length' }) + usage(3) + DONE),
    );
    assert.deepEqual(counts, [0, 1, 1]);
    assert.equal(end, null);
    assert.deepEqual(
      [response.outputTokens, response.inputTokens, response.finishReason, response.countSource],
      [3, 5, 'length', 'chunks'],
    );
  });

  it('counts several tokens in an event by ids or by cumulative usage', () => {
    const ids = decode(Buffer.from(token('ab', { token_ids: [1, 2] }) + token('', { token_ids: [3] }) + DONE));
    assert.deepEqual([ids.counts, ids.response.countSource], [[2, 1], 'token_ids']);
    const grown = (text: string, n: number): string => event({ choices: [{ text }], usage: { completion_tokens: n } });
    const cumulative = decode(Buffer.from(grown('abc', 3) + grown('', 3) + grown('d', 4) + DONE));
    assert.deepEqual([cumulative.counts, cumulative.response.countSource], [[3, 1], 'usage']);
  });

  it('takes what the cache had of the prompt from the usage, and does not guess where the usage lacks it', () => {
    const cachedTokensOf = (more: object): number | null =>
      decode(Buffer.from(token('a') + event({ choices: [], usage: { prompt_tokens: 5, ...more } }) + DONE)).response
        .cachedTokens;
    assert.deepEqual(
      [
        cachedTokensOf({ prompt_tokens_details: { cached_tokens: 4 } }),
        cachedTokensOf({ prompt_tokens_details: { cached_tokens: 0 } }),
        cachedTokensOf({ prompt_tokens_details: null }),
        cachedTokensOf({}),
      ],
      [4, 0, null, null],
    );
  });

  it('takes an error inside a 200 stream as the end of the response', () => {
    const { counts, end } = decode(
      Buffer.from(token('a') + event({ error: { message: 'out of\nmemory', code: 500 } }) + token('b') + DONE),
    );
    assert.deepEqual([counts, end], [[1], 'out of memory']);
    assert.match(decode(Buffer.from('data: {oops\n\n')).end ?? '', /not JSON.*\{oops/);
    assert.match(decode(Buffer.from('data: 7\n\n')).end ?? '', /not an object: 7/);
  });

  it('finds an error in every form in which servers put one into a 200', () => {
    const forms = [
      event({ object: 'error', message: 'no memory', type: 'x', code: 500 }),
      event({ message: 'no memory', type: 'x', code: 500 }),
      event({ error: 'no memory', error_type: 'generation' }),
      'event: error\ndata: {"message":"no memory"}\n\n',
      'event: error\ndata: no memory\n\n',
    ];
    for (const form of forms) assert.equal(decode(Buffer.from(token('a') + form + DONE)).end, 'no memory', form);
    assert.match(decode(Buffer.from(token('a') + token('', { finish_reason: 'error' }) + DONE)).end ?? '', /aborted/);
    const fields = event({ choices: [{ text: 'a', finish_reason: 'stop' }], error: '', message: 'fine' });
    assert.deepEqual(decode(Buffer.from(fields + DONE)), { ...decode(Buffer.from(fields)), end: null });
  });

  it('says what came where it is no stream, or in the middle of one', () => {
    const page = decode(Buffer.from('<!doctype html>\n<p>Bad Gateway</p>'));
    assert.equal(page.end, 'the response is no stream of events: <!doctype html> <p>Bad Gateway</p>');
    const plain = decode(Buffer.from('{\n "error": {"message": "the model is loading"}\n}'));
    assert.match(plain.end ?? '', /the model is loading$/);
    const field = decode(Buffer.from(`${token('a')}error: {"code":500}\n\n`));
    assert.match(field.end ?? '', /after 1 of 8 tokens, without finish_reason or \[DONE\]: error: \{"code":500\}$/);
  });

  it('takes an empty finish_reason for none', () => {
    const open = decode(Buffer.from(token('a', { finish_reason: '' }) + token('b', { finish_reason: '' })));
    assert.match(open.end ?? '', /after 2 of 8 tokens/);
    assert.equal(open.response.finishReason, null);
  });

  it('takes any [DONE], and events without data for none', () => {
    for (const done of ['data: [DONE] \n\n', 'data:[DONE]\r\n\r\n', 'data: [DONE]\ndata: [DONE]\n\n'])
      assert.equal(decode(Buffer.from(`data:\n\n${token('a')}data: \n\n${done}`), [], 1).end, null, done);
  });

  it('does not believe a count of nothing beside a text, nor one that no response has', () => {
    const counted = (text: string, tokens: number, more: object = {}): string =>
      event({ choices: [{ text, ...more }], usage: { prompt_tokens: 5, completion_tokens: tokens } });
    const zeros = decode(Buffer.from(counted('', 0) + counted('a', 0) + counted('b', 0) + usage(2) + DONE));
    assert.deepEqual([zeros.counts, zeros.response.countSource, zeros.response.outputTokens], [[1, 1], 'chunks', 2]);
    const noIds = decode(Buffer.from(token('a', { token_ids: [] }) + token('b', { token_ids: [] }) + DONE));
    assert.deepEqual([noIds.counts, noIds.response.countSource], [[1, 1], 'chunks']);
    const much = decode(Buffer.from(counted('a', 1) + counted('b', 2) + counted('c', 4e9) + usage(2 ** 53 - 1) + DONE));
    assert.deepEqual([much.counts, much.response.countSource], [[1, 1, 1], 'chunks']);
    assert.equal(much.response.outputTokens, 2 ** 31 - 1, 'a claim, kept as far as a record holds it');
  });

  it('does without [DONE] when the response is whole, and names a stream that is not', () => {
    assert.equal(decode(Buffer.from(token('a') + token('b')), [], 2).end, null);
    assert.equal(decode(Buffer.from(token('a', { finish_reason: 'stop' })), [], 2).end, null);
    assert.match(decode(Buffer.from(token('a')), [], 2).end ?? '', /after 1 of 2 tokens/);
    assert.match(decode(Buffer.from(token('a') + token('b').slice(0, -9)), [], 2).end ?? '', /after 1 of 2 tokens/);
    assert.match(decode(Buffer.alloc(0), [], 2).end ?? '', /after 0 of 2 tokens/);
  });

  it('ignores comments, annotations and spaces, whatever the order of keys', () => {
    const stream = `: ping\r\n\r\nevent: worker\ndata: {"id": 3}\n\ndata:{ "usage" : null, "choices" : [ { "finish_reason" : null, "text" : "x" } ] }\r\n\r\n${DONE}`;
    assert.deepEqual(decode(Buffer.from(stream)).counts, [1]);
  });

  it('gives the same events however the bytes are cut', () => {
    const piece = fc.oneof(
      fc.string().map((text) => token(text)),
      fc.array(fc.nat(50_000), { maxLength: 4 }).map((ids) => token('é', { token_ids: ids })),
      fc.nat(9).map(usage),
      fc.constantFrom(': ping\n\n', DONE, event({ error: { message: 'x' } }), 'data: {\n\n'),
    );
    fc.assert(
      fc.property(
        fc.array(piece, { maxLength: 6 }),
        fc.array(fc.nat(2000), { maxLength: 12 }),
        fc.boolean(),
        (pieces, at, crlf) => {
          const bytes = Buffer.from(crlf ? pieces.join('').replaceAll('\n', '\r\n') : pieces.join(''));
          assert.deepEqual(
            decode(
              bytes,
              at.map((i) => i % (bytes.length + 1)),
            ),
            decode(bytes),
          );
        },
      ),
      { numRuns: 300 },
    );
  });

  it('makes one line of any error body', () => {
    assert.equal(codec.errorMessage('{"error":{"message":"too long","code":400}}'), 'too long');
    assert.equal(codec.errorMessage('{"error":"no"}'), 'no');
    assert.equal(codec.errorMessage('{"message":"m","type":"t","code":1}'), 'm');
    assert.equal(codec.errorMessage('{"detail":[{"loc":["body"]}]}'), '[{"loc":["body"]}]');
    assert.equal(codec.errorMessage('<html>\n502'), '<html> 502');
    assert.equal(codec.errorMessage(''), 'no message');
  });
});
