import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import type { ServerResponse } from 'node:http';
import { distserveCodec } from '../../adapters/distserve.ts';
import { UserError } from '../../src/core/errors.ts';
import type { RequestRecord } from '../../src/core/record.ts';
import { parseEngineSpec } from '../../src/engine/index.ts';
import { serveEngine } from '../../src/engine/server/index.ts';
import { unlikeLoad } from '../../src/compare/likeness.ts';
import { run } from '../../src/index.ts';
import { defineRun } from '../../src/run/run-options.ts';
import { readRecords } from '../../src/runs/records.ts';
import { defineGoodput } from '../../src/search/goodput/options.ts';
import { checkTarget } from '../../src/target/target-spec.ts';
import { cli, temporaryFolder } from '../cli.ts';
import { serve } from '../servers.ts';
import { readRunFile } from '../written-files.ts';

const folder = temporaryFolder();
const closing: (() => unknown)[] = [];
after(() => Promise.all(closing.map((close) => close())));

/** Lengths that differ, one token among them; every prompt is as many words as it has tokens. */
const OUTPUTS = [1, 2, 3, 20, 40, 7, 60, 1, 5, 30];
const trace = join(folder, 'trace.csv');
const rows = OUTPUTS.map((tokens, i) => `${(i * 0.02).toFixed(2)},${40 + i},${tokens}`);
writeFileSync(trace, `arrival_s,input_tokens,output_tokens\n${rows.join('\n')}\n`);

async function recordsOf(out: string): Promise<RequestRecord[]> {
  const records: RequestRecord[] = [];
  for await (const batch of readRecords(out)) records.push(...batch);
  return records.sort((a, b) => a.trace_row - b.trace_row);
}

async function engine(): Promise<string> {
  const spec = parseEngineSpec('distserve,max_model_len=2000');
  const server = await serveEngine(spec, { host: '127.0.0.1', port: 0, dialect: 'distserve' });
  closing.push(() => server.close());
  return server.url;
}

function assertWhole(records: readonly RequestRecord[]): void {
  assert.deepEqual(
    records.map(({ outcome, output_tokens, token_times_us }) => [outcome, output_tokens, token_times_us.length]),
    OUTPUTS.map((tokens) => ['ok', tokens, tokens]),
  );
}

/** How much later than it was sent a busy client may see that a request has left. */
const LATE_US = 100_000;

const sumUs = (...phases: (number | null)[]): number => phases.reduce((sum: number, us) => sum + (us ?? 0), 0);

/** What is true of the record of an answer that was not streamed. */
function assertServerTimes(record: RequestRecord): void {
  const { token_time_source, token_times_us: times, sent_us, due_us, end_us } = record;
  const { prefill_queue_us, prefill_us, transfer_us, decode_queue_us, decode_us } = record;
  assert.deepEqual([token_time_source, record.lumped_tokens], ['server', null]);
  const [sentUs, endUs] = [(sent_us ?? NaN) - due_us, (end_us ?? NaN) - due_us];
  assert.equal(times.at(-1), endUs, 'the last token comes with the answer');
  assert.ok((times[0] ?? NaN) >= sentUs);
  for (const [i, us] of times.entries()) assert.ok(us >= (times[i - 1] ?? 0));
  // All happened between the request and the answer.
  const phases = sumUs(prefill_queue_us, prefill_us, transfer_us, decode_queue_us, decode_us);
  assert.ok(
    prefill_us !== null && prefill_us > 0 && phases <= endUs - sentUs + LATE_US,
    `${phases} of ${endUs - sentUs} us`,
  );
  if (times.length === 1) assert.deepEqual([transfer_us, decode_queue_us, decode_us], [null, null, null]);
  else assert.ok(transfer_us !== null && transfer_us > 0 && decode_us !== null && decode_us > 0);
}

