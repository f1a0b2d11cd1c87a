import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { gzipSync } from 'node:zlib';
import type { RequestRecord } from '../../src/core/record.ts';
import { failureOf } from '../../src/results/failures.ts';
import { openResults, resultArgument, type OpenedResult } from '../../src/results/open-results.ts';
import { temporaryFolder } from '../cli.ts';
import {
  aiperfLines,
  aiperfSummary,
  firstGuidellmReport,
  guidellmBenchmark,
  guidellmReport,
  latencyS,
  python,
  seenRequests,
  sglangResult,
  vllmResult,
  yaml,
  type Seen,
} from './foreign-files.ts';

const folder = temporaryFolder();
let files = 0;

interface Read extends Pick<OpenedResult, 'run' | 'number' | 'of'> {
  readonly records: readonly RequestRecord[];
}

function written(name: string, content: string | Buffer, ...others: (readonly [string, string | Buffer])[]): string {
  const dir = join(folder, String(files++));
  mkdirSync(dir);
  for (const [each, text] of [[name, content], ...others] as const) writeFileSync(join(dir, each), text);
  return join(dir, name);
}

async function read(path: string, number: number | null = null): Promise<Read> {
  const opened = await openResults(path, number);
  const records: RequestRecord[] = [];
  for await (const batch of opened.run.records()) records.push(...batch);
  assert.equal(records.length, opened.run.requests);
  return { ...opened, records };
}

const readValue = (value: unknown): Promise<Read> => read(written('result.json', python(value)));

/** What a request took, which is the same however its file is packed. */
const tookUs = ({ records }: Read): number[] => records.map(({ token_times_us }) => token_times_us.at(-1) ?? 0);
const seenUs = (seen: readonly Seen[]): number[] => seen.map((each) => Math.round(latencyS(each) * 1e6));

const outcomes = ({ records }: Read): string[] => records.map(({ outcome }) => outcome);
const failing = (i: number): Partial<Seen> => (i % 3 === 2 ? { error: 'Service Unavailable' } : {});

