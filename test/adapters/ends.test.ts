import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { openAiCodec } from '../../adapters/openai.ts';
import { sglangCodec } from '../../adapters/sglang.ts';
import type { StreamError } from '../../src/core/codec.ts';
import { textsFrom } from '../../src/core/outside-text.ts';
import { promptMaker } from '../../workloads/index.ts';
import { DONE, sse } from '../servers.ts';

const prompts = promptMaker({ seed: 1, blockTokens: null });
const chat = openAiCodec({ endpoint: 'chat', model: 'm', runId: 'run' }, prompts);
const generate = sglangCodec({ endpoint: 'generate', model: 'm', runId: 'run' }, prompts);
const request = { id: 'r', traceRow: 0, dueUs: 0, inputTokens: 5, outputTokens: 8 };

const delta = (content: string, finish: unknown = null, more: object = {}): string =>
  sse({ choices: [{ index: 0, delta: { content }, finish_reason: finish, ...more }] });
const THREE = delta('a') + delta('b') + delta('c');
const WHOLE = THREE + delta('', 'stop');
const USAGE = sse({ choices: [], usage: { prompt_tokens: 5, completion_tokens: 3 } });

interface Ended {
  /** Null while only the body's end would end it. */
  readonly before: 'error' | 'done' | null;
  readonly fault: StreamError | null;
  readonly finalEvents: number;
  readonly outputTokens: number | null;
}

function endOf(bytes: string, codec = chat): Ended {
  const decoder = codec.decoder(request, { tokens: () => undefined });
  decoder.push(Buffer.from(bytes));
  const before = decoder.error !== null ? 'error' : decoder.isDone ? 'done' : null;
  const fault = decoder.end();
  return { before, fault, finalEvents: decoder.finalEvents ?? 0, outputTokens: decoder.response(200).outputTokens };
}

describe('the end of a stream', () => {
  it('[DONE] without a finish reason and short of the plan is broken, with as many tokens as planned it is whole', () => {
    const { before, fault } = endOf(THREE + DONE);
    assert.deepEqual(
      [before, fault],
      [
        'done',
        {
          outcome: 'stream_broken',
          message: 'the stream ended by [DONE] after 3 of 8 tokens, without a finish_reason',
        },
      ],
    );
    assert.equal(endOf(DONE).fault?.outcome, 'stream_broken');
    assert.equal(endOf(delta('a').repeat(8) + DONE).fault, null);
    const counted = sse({ choices: [], usage: { completion_tokens: 8 } });
    assert.equal(endOf(THREE + counted + DONE).fault, null, 'by the usage at the end');
  });

  it('a finish reason makes it whole, with [DONE] or not, and cut behind it', () => {
    for (const rest of ['', DONE, USAGE, USAGE + DONE, 'data: {"choices":[],"us'])
      assert.equal(endOf(WHOLE + rest).fault, null, rest);
  });

  it('[DONE] ends it however it is written, and nothing behind it is read', () => {
    const marks = [
      'data: [DONE] \n\n',
      'data:[DONE]\n\n',
      'data:  [DONE]\n\n',
      'data: "[DONE]"\n\n',
      'data: [done]\n\n',
      'data: [DONE]\n',
    ];
    for (const mark of [...marks, DONE + DONE, 'event: done\ndata: [DONE]\n\n', 'data: [DONE]\ndata: [DONE]\n\n']) {
      const { before, fault, outputTokens } = endOf(WHOLE + mark + USAGE + sse({ error: 'late' }));
      assert.deepEqual([before, fault, outputTokens], ['done', null, null], mark);
    }
  });

  it('an event that cannot be read ends a whole stream, and is an error in any other', () => {
    for (const mark of ['data: DONE\n\n', 'data: null\n\n', 'data: {"choices":[\n\n', 'data: "end"\n\n']) {
      const { before, fault } = endOf(WHOLE + mark);
      assert.deepEqual([before, fault], ['done', null], mark);
      assert.equal(endOf(THREE + mark).fault?.outcome, 'protocol_error', mark);
    }
  });

  it('is one with names on its events, which are read for what they hold', () => {
    for (const name of ['chunk', 'completion', 'content_block_delta', 'add']) {
      const named = (bytes: string): string => bytes.replaceAll('data: ', `event: ${name}\ndata: `);
      const counts: number[] = [];
      const decoder = chat.decoder(request, { tokens: (count) => counts.push(count) });
      decoder.push(Buffer.from(named(THREE)));
      assert.deepEqual(counts, [1, 1, 1], name);
      decoder.push(Buffer.from(named(delta('', 'stop') + USAGE)));
      assert.deepEqual([decoder.end(), decoder.response(200).outputTokens], [null, 3]);
      assert.equal(endOf(THREE + named('data: no JSON\n\ndata: {"worker":7}\n\ndata: 4\n\n') + WHOLE).fault, null);
      const failed = endOf(THREE + named(sse({ error: { code: 500, message: 'no memory' } })));
      assert.deepEqual([failed.before, failed.fault?.message], ['error', 'no memory']);
    }
  });

  it('/generate: an event without meta_info ends a whole one, unless it is an error', () => {
    const text = (finish: unknown): string =>
      sse({ text: 'a', meta_info: { finish_reason: finish, completion_tokens: 1 } });
    const { before, fault } = endOf(text({ type: 'stop' }) + sse({ text: 'a' }), generate);
    assert.deepEqual([before, fault], ['done', null]);
    assert.equal(endOf(text(null) + sse({ text: 'a' }), generate).fault?.outcome, 'protocol_error');
    const failed = endOf(text({ type: 'stop' }) + sse({ text: 'a', error: { code: 500, message: 'gone' } }), generate);
    assert.deepEqual([failed.before, failed.fault?.message], ['error', 'gone']);
  });

  it('counts the events that finish it, and no comments, pings or remarks', () => {
    assert.equal(endOf(THREE).finalEvents, 0);
    const idle = ': ping\n\ndata:\n\nevent: keepalive\ndata: {}\n\ndata: {"type":"ping"}\n\n';
    assert.equal(endOf(WHOLE + idle).finalEvents, 1);
    assert.equal(endOf(WHOLE + USAGE + idle).finalEvents, 2);
  });
});