describe('run against DistServe', () => {
  it('found by itself, streamed: every token, each with the time at which it came', async () => {
    const out = join(folder, 'streamed');
    const result = await cli('run', trace, '--target', await engine(), '--slo', 'ttft=5s,tpot=1s', '--out', out);
    assert.equal(result.code, 0, result.stderr);
    assert.match(result.stderr, /: distserve, .*--endpoint generate; tokens are counted as one a chunk/);
    assert.match(
      result.stderr,
      /length of prompts .* tell no input tokens\): they are approximate; --tokenizer FILE makes/,
    );
    const records = await recordsOf(out);
    assertWhole(records);
    for (const { token_count_source, token_time_source, prefill_us, input_tokens } of records)
      assert.deepEqual(
        [token_count_source, token_time_source, prefill_us, input_tokens],
        ['chunks', 'client', null, null],
      );
    assert.match(readFileSync(join(out, 'report.html'), 'utf8'), /<html/);
  });

  it('not streamed, by the bundled engine in its dialect: the times of the server, and where each request spent its time', async () => {
    const out = join(folder, 'whole');
    const target = ['--target', 'reference:distserve', '--adapter', 'distserve'];
    const result = await cli('run', trace, ...target, '--no-stream', '--out', out, '--quiet');
    assert.equal(result.code, 0, result.stderr);
    const records = await recordsOf(out);
    assertWhole(records);
    records.forEach(assertServerTimes);
    assert.ok(records.every(({ token_count_source }) => token_count_source === 'usage'));
    const manifest = readRunFile(out);
    assert.deepEqual([manifest.stream, manifest.target.adapter], [false, 'distserve']);
    assert.match(readFileSync(join(out, 'report.html'), 'utf8'), /answers not streamed/);
    assert.ok(unlikeLoad(manifest, { ...manifest, stream: true }).includes('--no-stream'));
  });
});

/** A server whose answer to the request of each row is its own. */
async function hostile(answers: readonly ((response: ServerResponse) => void)[]): Promise<string> {
  const server = await serve((_index, request, response) => {
    const row = /-r(\d+)$/.exec(String(request.headers['x-request-id']))?.[1];
    if (row === undefined) response.end('{"text": "a"}');
    else answers[Number(row)]?.(response);
  });
  closing.push(server.close);
  return server.url.href;
}

async function outcomes(
  answers: readonly ((response: ServerResponse) => void)[],
  options: { readonly stream: boolean; readonly ignoreEos?: boolean },
): Promise<RequestRecord[]> {
  const name = `hostile-${String(options.stream)}-${String(options.ignoreEos)}`;
  const path = join(folder, `${name}.csv`);
  writeFileSync(path, `arrival_s,input_tokens,output_tokens\n${answers.map((_, i) => `${i / 100},5,3\n`).join('')}`);
  // The probe is answered by `serve` as a plain server would, which is none of this protocol's.
  const body = { ignoreEos: true, temperature: 0, extra: {}, ...options };
  const made = { endpoint: 'generate', model: 'm', runId: 'run', body } as const;
  const out = join(folder, name);
  await run({ workload: path, target: await hostile(answers), codec: (prompts) => distserveCodec(made, prompts), out });
  return recordsOf(out);
}

const said = (records: readonly RequestRecord[]): unknown[] =>
  records.map(({ outcome, output_tokens, error }) => [outcome, output_tokens, error]);

