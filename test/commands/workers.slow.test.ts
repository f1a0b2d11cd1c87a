import assert from 'node:assert/strict';
import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { pathToFileURL } from 'node:url';
import { setTimeout as sleep } from 'node:timers/promises';
import type { RequestRecord } from '../../src/core/record.ts';
import { run } from '../../src/index.ts';
import { readClientSamples } from '../../src/runs/client-file.ts';
import { readRecords } from '../../src/runs/records.ts';
import { startCli, temporaryFolder } from '../cli.ts';
import { freePort, maxTokens, serve, streamTokens } from '../servers.ts';
import { readRunFile } from '../written-files.ts';

const folder = temporaryFolder();
const SESSIONS = 12;
const TURNS = 4;
/** After each answer of a session, in sessions that think. */
const THINK_US = 50_000;

/** Sessions whose turns follow one another, and as many requests of no session between them. */
const requests = Array.from({ length: SESSIONS * TURNS }, (_, i) => {
  const [turn, session] = [Math.floor(i / SESSIONS), i % SESSIONS];
  return { id: `s${session}-${turn}`, t_us: i * 15_000, session: `s${session}`, turn };
});
const others = requests.map(({ t_us }, i) => ({ id: `alone-${i}`, t_us: t_us + 7000 }));
const rtrace = (name: string, rows: readonly object[]): string => {
  const path = join(folder, `${name}.rtrace.jsonl`);
  const lines = [{ reprise_trace: 1 }, ...rows.map((row) => ({ ...row, input_tokens: 20, output_tokens: 5 }))];
  writeFileSync(path, lines.map((line) => `${JSON.stringify(line)}\n`).join(''));
  return path;
};
const mixed = rtrace(
  'mixed',
  [...requests, ...others].toSorted((a, b) => a.t_us - b.t_us),
);
const thinking = rtrace(
  'thinking',
  requests.map((request) =>
    request.turn === 0
      ? request
      : { ...request, after: [{ id: `${request.session}-${request.turn - 1}`, think_us: THINK_US }] },
  ),
);
/** One request every 10 ms for 20 s. */
const long = join(folder, 'long.csv');
const LONG = 2000;
writeFileSync(
  long,
  `arrival_s,input_tokens,output_tokens\n${Array.from({ length: LONG }, (_, i) => `${i / 100},16,5`).join('\n')}\n`,
);

const server = await serve((_index, _request, response, body) => void streamTokens(response, maxTokens(body), 5));
after(() => server.close());
const target = ['--target', server.url.href, '--adapter', 'openai', '--model', 'tiny'];

async function recordsOf(dir: string): Promise<Map<string, RequestRecord>> {
  const records = new Map<string, RequestRecord>();
  for await (const batch of readRecords(dir))
    for (const record of batch) {
      assert.equal(records.has(record.request_id), false, `${record.request_id} twice`);
      records.set(record.request_id, record);
    }
  return records;
}

function count<T>(values: Iterable<T>): Map<T, number> {
  const counts = new Map<T, number>();
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1);
  return counts;
}