describe('a finish reason that is no end', () => {
  it('is the text null, none or nothing', () => {
    for (const none of ['null', 'None', ' NULL ', '', 'undefined', { type: 'null' }, {}]) {
      const { fault, finalEvents } = endOf(delta('a', none).repeat(3));
      assert.deepEqual([fault?.outcome, finalEvents], ['stream_broken', 0], JSON.stringify(none));
      assert.equal(endOf(delta('a', none).repeat(3) + DONE).fault?.outcome, 'stream_broken', JSON.stringify(none));
      assert.equal(endOf(delta('a', none) + delta('b', 'stop')).fault, null);
    }
    const text = (finish: unknown, count: number): string =>
      sse({ text: 'a'.repeat(count), meta_info: { finish_reason: finish, completion_tokens: count } });
    for (const none of ['null', 'none', { type: 'null' }]) {
      const { fault, finalEvents } = endOf(text(none, 1) + text(none, 2), generate);
      assert.deepEqual([fault?.outcome, finalEvents], ['stream_broken', 0], JSON.stringify(none));
    }
    assert.equal(
      endOf(text({ type: 'stop' }, 1) + text({ type: 'stop' }, 2), generate).fault?.outcome,
      'stream_broken',
    );
  });

  it('is one that text follows: it takes [DONE], the planned tokens, another reason, or one without text', () => {
    const each = delta('a', 'stop').repeat(3);
    assert.equal(endOf(each).finalEvents, 0);
    assert.equal(endOf(each).fault?.outcome, 'stream_broken');
    assert.equal(endOf(each + USAGE).fault?.outcome, 'stream_broken');
    for (const end of [
      DONE,
      delta('a').repeat(5),
      delta('a', 'length'),
      delta('', 'stop'),
      delta('', 'length') + USAGE,
    ])
      assert.equal(endOf(each + end).fault, null, end);
    assert.ok(endOf(each + delta('a', 'length')).finalEvents > 0);
    assert.equal(endOf(each + delta('', 'stop') + delta('a')).fault?.outcome, 'stream_broken');
  });
});

describe('as many tokens as planned', () => {
  const eight = sse({ choices: [], usage: { completion_tokens: 8 } });
  it('finish a response without a finish reason, by what came or by the usage behind it', () => {
    assert.equal(endOf(delta('a').repeat(7)).finalEvents, 0);
    assert.ok(endOf(delta('a').repeat(8)).finalEvents > 0);
    assert.ok(endOf(delta('a').repeat(8) + eight).finalEvents > endOf(delta('a').repeat(8)).finalEvents);
    assert.ok(endOf(delta('a b').repeat(4) + eight).finalEvents > 0);
    const text = (count: number): string =>
      sse({ text: 'a'.repeat(count), meta_info: { finish_reason: null, completion_tokens: count } });
    assert.ok(endOf(text(4) + text(8), generate).finalEvents > 0);
  });

  it('do not where more text comes, or where the usage comes before any', () => {
    assert.equal(endOf(delta('a').repeat(9)).finalEvents, 0);
    assert.equal(endOf(delta('a').repeat(20)).finalEvents, 0);
    assert.ok(endOf(delta('a').repeat(9) + delta('', 'stop')).finalEvents > 0);
    assert.equal(endOf(eight).finalEvents, 0);
  });
});

