import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { it } from 'node:test';
import { latenessUs, type RequestRecord } from '../../src/core/record.ts';
import { readRecords } from '../../src/runs/records.ts';
import { cli, startCli, temporaryFolder } from '../cli.ts';
import { serve, streamTokens, type TestServer } from '../servers.ts';
import { readRunFile, readSummary } from '../written-files.ts';

const folder = temporaryFolder();

function trace(name: string, requests: number, everyS: number): string {
  const path = join(folder, `${name}.csv`);
  const rows = Array.from({ length: requests }, (_, i) => `${(i * everyS).toFixed(3)},20,3`);
  writeFileSync(path, `arrival_s,input_tokens,output_tokens\n${rows.join('\n')}\n`);
  return path;
}

/** Three tokens in 0.3 s; keeps how many requests it had at once. */
async function slowServer(): Promise<TestServer & { most: () => number }> {
  let [now, most] = [0, 0];
  const server = await serve((_index, _request, response) => {
    most = Math.max(most, ++now);
    void streamTokens(response, 3, 100).then(() => now--);
  });
  return { ...server, most: () => most };
}

async function recordsOf(dir: string): Promise<RequestRecord[]> {
  const all: RequestRecord[] = [];
  for await (const batch of readRecords(dir)) all.push(...batch);
  return all.toSorted((a, b) => a.trace_row - b.trace_row);
}

it('a server never has more than the cap at once, and the wait is in TTFT, in its own column, and in no lateness', async () => {
  const server = await slowServer();
  const out = join(folder, 'slow');
  const capped = ['--max-in-flight', '2', '--slo', 'ttft=1s'];
  const ran = await cli('run', trace('slow', 30, 0.1), '--target', server.url.href, ...capped, '--out', out);
  await server.close();
  assert.equal(ran.code, 0, ran.stderr);
  assert.equal(server.most(), 2);
  assert.equal(readRunFile(out).max_in_flight, 2);
  const records = await recordsOf(out);
  assert.equal(records.length, 30);
  const sent = records.map(({ sent_us }) => sent_us ?? Number.NaN);
  assert.deepEqual(
    sent,
    sent.toSorted((a, b) => a - b),
  );
  for (const record of records.slice(2)) {
    const { held_us, sent_us, first_token_us } = record;
    assert.ok((held_us ?? 0) > 0 && (sent_us ?? 0) >= record.due_us + (held_us ?? 0), record.request_id);
    assert.ok((first_token_us ?? 0) - record.due_us >= (held_us ?? 0) + 90_000, record.request_id);
  }
  const late = records.map((record) => latenessUs(record) ?? Infinity).sort((a, b) => a - b);
  const [middle, last] = [late[15] ?? Infinity, records.at(-1)?.held_us ?? 0];
  assert.ok(middle < 20_000 && last > 1e6, `${middle} us late while the last waited ${last} us; rerun it alone`);
  const { held, warnings, validity, little_law_error } = readSummary(out);
  assert.ok((little_law_error ?? 1) < 0.2, `Little's law is off by ${little_law_error}`);
  assert.ok((held?.share ?? 0) > 0.9);
  assert.ok(warnings.some(({ code }) => code === 'held') && !warnings.some(({ code }) => code === 'rate'));
  assert.ok((validity.lateness_ms?.p90 ?? Infinity) < 100);
  assert.match(ran.stdout, /! At most 2 in flight \(--max-in-flight\): 9\d\.\d % of requests waited for a place/);
});

it('who waits when the user stops is unsent, and misses only what was missed by then', async () => {
  const server = await slowServer();
  const out = join(folder, 'stopped');
  const options = ['--max-in-flight', '1', '--slo', 'ttft=60s', '--quiet', '--out', out];
  const { child, result } = startCli(['run', trace('stopped', 200, 0.02), '--target', server.url.href, ...options]);
  while (server.seen.filter(({ path }) => path.includes('completions')).length < 4)
    await new Promise((resolve) => setTimeout(resolve, 20));
  child.kill('SIGINT');
  const { code, stdout } = await result;
  await server.close();
  assert.equal(code, 130);
  const { requests, held, slo } = readSummary(out);
  assert.equal(requests.scheduled, 200);
  assert.equal((requests.by_outcome.ok ?? 0) + (requests.by_outcome.unsent ?? 0), 200);
  assert.deepEqual([requests.failed, slo?.attainment.joint], [0, 1]);
  assert.ok((held?.still_waiting ?? 0) >= 10, `${held?.still_waiting} waited`);
  assert.match(stdout, /\d+ that waited for a place before they had missed a limit are left out/);
});

it('who waits when the client is killed is known to have waited until the last that was recorded', async () => {
  const server = await slowServer();
  const out = join(folder, 'killed');
  const options = ['--max-in-flight', '1', '--slo', 'ttft=500ms', '--quiet', '--out', out];
  const { child, result } = startCli(['run', trace('killed', 200, 0.02), '--target', server.url.href, ...options]);
  while (server.seen.filter(({ path }) => path.includes('completions')).length < 6)
    await new Promise((resolve) => setTimeout(resolve, 20));
  child.kill('SIGKILL');
  await result;
  await server.close();
  const { code, stdout, stderr } = await cli('report', out);
  assert.equal(code, 0, stderr);
  const records = await recordsOf(out);
  const last = Math.max(...records.flatMap(({ sent_us, end_us }) => [sent_us ?? 0, end_us ?? 0]));
  const unsent = records.filter(({ outcome }) => outcome === 'unsent');
  assert.equal(records.length, 200);
  for (const { due_us, held_us } of unsent) assert.equal(held_us, due_us <= last ? last - due_us : null);
  const { slo, requests } = readSummary(out);
  const waited = unsent.filter(({ held_us }) => (held_us ?? 0) > 500_000).length;
  assert.ok(waited > 10 && requests.failed >= waited, `${waited} waited too long, ${requests.failed} failed`);
  assert.ok((slo?.attainment.joint ?? 1) < 0.5, 'they missed their limit');
  assert.match(stdout, /unsent: it waited for a place in flight/);
});

it('is a whole number from 1', async () => {
  for (const wrong of ['0', '1.5', 'many']) {
    const { code, stderr } = await cli('run', 'chat', '--max-in-flight', wrong);
    assert.equal(code, 2);
    assert.match(stderr, /--max-in-flight: .*expected a whole number from 1|--max-in-flight: is not a number/);
  }
});