describe('a DistServe that does not answer as it should', () => {
  const a = '{"text": "a"}';

  it('streamed, is named by what it did, and what came is kept', async () => {
    const records = await outcomes(
      [
        (response) => void response.end(a + a + a),
        (response) => void response.end(a + a),
        (response) => void response.end(`${a}{"text": "a b`),
        (response) => {
          response.write(a);
          setTimeout(() => response.destroy(), 100);
        },
        (response) => void response.end(`${a}{"error": "CUDA out of memory"}`),
        (response) => void response.writeHead(500).end('Internal Server Error'),
        (response) => void response.writeHead(422).end('{"detail":[{"loc":["body"],"msg":"field required"}]}'),
        (response) => void response.end('<html>Bad Gateway</html>'),
        (response) => void response.end(),
        // The end of its body never comes.
        (response) => void response.write(a + a + a),
      ],
      { stream: true },
    );
    const errors = said(records);
    assert.deepEqual(errors.slice(0, 3), [
      ['ok', 3, null],
      ['stream_broken', 2, 'the answer ended after 2 of 3 tokens'],
      ['stream_broken', 1, 'the answer ended inside of an object after 1 of 3 tokens'],
    ]);
    assert.deepEqual(records[3]?.outcome, 'stream_broken');
    assert.match(records[3]?.error ?? '', /after 1 of 3 tokens/);
    assert.deepEqual(errors.slice(4), [
      ['stream_broken', 1, 'CUDA out of memory'],
      ['http_error', null, 'Internal Server Error (only the log of the server says why)'],
      ['rejected', null, '[{"loc":["body"],"msg":"field required"}]'],
      ['protocol_error', null, 'the answer is no JSON object: <html>Bad Gateway</html>'],
      ['stream_broken', null, 'the answer ended after 0 of 3 tokens'],
      ['ok', 3, null],
    ]);
    const [whole, unended] = [records[0], records.at(-1)];
    for (const record of [whole, unended])
      assert.equal(
        (record?.end_us ?? 0) - (record?.due_us ?? 0),
        record?.token_times_us.at(-1),
        'it ends with its last token',
      );
  });

  it('not streamed, gives no token an impossible time', async () => {
    const answer = (timestamps: unknown, more: object = {}) => JSON.stringify({ text: 'a', timestamps, ...more });
    const afterMs = (ms: number, text: string) => (response: ServerResponse) =>
      void setTimeout(() => response.end(text), ms);
    const back = [
      { event_type: 'issued', timestamp: 1.7e9 },
      { event_type: 'context_begin', timestamp: 1.7e9 - 3600 },
      { event_type: 'context_end', timestamp: 1.7e9 - 3600 + 0.02 },
    ];
    const records = await outcomes(
      [
        afterMs(100, answer([7, 7.01, 7.03], { lifetime_events: back })),
        afterMs(50, answer([7, 8, 9])),
        afterMs(50, answer([7, 7.01, 7.1])),
        afterMs(50, answer([-1e308, 0, 1e308])),
        afterMs(50, answer([7, 6, 8])),
        afterMs(50, answer([7, 7.01])),
        (response) => void response.end('{"text": ["a"]}'),
        (response) => void response.end(answer([1]).slice(0, 20)),
      ],
      { stream: false },
    );
    const errors = said(records);
    assert.deepEqual(
      [errors[0], errors[2]],
      [
        ['ok', 3, null],
        ['ok', 3, null],
      ],
    );
    const [first] = records;
    assert.deepEqual(
      [...(first?.token_times_us ?? [])].map((us) => us - ((first?.end_us ?? 0) - (first?.due_us ?? 0))),
      [-30_000, -20_000, 0],
    );
    assert.deepEqual([first?.prefill_queue_us, first?.prefill_us, first?.decode_us], [null, 20_000, null]);
    const expected = [
      /^by the server's times a token came 1\.\d+ s before the request was sent$/,
      /^by the server's times a token came .* before the request was sent$/,
      /^the timestamps go back at token 2, from 7 to 6 s/,
      /^the answer has 2 timestamps, one a token, and 3 tokens were asked for$/,
      /^the answer has no timestamps/,
      /^the answer ended inside of an object/,
    ];
    const failed = records.filter(({ outcome }) => outcome !== 'ok');
    assert.equal(failed.length, expected.length);
    for (const [i, pattern] of expected.entries()) assert.match(failed[i]?.error ?? '', pattern);
    // The clock of a client may be read a moment after its request has left.
    const [sent, firstToken] = [records[2]?.sent_us ?? 0, records[2]?.first_token_us ?? 0];
    assert.ok(firstToken >= sent, 'a token comes no earlier');
  });

  it('ends an answer where it likes, if EOS is heeded', async () => {
    const answers = [
      (response: ServerResponse) => void response.end(a + a),
      (response: ServerResponse) => void response.end(),
    ];
    const records = await outcomes(answers, { stream: true, ignoreEos: false });
    assert.deepEqual(said(records), [
      ['ok', 2, null],
      ['protocol_error', null, 'the answer held no token'],
    ]);
  });
});

describe('--no-stream', () => {
  const refused = (options: object, message: RegExp): void =>
    assert.throws(
      () => checkTarget(defineRun({ workload: trace, target: 'http://127.0.0.1:9', stream: false, ...options }).target),
      (thrown) => thrown instanceof UserError && message.test(thrown.message),
    );

  it('is for adapters whose answers tell the times of their tokens', () => {
    for (const adapter of ['vllm', 'sglang', 'openai'])
      refused({ adapter }, new RegExp(`^--no-stream: adapter ${adapter} times .* \\(--adapter distserve\\)$`));
    refused({ ttftTimeout: '3s' }, /^--ttft-timeout: with --no-stream no token is seen before the whole answer/);
    const search = {
      workload: trace,
      target: 'http://127.0.0.1:9',
      adapter: 'distserve',
      stream: false,
      slo: 'ttft=1s',
    };
    assert.throws(
      () => defineGoodput(search, null, '2026-01-01T00:00:00Z'),
      /^UserError: --no-stream: a search counts/,
    );
    const { measure } = defineRun({ workload: trace, target: 'http://127.0.0.1:9', stream: false, timeout: '90s' });
    assert.deepEqual([measure.timeoutUs, measure.ttftTimeoutUs], [90e6, 90e6]);
  });
});