describe('runs with several workers', () => {
  it('have the records of a run with one, each from the worker that has its session', async () => {
    const plain = [];
    for (const workers of [1, 2, 3]) {
      const out = join(folder, `mixed-${workers}`);
      const { summary, manifest } = await run({
        workload: mixed,
        target: server.url.href,
        model: 'tiny',
        workers,
        out,
      });
      assert.deepEqual([summary.requests.ok, manifest.workers], [2 * requests.length, workers]);
      const records = [...(await recordsOf(out)).values()];
      assert.equal(new Set(records.map(({ worker }) => worker)).size, workers);
      for (const session of new Set(requests.map((request) => request.session)))
        assert.equal(new Set(records.filter(({ session_id }) => session_id === session).map((r) => r.worker)).size, 1);
      plain.push(
        records
          .map((record) => {
            const { request_id, session_id, turn, trace_row, due_us, output_tokens, outcome, token_times_us } = record;
            return {
              request_id,
              session_id,
              turn,
              trace_row,
              due_us,
              output_tokens,
              outcome,
              n: token_times_us.length,
            };
          })
          .toSorted((a, b) => a.request_id.localeCompare(b.request_id)),
      );
      // One row a second of all workers, whose last has every request.
      const samples = (await readClientSamples(out)) ?? [];
      assert.ok(samples.every(({ time_us }, i) => i === 0 || time_us - (samples[i - 1]?.time_us ?? 0) > 1));
      assert.deepEqual([samples.at(-1)?.sent, samples.at(-1)?.in_flight], [2 * requests.length, 0]);
    }
    assert.deepEqual(plain[1], plain[0]);
    assert.deepEqual(plain[2], plain[0]);
  });

  it('keep think times: a turn is due when the one before has ended and its think time is over', async () => {
    const out = join(folder, 'thinking');
    const options = { workload: thinking, target: server.url.href, model: 'tiny', workers: 2, out } as const;
    const { summary } = await run({ ...options, sessions: 'think' });
    assert.equal(summary.requests.ok, requests.length);
    const records = await recordsOf(out);
    for (const { id, session, turn } of requests) {
      const [record, before] = [records.get(id), records.get(`${session}-${turn - 1}`)];
      assert.equal(record?.worker, records.get(`${session}-0`)?.worker);
      if (before !== undefined) assert.equal(record?.due_us, (before.end_us ?? Number.NaN) + THINK_US, id);
    }
    assert.deepEqual([...count([...records.values()].map(({ worker }) => worker)).keys()].toSorted(), [0, 1]);
  });

  it('end by Ctrl-C as one: nothing more is sent by any, every request has its record', async () => {
    const out = join(folder, 'stopped');
    const stop = new AbortController();
    let sent = 0;
    const options = { workload: long, target: server.url.href, model: 'tiny', workers: 2, out } as const;
    const ending = run(options, {
      stop: stop.signal,
      started: (_plan, snapshot) => {
        const timer = setInterval(() => {
          ({ sent } = snapshot());
          if (sent < 60) return;
          clearInterval(timer);
          stop.abort(new Error('interrupted by a test'));
        }, 50);
      },
    });
    const { manifest, summary } = await ending;
    assert.deepEqual([manifest.status, manifest.reason], ['interrupted', 'interrupted by a test']);
    const records = [...(await recordsOf(out)).values()];
    assert.equal(records.length, LONG);
    const outcomes = count(records.map(({ outcome }) => outcome));
    assert.ok(
      (outcomes.get('ok') ?? 0) >= 50 && (outcomes.get('unsent') ?? 0) > LONG / 2,
      JSON.stringify([...outcomes]),
    );
    assert.equal(summary.requests.scheduled, LONG);
    const workers = count(records.flatMap(({ worker, sent_us }) => (sent_us === null ? [] : [worker])));
    assert.deepEqual([...workers.keys()].toSorted(), [0, 1]);
    const seen = server.seen.length;
    await sleep(200);
    assert.equal(server.seen.length, seen);
  });

  it('end together where the server that was started for them ends', async () => {
    const out = join(folder, 'gone');
    const port = await freePort();
    const module = join(folder, 'server.mjs');
    writeFileSync(
      module,
      `import { createServer } from 'node:http';
let left = 100;
createServer((request, response) => {
  if (request.method === 'GET') return response.end('{"data":[{"id":"tiny"}]}');
  if (left-- === 0) process.exit(0);
  response.writeHead(200, { 'content-type': 'text/event-stream' });
  const event = (finish) => 'data: ' + JSON.stringify({ choices: [{ index: 0, text: ' a', finish_reason: finish }] }) + '\\n\\n';
  response.end(event(null).repeat(4) + event('length') + 'data: [DONE]\\n\\n');
}).listen(${port}, '127.0.0.1');\n`,
    );
    const args = ['--target', `http://127.0.0.1:${port}`, '--adapter', 'openai', '--model', 'tiny', '--workers', '2'];
    const start = ['--start', `"${process.execPath}" "${module}"`, '--ready', `http://127.0.0.1:${port}/v1/models`];
    const { stderr } = await startCli(['run', long, ...args, ...start, '--out', out]).result;
    const { status, reason } = readRunFile(out);
    assert.equal(status, 'failed', stderr);
    assert.match(reason ?? '', /ended|exit/);
    const records = [...(await recordsOf(out)).values()];
    assert.equal(records.length, LONG);
    const workers = count(records.flatMap(({ worker, outcome }) => (outcome === 'ok' ? [worker] : [])));
    assert.deepEqual([...workers.keys()].toSorted(), [0, 1]);
  });
});

describe('a worker', () => {
  /** A run of two workers, of which the second runs `code` when it has recorded some requests. */
  async function withPlanted(name: string, code: string) {
    const module = join(folder, `${name}.mjs`);
    writeFileSync(
      module,
      `import { isMainThread, workerData } from 'node:worker_threads';
if (!isMainThread && workerData?.data?.worker === 1) {
  let left = 400;
  const { round } = Math;
  Math.round = (x) => {
    if (left-- <= 0 && new Error().stack.includes('recorder')) {
      Math.round = round;
      ${code}
    }
    return round(x);
  };
}\n`,
    );
    const out = join(folder, name);
    const env = { NODE_OPTIONS: `--import=${pathToFileURL(module).href}` };
    const result = await startCli(['run', long, ...target, '--workers', '2', '--out', out], env).result;
    const records = [...(await recordsOf(out)).values()];
    assert.equal(records.length, LONG);
    const outcomes = count(records.map(({ worker, outcome }) => `${worker} ${outcome}`));
    const left = readdirSync(join(out, 'requests')).filter((file) => !file.endsWith('.parquet'));
    assert.deepEqual(left, []);
    return { ...result, manifest: readRunFile(out), outcomes };
  }

  it('that has a fault ends the run with its stack; what all have measured is kept', async () => {
    const { code, stderr, manifest, outcomes } = await withPlanted('fault', "throw new TypeError('planted');");
    assert.equal(code, 70, stderr);
    assert.match(stderr, /TypeError: planted\n {4}at .*fault\.mjs[^]*recorder\.ts/);
    assert.deepEqual([manifest.status, manifest.reason], ['interrupted', 'a fault in reprise: planted']);
    for (const worker of [0, 1]) assert.ok((outcomes.get(`${worker} ok`) ?? 0) > 20, JSON.stringify([...outcomes]));
    assert.ok(manifest.client !== null);
  });

  it('that dies ends the run; its journal is mended as that of a run that was killed', async () => {
    const { code, stderr, manifest, outcomes } = await withPlanted('death', 'process.exit(7);');
    assert.equal(code, 70, stderr);
    assert.equal(manifest.status, 'interrupted');
    assert.match(manifest.reason ?? '', /client-worker\.ts has ended with code 7/);
    for (const worker of [0, 1]) assert.ok((outcomes.get(`${worker} ok`) ?? 0) > 20, JSON.stringify([...outcomes]));
  });
});
