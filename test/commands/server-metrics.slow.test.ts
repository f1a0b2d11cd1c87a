import assert from 'node:assert/strict';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import type { Scrape } from '../../src/schema/server-metrics.ts';
import { readScrapes } from '../../src/runs/read-scrapes.ts';
import { cli, temporaryFolder } from '../cli.ts';
import { maxTokens, serve, streamTokens, type TestServer } from '../servers.ts';
import { readSummary } from '../written-files.ts';

const folder = temporaryFolder();
const servers: TestServer[] = [];
after(() => Promise.all(servers.map((server) => server.close())));

/** Requests over about 3.4 s. */
const path = join(folder, 'trace.csv');
const rows = Array.from({ length: 35 }, (_, i) => `${(i * 0.1).toFixed(1)},64,5`);
writeFileSync(path, `arrival_s,input_tokens,output_tokens\n${rows.join('\n')}\n`);

async function scrapesOf(dir: string): Promise<Scrape[]> {
  const found: Scrape[] = [];
  for await (const scrape of readScrapes(dir) ?? []) found.push(scrape);
  return found;
}

/** Runs against a server whose n-th look at /metrics is answered by `page`; null: never. */
async function runAgainst(name: string, page: (look: number) => { status: number; text: string } | null) {
  let looks = 0;
  const server = await serve(
    (index, _request, response, body) => {
      if (index >= 0) return void streamTokens(response, maxTokens(body), 2);
      const reply = page(looks++);
      if (reply !== null) response.writeHead(reply.status).end(reply.text);
    },
    ['/metrics'],
  );
  servers.push(server);
  const out = join(folder, name);
  const result = await cli('run', path, '--target', server.url.href, '--out', out);
  assert.equal(result.code, 0, result.stderr);
  assert.equal(readSummary(out).requests.ok, 35);
  return { out, stderr: result.stderr, looks: () => looks };
}

const RUNNING = 'vllm:num_requests_running{engine="0"} 3\n';

describe('the metrics of a server', { concurrency: 2 }, () => {
  it('of the reference engine: from before the first request to after the last, and the same read again', async () => {
    const out = join(folder, 'engine');
    const result = await cli('run', path, '--out', out);
    assert.equal(result.code, 0, result.stderr);
    const scrapes = await scrapesOf(out);
    assert.ok(scrapes.length >= 4, `${scrapes.length}`);
    assert.ok((scrapes[0]?.timeUs ?? 0) < 0);
    const { server } = readSummary(out);
    assert.deepEqual([server?.scrapes, server?.scrapes_failed], [scrapes.length, 0]);
    assert.equal(server?.latency_ms.ttft?.n, 35);
    assert.equal(server?.latency_ms.itl?.n, 140);
    assert.ok((server?.latency_ms.itl?.mean ?? 0) > 1);
    assert.match(result.stdout, /^server +running /m);
    const before = readSummary(out);
    const page = readFileSync(join(out, 'report.html'), 'utf8');
    assert.ok(page.includes('id="server-load"'));
    assert.equal((await cli('report', out)).code, 0);
    assert.deepEqual(readSummary(out), before);
    assert.equal(readFileSync(join(out, 'report.html'), 'utf8'), page);
  });

  it('that has none: said once, no file, and it is not asked again', async () => {
    const { out, stderr, looks } = await runAgainst('none', () => ({ status: 404, text: 'not found' }));
    assert.equal(stderr.match(/no metrics of the server: http:.*\/metrics answers HTTP 404/g)?.length, 1, stderr);
    assert.equal(existsSync(join(out, 'server.parquet')), false);
    assert.equal(readSummary(out).server, null);
    assert.equal(looks(), 1);
  });

  it('that tells nothing we know: said, no file', async () => {
    const { out, stderr } = await runAgainst('other', () => ({
      status: 200,
      text: '# nothing yet\nhttp_requests 3\n',
    }));
    assert.match(stderr, /no metrics of the server: .* has none that are known here/);
    assert.equal(existsSync(join(out, 'server.parquet')), false);
  });

  it('that fails, lies and hangs: gaps, and never a fault of the run', async () => {
    const started = performance.now();
    const { out, stderr } = await runAgainst('bad', (look) =>
      look === 1
        ? { status: 500, text: 'busy' }
        : look === 2
          ? { status: 200, text: 'vllm:num_requests_running{engine="0} 3\n' }
          : look >= 4
            ? null
            : { status: 200, text: RUNNING },
    );
    assert.ok(performance.now() - started < 20_000);
    assert.match(stderr, /\d of \d scrapes of http:.*\/metrics failed and are gaps in the server's metrics/);
    const scrapes = await scrapesOf(out);
    assert.deepEqual(
      scrapes.slice(0, 4).map(({ samples }) => samples?.length ?? null),
      [1, null, null, 1],
    );
    assert.equal(scrapes.at(-1)?.samples, null, 'the last look hangs');
    assert.deepEqual(readSummary(out).server?.running, { mean: 3, max: 3 });
  });
});