describe('an event that is no part of an answer', () => {
  const errors: [event: unknown, said: RegExp][] = [
    [{ code: 20050, msg: 'rate limit' }, /^rate limit \(code 20050\)$/],
    [{ code: 'Throttling.RateQuota', request_id: 'x' }, /Throttling\.RateQuota/],
    [{ status: 'error', reason: 'no memory' }, /no memory/],
    [{ status: 503, title: 'busy' }, /busy/],
    [{ success: false, data: null }, /"success":false/],
    [{ type: 'error', error: { type: 'overloaded_error', message: 'Overloaded' } }, /^Overloaded$/],
    [{ object: 'error', message: 'no memory', code: 500 }, /^no memory$/],
    [{ detail: 'gone' }, /^gone$/],
    [{ detail: [{ loc: ['body'], msg: 'too long' }] }, /too long/],
    [{ choices: [], usage: null, code: 1, msg: 'no memory' }, /no memory/],
    [{ error: 'no memory' }, /^no memory$/],
    [{ error: { message: { text: '' }, error: { message: 'no memory' } } }, /^no memory$/],
    [{ errors: ['one', 'two'] }, /^one; two$/],
    [{ errors: [{ message: 'no memory' }] }, /^no memory$/],
    [[{ error: { code: 429, message: 'no memory' } }], /^no memory$/],
    [
      { choices: [{ delta: { content: 'x' }, error: { message: 'no memory', code: 507 } }] },
      /^no memory \(code 507\)$/,
    ],
    [{ choices: [{ delta: { content: 'x' } }], error: { message: 'no memory', type: 'server_error' } }, /^no memory$/],
    [{ choices: [{ delta: {}, error: { message: 'no memory' }, finish_reason: 'error' }] }, /^no memory$/],
    [
      { choices: [{ delta: {}, error: { message: 'gone', code: 502 }, finish_reason: 'error' }] },
      /^gone \(code 502\)$/,
    ],
    [{ error: 503 }, /503/],
    [
      { choices: null, usage: null, base_resp: { status_code: 1002, status_msg: 'rate limit reached' } },
      /^rate limit reached \(code 1002\)$/,
    ],
  ];
  for (const [event, said] of errors)
    it(`is an error where it looks like one: ${JSON.stringify(event).slice(0, 60)}`, () => {
      const { before, fault } = endOf(delta('a') + sse(event) + WHOLE + DONE);
      assert.deepEqual([before, fault?.outcome], ['error', 'stream_broken']);
      assert.match(fault?.message ?? '', said);
    });

  const harmless: unknown[] = [
    { type: 'ping' },
    {},
    { status: 'processing', message: 'your request is waiting' },
    { code: 0, msg: 'success' },
    { code: 200, message: 'OK' },
    { status: 'queued', position: 3 },
    { message: 'keep-alive' },
    { ping: 1764336000 },
    { choices: [], prompt_filter_results: [{ prompt_index: 0, content_filter_results: {} }] },
    { type: 'response.created', status: 'in_progress', error: null },
    { id: 'x', object: 'chat.completion.chunk', created: 1 },
    { choices: [{ delta: { content: 'x' } }], error: {} },
    ...[
      { code: 0, message: 'success' },
      { code: '200' },
      { type: 'no_error' },
      { message: 'no error' },
      'none',
      'OK',
      '0',
    ].flatMap((error) => [{ choices: [{ delta: { content: 'x' }, error }], error }, { choices: [], error }, { error }]),
    { choices: [{ delta: { content: 'x' } }], error: 'keiner' },
    { choices: [{ delta: { content: 'x' } }], base_resp: { status_code: 0, status_msg: '' } },
    { choices: null, usage: null, base_resp: { status_code: 0, status_msg: 'success' } },
    { choices: [], usage: {}, message: 'routed to replica 4' },
    { message: 'Your request is number 3 in the queue' },
    { id: 'x', worker: { code: 7 } },
    { choices: [{ delta: { content: 'x' } }], error: { code: 0, message: '' }, errors: [], message: 'fine' },
  ];
  for (const event of harmless)
    it(`is none where it does not: ${JSON.stringify(event).slice(0, 60)}`, () => {
      assert.equal(endOf(sse(event) + THREE + sse(event) + delta('', 'stop') + sse(event) + DONE).fault, null);
      assert.equal(
        endOf(sse({ type: 'ping' }) + sse({ text: 'a', meta_info: { finish_reason: 'stop' } }), generate).fault,
        null,
      );
    });

  it('is quoted where the answer breaks off behind it', () => {
    const { fault } = endOf(THREE + sse({ position: 7, remark: 'evicted' }) + DONE);
    assert.match(
      fault?.message ?? '',
      /after 3 of 8 tokens, without a finish_reason: \{"position":7,"remark":"evicted"\}$/,
    );
    for (const remark of [{ message: 'evicted' }, { choices: [], usage: null, msg: 'evicted' }])
      assert.match(endOf(THREE + sse(remark) + DONE).fault?.message ?? '', /without a finish_reason: evicted$/);
    assert.match(
      endOf(sse({ message: 'the queue is full' })).fault?.message ?? '',
      /after 0 of 8 .*: the queue is full$/,
    );
    const beside = sse({ choices: [{ delta: { content: 'x' } }], error: 'no memory' });
    assert.match(endOf(THREE + beside + DONE).fault?.message ?? '', /after 4 of 8 .*: no memory$/);
    const chunk = sse({ id: 'x', choices: [], usage: null, prompt_filter_results: [{ prompt_index: 0 }] });
    assert.match(endOf(THREE + chunk + DONE).fault?.message ?? '', /without a finish_reason$/);
    const broken = endOf(`${THREE}event: exception\ndata: worker died\n\n${DONE}`);
    assert.deepEqual(broken.fault, { outcome: 'stream_broken', message: 'worker died' });
  });
});

