import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import type { RequestRecord } from '../../src/core/record.ts';
import { openResults, type OpenedResult } from '../../src/results/open-results.ts';
import { temporaryFolder } from '../cli.ts';
import {
  aiperfLines,
  aiperfSummary,
  guidellmBenchmark,
  guidellmReport,
  latencyS,
  oldGuidellmBenchmark,
  python,
  seenRequests,
  sglangResult,
  vllmResult,
  writeLines,
  type Seen,
} from './foreign-files.ts';

const folder = temporaryFolder();
let files = 0;
const fresh = (name: string): string => {
  const dir = join(folder, String(files++));
  mkdirSync(dir);
  return join(dir, name);
};

interface Read {
  readonly opened: OpenedResult;
  readonly records: readonly RequestRecord[];
}

async function read(path: string, number: number | null = null): Promise<Read> {
  const opened = await openResults(path, number);
  const records: RequestRecord[] = [];
  for await (const batch of opened.run.records()) records.push(...batch);
  assert.equal(records.length, opened.run.requests);
  assert.equal(new Set(records.map(({ request_id }) => request_id)).size, records.length);
  return { opened, records };
}

function readValue(value: unknown, name = 'result.json'): Promise<Read> {
  const path = fresh(name);
  writeFileSync(path, python(value));
  return read(path);
}

function readAiperf(lines: readonly object[], summary: object | null = aiperfSummary()): Promise<Read> {
  const path = fresh('profile_export.jsonl');
  writeLines(path, lines);
  if (summary !== null) writeFileSync(path.replace('.jsonl', '_aiperf.json'), JSON.stringify(summary, null, 2));
  return read(path);
}

const us = (seconds: number): number => Math.round(seconds * 1e6);
const near = (found: number | null | undefined, expected: number, what: string): void =>
  assert.ok(Math.abs((found ?? Number.NaN) - expected) <= 2, `${what}: ${found} instead of ${expected}`);

/** Each request has the times that the tool saw; `wait`: what it waited before it was sent counts. */
function sameTimes(records: readonly RequestRecord[], seen: readonly Seen[], counts: 'wait' | 'send' = 'wait'): void {
  const zeroS = Math.min(...seen.map(({ sentS, waitS }) => sentS - (counts === 'wait' ? waitS : 0)));
  assert.equal(records.length, seen.length);
  for (const [i, each] of seen.entries()) {
    const record = records[i];
    assert.ok(record !== undefined);
    const waitS = counts === 'wait' ? each.waitS : 0;
    near(record.due_us, us(each.sentS - waitS - zeroS), `due of ${i}`);
    near(record.sent_us, us(each.sentS - zeroS), `sent of ${i}`);
    assert.equal(record.input_tokens, each.input);
    assert.equal(record.outcome === 'ok', each.error === null);
    if (each.error !== null) continue;
    assert.equal(record.token_times_us.length, each.output);
    near(record.token_times_us[0], us(waitS + each.ttftS), `first token of ${i}`);
    near(record.token_times_us.at(-1), us(waitS + latencyS(each)), `last token of ${i}`);
    near(record.end_us, us(each.sentS - zeroS + latencyS(each)), `end of ${i}`);
  }
}

const failing = (i: number): Partial<Seen> => (i % 4 === 3 ? { error: 'Service Unavailable' } : {});