describe('the same results, however they are packed', () => {
  const seen = seenRequests(5);
  const [vllm, sglang] = [vllmResult(seen), sglangResult(seen)];
  const lines = aiperfLines(seen);
  const report = guidellmReport(guidellmBenchmark(seen));

  it('in gzip', async () => {
    for (const text of [python(vllm), python(sglang), lines.map(python).join('\n'), python(report)])
      assert.deepEqual(tookUs(await read(written('packed.gz', gzipSync(text)))), seenUs(seen));
    const path = written('profile_export.jsonl.gz', gzipSync(lines.map(python).join('\n')), [
      'profile_export_aiperf.json',
      JSON.stringify(aiperfSummary()),
    ]);
    assert.equal((await read(path)).run.version, '0.13.0');
  });

  it('with a byte order mark, Windows line ends, and empty lines', async () => {
    const odd = (text: string): string => `\uFEFF\r\n${text.replaceAll('\n', '\r\n\r\n')}\r\n\r\n`;
    for (const text of [python(vllm), python(sglang), lines.map(python).join('\n'), JSON.stringify(report, null, 1)])
      assert.deepEqual(tookUs(await read(written('odd', odd(text)))), seenUs(seen));
  });

  it('in a list, as a sweep of vLLM and jq -s write them', async () => {
    const path = written(
      'summary.json',
      JSON.stringify([vllmResult(seenRequests(2)), vllm], null, 4).replaceAll('NaN', '0'),
    );
    assert.deepEqual(tookUs(await read(path, 2)), seenUs(seen));
    await assert.rejects(
      read(path),
      /2 runs are in it; name one:\n.*#1 {2}openai, .*2 requests\n.*#2 {2}openai, .*5 requests/,
    );
    assert.deepEqual(tookUs(await read(written('one.json', python([sglang])))), seenUs(seen));
    assert.deepEqual(tookUs(await read(written('records.json', python(lines)))), seenUs(seen));
  });

  it('in YAML, as GuideLLM writes it if asked to', async () => {
    assert.deepEqual(tookUs(await read(written('benchmarks.yaml', yaml(report)))), seenUs(seen));
    await assert.rejects(
      read(written('x.yaml', 'a: [1,\nb: }')),
      /x.yaml: not YAML \(.*\); give the file as GuideLLM/s,
    );
  });

  it('a run that cannot be read is in the way of no other run of its file', async () => {
    const path = written('runs.jsonl', [python(vllm), python({ ...vllm, ttfts: [] }), '{"cut'].join('\n'));
    assert.deepEqual(tookUs(await read(path, 1)), seenUs(seen));
    await assert.rejects(read(path, 2), /line 2: ttfts has 0 entries/);
    await assert.rejects(read(path, 3), /line 3: is cut short/);
    await assert.rejects(read(path), /3 runs are in it[^]*#1 {2}openai[^]*#2 {2}.*ttfts has 0[^]*#3 {2}.*is cut short/);
    const benchmarks = guidellmReport(guidellmBenchmark([]), guidellmBenchmark(seen));
    assert.deepEqual(tookUs(await read(written('benchmarks.json', python(benchmarks)), 2)), seenUs(seen));
  });

  it('nothing after the first value is passed over', async () => {
    const two = [python(report), python(report)].join('\n');
    await assert.rejects(read(written('two.json', two)), /2 runs are in it/);
    const mixed = [python(vllm), python(aiperfSummary())].join('\n');
    await assert.rejects(read(written('mixed.json', mixed), 2), /line 2: of AIPerf, among results of another tool/);
  });

  it('a folder is what it holds', () => {
    const found = (path: string): string | undefined => resultArgument(join(path, '..'))?.path;
    for (const name of [
      'profile_export.jsonl',
      'profile_export.jsonl.gz',
      'benchmarks.json',
      'benchmarks.yaml',
      'mine_aiperf.json',
    ]) {
      const path = written(name, '', ['inputs.json', '{}']);
      assert.equal(found(path), path);
    }
    assert.equal(found(written('other.json', '')), undefined);
  });

  it('other bytes are no text', async () => {
    await assert.rejects(read(written('x.json', Buffer.from(python(vllm), 'utf16le'))), /x.json: no text: .* in UTF-8/);
    await assert.rejects(read(written('y.gz', gzipSync(python(vllm)).subarray(0, 90))), /y.gz: gzip_truncated/);
  });
});

describe('what is shown alone', () => {
  it('refuses no file, whatever it is', async () => {
    const seen = seenRequests(4);
    for (const odd of [3, 'text', ['list'], { an: 'object' }, null, true]) {
      const vllm = { date: odd, model_id: odd, label: odd, tokenizer_id: odd, completed: odd };
      assert.equal((await readValue(vllmResult(seen, vllm))).records.length, 4);
      assert.equal((await readValue(sglangResult(seen, { server_info: odd, dataset_name: odd }))).records.length, 4);
      const path = written('profile_export.jsonl', aiperfLines(seen).map(python).join('\n'), [
        'profile_export_aiperf.json',
        python(aiperfSummary({ input_config: odd, benchmark_duration: odd, aiperf_version: odd })),
      ]);
      assert.equal((await read(path)).records.length, 4);
      const benchmark = { ...guidellmBenchmark(seen), config: odd, duration: odd, scheduler_metrics: odd };
      assert.equal((await readValue({ ...guidellmReport(benchmark), metadata: odd })).records.length, 4);
    }
  });
});

describe('vllm bench serve', () => {
  it('is told from SGLang, whatever --metadata adds', async () => {
    const { run } = await readValue(
      vllmResult(seenRequests(2), { random_range_ratio: '0.8', mean_e2e_latency_ms: '1' }),
    );
    assert.equal(run.tool, 'vllm bench serve');
  });

  it('with a cap and times of a trace, which its file does not tell, a request waits from when it came', async () => {
    const seen = seenRequests(8, (i) => ({ waitS: i % 2 === 0 ? 0 : 0.05 }));
    const { run, records } = await readValue(vllmResult(seen, { max_concurrency: 4, request_rate: 'inf' }));
    assert.deepEqual([run.starts, run.maxInFlight], ['due', 4]);
    assert.deepEqual(
      records.map(({ held_us }) => held_us),
      seen.map(({ waitS }) => waitS * 1e6),
    );
    assert.ok(!run.notes.some((note) => note.includes('closed loop')));
  });

  it('takes as answered what it completed, though no token was counted', async () => {
    const seen = seenRequests(6, (i) => ({ ...failing(i), ...(i === 0 ? { output: 0, ttftS: 0, gapsS: [] } : {}) }));
    assert.deepEqual(outcomes(await readValue(vllmResult(seen))), ['ok', 'ok', 'rejected', 'ok', 'ok', 'rejected']);
    // A failure may have no text: then tokens tell.
    const silent = await readValue(vllmResult(seen, { errors: seen.map(() => ''), completed: 3 }));
    assert.deepEqual(outcomes(silent), ['protocol_error', 'ok', 'protocol_error', 'ok', 'ok', 'protocol_error']);
  });
});

describe('SGLang bench_serving', () => {
  it('keeps the times of a trace of Mooncake whatever the rate says: when requests were sent is not known', async () => {
    const over = { dataset_name: 'mooncake', request_rate: Infinity };
    assert.equal((await readValue(sglangResult(seenRequests(3), over))).run.starts, 'unknown');
  });

  it('of embeddings is refused: it has no tokens, and no failures', async () => {
    const seen = seenRequests(3, () => ({ output: 0, ttftS: 0, gapsS: [] }));
    await assert.rejects(
      readValue(sglangResult(seen, { backend: 'sglang-embedding' })),
      /no tokens \(sglang-embedding\)/,
    );
  });

  it('of several lines has one in each, with an answer that failed on the way', async () => {
    const seen = seenRequests(3);
    const broken = { errors: ['', 'Internal Server Error: {"detail":"x"}', ''], output_lens: [3, 0, 5] };
    const path = written('r.jsonl', [sglangResult(seen), sglangResult(seen, broken)].map(python).join('\n'));
    const { records, number, of } = await read(path, 2);
    assert.deepEqual([number, of, records[1]?.outcome, records[1]?.http_status], [2, 2, 'http_error', 500]);
    assert.equal(records[1]?.token_times_us.length, 4);
  });
});

describe('GuideLLM', () => {
  const within = (from: number, to: number): object => ({
    start_time: 1_795_000_000 + from,
    end_time: 1_795_000_000 + to,
    warmup_duration: from,
    cooldown_duration: 0.5,
  });

  it('keeps its warm-up and cool-down, which are in no figure', async () => {
    const benchmark = { ...guidellmBenchmark(seenRequests(20)), ...within(0.45, 1.45) };
    const { run, records } = await readValue(guidellmReport(benchmark));
    assert.deepEqual(
      records.flatMap(({ measured }, i) => (measured ? [i] : [])),
      [5, 6, 7, 8, 9, 10, 11, 12, 13, 14],
    );
    assert.ok(run.notes.some((note) => note.startsWith('10 requests of its warm-up and cool-down')));
    const without = { ...benchmark, warmup_duration: 0, cooldown_duration: 0 };
    assert.ok((await readValue(guidellmReport(without))).records.every(({ measured }) => measured));
  });

  it('kept a sample where it made more requests than it kept, whatever it was asked to keep', async () => {
    const notes = async (over: object): Promise<readonly string[]> =>
      (await readValue(guidellmReport({ ...guidellmBenchmark(seenRequests(20)), ...over }))).run.notes;
    const sampled = (list: readonly string[]): boolean =>
      list.some((note) => /kept a sample: 20 of the 500/.test(note));
    const made = { successful: 490, errored: 10, incomplete: 3, total: 503 };
    assert.ok(sampled(await notes({ scheduler_metrics: { requests_made: made } })));
    assert.ok(sampled(await notes({ request_totals: made })));
    const all = { successful: 20, errored: 0, incomplete: 7, total: 27 };
    assert.ok(!(await notes({ scheduler_metrics: { requests_made: all } })).some((note) => note.includes('sample')));
  });

  it('counts one token of an answer that was not streamed and came without usage', async () => {
    const seen = seenRequests(1);
    const [benchmark] = [guidellmBenchmark(seen)];
    const text = python(guidellmReport(benchmark))
      .replaceAll(/"(first|last)_token_iteration":[\d.]+/g, '"$1_token_iteration":null')
      .replaceAll(/"token_iterations":\d+/g, '"token_iterations":0')
      .replaceAll(/"output_metrics":\{[^}]*\}/g, '"output_metrics":{"text_tokens":null,"total_tokens":null}');
    const [record] = (await read(written('benchmarks.json', text))).records;
    assert.deepEqual([record?.outcome, record?.token_times_us.length], ['ok', 1]);
  });

  it('0.1 has chunks, and failures without a time', async () => {
    const seen = seenRequests(7, failing);
    const { run, records } = await readValue(firstGuidellmReport(seen));
    const ok = seen.filter(({ error }) => error === null);
    assert.deepEqual(tookUs({ ...(await readValue(firstGuidellmReport(ok))) }), seenUs(ok));
    assert.deepEqual(outcomes({ run, records, number: 1, of: 1 }), [
      'ok',
      'ok',
      'ok',
      'ok',
      'ok',
      'rejected',
      'rejected',
    ]);
    assert.deepEqual(
      [run.model, run.target, run.title],
      ['some/model', 'http://127.0.0.1:8000', 'asynchronous, 10 requests/s, 7 requests'],
    );
    assert.ok(records.slice(0, 5).every(({ token_time_source }) => token_time_source === 'client'));
    const two = firstGuidellmReport(seen, seenRequests(2));
    await assert.rejects(readValue(two), /2 runs are in it; name one:\n.*#1 .*7 requests\n.*#2 .*2 requests/);
  });
});

it('a status is found wherever a client puts it, and no other number is one', () => {
  const statuses: readonly (readonly [string, number | null])[] = [
    ['429 Too Many Requests', 429],
    ['HTTP/1.1 503', 503],
    ["Client error '404 Not Found' for url 'http://127.0.0.1:8000/v1'", 404],
    [`HTTPStatusError("Server error '500 Internal Server Error' for url 'http://x'")`, 500],
    ["Error code: 429 - {'error': {'message': 'slow down'}}", 429],
    ["ClientResponseError: 503, message='Service Unavailable'", 503],
    ["status=502, message='Bad Gateway'", 502],
    ['Too Many Requests: {"detail": "x"}', 429],
    ['Cannot connect to host 10.0.0.1:443', null],
    ['generated 500 tokens', null],
  ];
  for (const [text, status] of statuses) assert.equal(failureOf(text).http_status, status, text);
});

it('requests of two files have one id where the tool and all prompts are the same, and else none in common', async () => {
  const ids = async (value: unknown): Promise<readonly string[]> =>
    (await readValue(value)).records.map(({ request_id }) => request_id);
  const seen = seenRequests(4);
  const base = await ids(vllmResult(seen));
  assert.deepEqual(await ids(vllmResult(seen.map((each) => ({ ...each, ttftS: 1, output: 1, gapsS: [] })))), base);
  const longer = seen.map((each, i) => ({ ...each, input: each.input + (i === 3 ? 1 : 0) }));
  for (const other of [vllmResult(longer), vllmResult(seenRequests(5)), sglangResult(seen)])
    for (const id of await ids(other)) assert.ok(!base.includes(id), id);
});