describe('a request that the server gives up', () => {
  const given = (reason: unknown, more: object = {}): string =>
    sse({ text: '', output_ids: [], meta_info: { id: 'x'.repeat(200), finish_reason: reason, ...more } });

  it('/generate: its reason is quoted, in the first event too', () => {
    const abort = { type: 'abort', message: 'the KV cache is full', status_code: 503 };
    assert.equal(
      endOf(given(abort) + DONE, generate).fault?.message,
      'the server aborted the request: the KV cache is full',
    );
    assert.match(endOf(given({ type: 'abort', status_code: 503 }), generate).fault?.message ?? '', /503/);
    assert.match(endOf(given('abort', { error_msg: 'no memory' }), generate).fault?.message ?? '', /: no memory$/);
    assert.match(endOf(given({ type: 'error', message: 'no memory' }), generate).fault?.message ?? '', /: no memory$/);
    assert.equal(endOf(given({ type: 'stop', matched: 2 }), generate).fault, null);
  });

  it('OpenAI: what the event says beside the reason is quoted', () => {
    const cases: [event: string, said: RegExp][] = [
      [delta('', 'abort', { message: 'no memory' }), /\(finish_reason abort\): no memory$/],
      [delta('', { type: 'abort', message: 'no memory' }), /\(finish_reason abort\): no memory$/],
      [delta('', 'error', { stop_reason: 'oom' }), /"stop_reason":"oom"/],
      [delta('', 'cancelled'), /\(finish_reason cancelled\)/],
      [delta('', 'insufficient_system_resource'), /insufficient_system_resource/],
    ];
    for (const [event, said] of cases) {
      const { fault } = endOf(THREE + event + DONE);
      assert.equal(fault?.outcome, 'stream_broken');
      assert.match(fault.message, said);
    }
    for (const reason of ['length', 'stop', 'content_filter', 'tool_calls', 'max_length_exceeded'])
      assert.equal(endOf(THREE + delta('', reason) + DONE).fault, null, reason);
  });
});

describe('quoted messages', () => {
  const { quoted } = textsFrom({ headers: {} });
  it('keep their start and their end, where the reason is, and are one line', () => {
    assert.equal(quoted(' no\n memory '), 'no memory');
    const traceback = quoted(`Traceback:\n${'  File "x", line 1\n'.repeat(400)}RuntimeError: out of memory`);
    assert.ok(traceback.length <= 300, `${traceback.length}`);
    assert.match(traceback, /^Traceback: .* \.\.\. .*RuntimeError: out of memory$/);
    const long = { request: 'x'.repeat(20_000), error: { message: 'no memory' } };
    assert.equal(chat.errorMessage(JSON.stringify(long)), 'no memory');
    assert.match(chat.errorMessage(`${'x'.repeat(20_000)} no memory`), /no memory$/);
  });
});