describe('vllm bench serve', () => {
  it('has every request with its times; what waited for a place counts from the due time', async () => {
    const seen = seenRequests(40, (i) => ({ ...failing(i), waitS: (i % 3) * 0.02 }));
    const { opened, records } = await readValue(vllmResult(seen, { max_concurrency: 8 }));
    sameTimes(records, seen);
    assert.equal(opened.run.starts, 'due');
    assert.equal(opened.run.maxInFlight, 8);
    assert.equal(opened.run.model, 'some/model');
    // Its date is that of its end, 12.5 s later.
    assert.equal(opened.run.startedAt, '2026-11-29T01:13:34.500Z');
    assert.equal(records[1]?.held_us, 20_000);
    assert.deepEqual(
      [records[3]?.outcome, records[3]?.http_status, records[3]?.token_times_us.length],
      ['rejected', 503, 0],
    );
    assert.equal(records[3]?.end_us, null);
  });

  it('a cap without a rate is a closed loop: requests are due when they are sent', async () => {
    const seen = seenRequests(12, (i) => ({ waitS: i * 0.1 }));
    const { opened, records } = await readValue(vllmResult(seen, { max_concurrency: 2, request_rate: 'inf' }));
    sameTimes(records, seen, 'send');
    assert.equal(opened.run.starts, 'sent');
    assert.equal(opened.run.maxInFlight, null);
  });

  it('a chat whose answers have a chunk more than tokens has its first token in the second chunk', async () => {
    const seen = seenRequests(10);
    const itls = seen.map(({ gapsS }) => [0.0002, ...gapsS]);
    const latencies = seen.map((each) => latencyS(each) + 0.0002);
    const chat = await readValue(vllmResult(seen, { backend: 'openai-chat', itls, latencies }));
    near(chat.records[0]?.token_times_us[0], us(0.0502), 'first token');
    assert.ok(chat.records.every(({ token_time_source }) => token_time_source === 'client'));
    const plain = await readValue(vllmResult(seen, { backend: 'openai-chat' }));
    sameTimes(plain.records, seen);
  });

  it('older files without start times have latencies, and no time line', async () => {
    const seen = seenRequests(10);
    const bare = { start_times: undefined, queue_times: undefined, latencies: undefined };
    const { opened, records } = await readValue(vllmResult(seen, bare));
    assert.equal(opened.run.starts, 'unknown');
    assert.equal(opened.run.durationS, 12.5);
    assert.ok(records.every(({ due_us, sent_us }) => due_us === 0 && sent_us === 0));
    near(records[4]?.token_times_us.at(-1), us(seen.slice(4, 5).map(latencyS)[0] ?? 0), 'last token');
    const atOnce = await readValue(vllmResult(seen, { ...bare, request_rate: 'inf' }));
    assert.equal(atOnce.opened.run.starts, 'sent');
  });

  it('a traceback is told by its last line; tokens before it broke off are kept', async () => {
    const error = `Traceback (most recent call last):\n  File "x.py", line 1, in f\naiohttp.client_exceptions.ServerDisconnectedError: Server disconnected\n`;
    const seen = seenRequests(2);
    const result = vllmResult(seen, { errors: ['', error], output_lens: [seen[0]?.output, 0] });
    const { records } = await readValue(result);
    assert.equal(records[1]?.outcome, 'stream_broken');
    assert.match(records[1]?.error ?? '', /^aiohttp\S+: Server disconnected$/);
    assert.equal(records[1]?.token_times_us.length, seen[1]?.output);
    assert.equal(records[1]?.token_count_source, 'chunks');
  });

  it('several runs in a file are told apart', async () => {
    const path = fresh('several.json');
    const [one, two] = [seenRequests(3), seenRequests(5)];
    writeFileSync(path, `${python(vllmResult(one))}\n${python(vllmResult(two, { request_rate: 'inf' }))}`);
    sameTimes((await read(path, 2)).records, two);
    await assert.rejects(read(path), {
      name: 'UserError',
      message: `${path}: 2 runs are in it; name one:\n  ${path}#1  openai, 10 requests/s, 3 requests\n  ${path}#2  openai, unpaced, 5 requests`,
    });
    await assert.rejects(read(path, 3), { name: 'UserError', message: /#3: there is no such run: the file has 2/ });
  });

  it('is read with lines and indents, and a byte order mark', async () => {
    const path = fresh('pretty.json');
    const seen = seenRequests(3);
    writeFileSync(path, `\uFEFF${JSON.stringify(vllmResult(seen, { std_tpot_ms: null }), null, 2)}`);
    sameTimes((await read(path)).records, seen);
  });
});

describe('SGLang bench_serving', () => {
  it('has every request; when they were sent is not in its file', async () => {
    const seen = seenRequests(20, failing);
    const { opened, records } = await readValue(sglangResult(seen), 'result.jsonl');
    assert.equal(opened.run.starts, 'unknown');
    assert.equal(opened.run.model, 'some/model');
    assert.equal(records.filter(({ outcome }) => outcome === 'ok').length, 15);
    for (const [i, each] of seen.entries())
      if (each.error === null) near(records[i]?.end_us, us(latencyS(each)), `end of ${i}`);
  });

  it('without a rate and a cap all are sent at once; Infinity is how Python writes it', async () => {
    const { opened } = await readValue(sglangResult(seenRequests(3), { request_rate: Infinity }));
    assert.equal(opened.run.starts, 'sent');
    const capped = await readValue(sglangResult(seenRequests(3), { request_rate: Infinity, max_concurrency: 4 }));
    assert.equal(capped.opened.run.starts, 'unknown');
  });

  it('gaps that its native backend shares out among the tokens of a chunk become those of chunks again', async () => {
    // 2 tokens at 50 ms, 3 at 80 ms, 1 at 85 ms.
    const shared = [0.01, 0.01, 0.01, 0.005];
    const seen = seenRequests(1, () => ({ ttftS: 0.05, gapsS: shared, output: 6 }));
    const { records } = await readValue(sglangResult(seen, { backend: 'sglang' }));
    assert.deepEqual([...(records[0]?.token_times_us ?? [])], [50_000, 50_000, 80_000, 80_000, 80_000, 85_000]);
  });

  it('an answer without text has no token, whatever its TTFT of 0 says', async () => {
    const seen = seenRequests(2, (i) => (i === 1 ? { ttftS: 0, gapsS: [] } : {}));
    const { opened, records } = await readValue(sglangResult(seen));
    assert.equal(records[1]?.outcome, 'ok');
    assert.equal(records[1]?.token_times_us.length, 0);
    assert.ok(opened.run.notes.some((note) => note.startsWith('1 answer without text')));
  });
});

describe('AIPerf', () => {
  it('has every request with its times from its credit, errors and cancellations', async () => {
    const seen = seenRequests(20, (i) => ({ ...failing(i), waitS: 0.003 }));
    const lines = aiperfLines(seen, (i) => (i === 7 ? { metadata: { was_cancelled: true } } : {}));
    const { opened, records } = await readAiperf(lines);
    sameTimes(records, seen);
    assert.equal(opened.run.starts, 'due');
    assert.equal(opened.run.version, '0.13.0');
    assert.equal(opened.run.durationS, 12.5);
    assert.ok(!/secret|hidden/.test(opened.run.target), opened.run.target);
    assert.deepEqual([records[3]?.outcome, records[3]?.http_status], ['rejected', 503]);
    assert.equal(records[7]?.outcome, 'cancelled');
    assert.equal(records[0]?.token_time_source, 'client');
  });

  it('its warm-up is in no figure; without credits requests are due when they start', async () => {
    const lines = aiperfLines(seenRequests(6), (i) => ({
      metadata: { credit_issued_ns: null, benchmark_phase: i < 2 ? 'warmup' : 'profiling' },
    }));
    const { opened, records } = await readAiperf(lines, null);
    assert.deepEqual(
      records.map(({ measured }) => measured),
      [false, false, true, true, true, true],
    );
    assert.equal(opened.run.starts, 'sent');
    assert.equal(opened.run.version, null);
  });

  it('without the gaps of chunks tokens have no times of their own', async () => {
    const seen = seenRequests(6);
    const { records } = await readAiperf(aiperfLines(seen, () => ({ metrics: { inter_chunk_latency: undefined } })));
    sameTimes(records, seen);
    assert.ok(records.every(({ token_time_source }) => token_time_source === 'spread'));
  });

  it('an answer that was not streamed came whole at its end', async () => {
    const seen = seenRequests(2);
    const whole = { time_to_first_token: undefined, inter_chunk_latency: undefined };
    const { records } = await readAiperf(aiperfLines(seen, () => ({ metrics: whole })));
    const times = records[1]?.token_times_us ?? new Float64Array(0);
    assert.equal(times.length, seen[1]?.output);
    assert.equal(times[0], times.at(-1));
  });

  it('is found by its aggregates too', async () => {
    const path = fresh('mine.jsonl');
    writeLines(path, aiperfLines(seenRequests(3)));
    writeFileSync(path.replace('.jsonl', '_aiperf.json'), JSON.stringify(aiperfSummary()));
    const { opened } = await read(path.replace('.jsonl', '_aiperf.json'));
    assert.equal(opened.path, path);
  });
});

describe('GuideLLM', () => {
  it('has every request; what its limit cut is cut', async () => {
    const seen = seenRequests(20, (i) => ({ ...failing(i), waitS: 0.004 }));
    const incomplete = seenRequests(1, () => ({ sentS: 2.5 }));
    const { opened, records } = await readValue(guidellmReport(guidellmBenchmark(seen, { incomplete })));
    const inOrder = records.filter(({ outcome }) => outcome !== 'cut').toSorted((a, b) => a.due_us - b.due_us);
    sameTimes(inOrder, seen);
    assert.equal(opened.run.version, '0.8.1');
    assert.equal(opened.run.starts, 'due');
    assert.match(opened.run.stopped ?? '', /gave up 1 request /);
    assert.equal(records.filter(({ outcome }) => outcome === 'cut').length, 1);
    assert.ok(inOrder.every(({ outcome, token_time_source }) => outcome !== 'ok' || token_time_source === 'spread'));
  });

  it('files of versions before 0.4 are read as well', async () => {
    const seen = seenRequests(8, () => ({ waitS: 0.004 }));
    const { opened, records } = await readValue({ benchmarks: [oldGuidellmBenchmark(seen)] });
    sameTimes(records, seen);
    assert.equal(opened.run.version, null);
    assert.equal(opened.run.target, 'http://127.0.0.1:8000');
  });

  it('a targeted start that cannot be is none; closed loops have no schedule', async () => {
    const [first, ...others] = seenRequests(4);
    assert.ok(first !== undefined);
    const seen = [{ ...first, waitS: 1_795_000_000.7 }, ...others];
    const { opened, records } = await readValue(guidellmReport(guidellmBenchmark(seen)));
    sameTimes(records, [first, ...others]);
    assert.ok(opened.run.notes.some((note) => note.startsWith('1 request without a targeted start')));
    const closed = await readValue(guidellmReport(guidellmBenchmark(seenRequests(4), { type: 'concurrent' })));
    assert.equal(closed.opened.run.starts, 'sent');
  });

  it('each benchmark is a run', async () => {
    const path = fresh('benchmarks.json');
    const [one, two] = [seenRequests(3), seenRequests(5)];
    writeFileSync(path, python(guidellmReport(guidellmBenchmark(one), guidellmBenchmark(two))));
    sameTimes((await read(path, 2)).records, two);
    await assert.rejects(read(path), {
      name: 'UserError',
      message: /2 runs are in it; name one:\n.*#1  poisson, 10 req/,
    });
  });
});
