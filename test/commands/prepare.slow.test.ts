import assert from 'node:assert/strict';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { z } from 'zod';
import { cli, temporaryFolder } from '../cli.ts';
import { maxTokens, serve, streamTokens, type TestServer } from '../servers.ts';
import { readRunFile, readSummary } from '../written-files.ts';

const folder = temporaryFolder();
const servers: TestServer[] = [];
after(() => Promise.all(servers.map((server) => server.close())));

const path = join(folder, 'trace.csv');
const rows = Array.from({ length: 5 }, (_, i) => `${(i * 0.1).toFixed(1)},${64 + i},${30 + i}`);
writeFileSync(path, `arrival_s,input_tokens,output_tokens\n${rows.join('\n')}\n`);

const sent = z.object({ prompt: z.array(z.number()), max_tokens: z.number() });

describe('what is done to a server before a run', { concurrency: 2 }, () => {
  it('the reference engine: in no record and no figure, verified, and said in the report', async () => {
    const out = join(folder, 'engine');
    const result = await cli('run', path, '--warmup-requests', '9', '--reset-cache', '--out', out);
    assert.equal(result.code, 0, result.stderr);
    assert.deepEqual(readRunFile(out).prepared, {
      warmup_requests: 9,
      cache_reset: { route: '/reset_prefix_cache', verified_by: 'cached_tokens' },
    });
    const { requests, server, delivered } = readSummary(out);
    assert.deepEqual([requests.scheduled, requests.ok, delivered.prefix_reuse], [5, 5, 0]);
    assert.equal(server?.latency_ms.ttft?.n, 5, "nor in the server's own figures");
    assert.match(
      readFileSync(join(out, 'report.html'), 'utf8'),
      /9 warm-up requests and prefix cache emptied by POST \/reset_prefix_cache \(verified by cached_tokens\)/,
    );
  });

  it('warm-up requests are as long as those of the workload, share no beginning with any, and may fail', async () => {
    const server = await serve((index, _request, response, body) => {
      if (index < 0) response.writeHead(404).end();
      else if (index === 2) response.writeHead(500).end('{"error":{"message":"compiling"}}');
      else void streamTokens(response, maxTokens(body), 0);
    });
    servers.push(server);
    const out = join(folder, 'fake');
    const result = await cli('run', path, '--target', server.url.href, '--warmup-requests', '7', '--out', out);
    assert.equal(result.code, 0, result.stderr);
    assert.match(result.stderr, /1 of 7 warm-up requests failed, the last: http error: .*compiling/);
    assert.equal(readSummary(out).requests.ok, 5);
    const bodies = server.seen.filter((seen) => seen.path === '/v1/completions').map((seen) => sent.parse(seen.body));
    // Those before the run are sent together, and may come in any order.
    const lengths = (some: typeof bodies): number[][] =>
      some.map(({ prompt, max_tokens }) => [prompt.length, max_tokens]).toSorted(([a = 0], [b = 0]) => a - b);
    const warmUp = [0, 0, 1, 1, 2, 3, 4].map((i) => [64 + i, Math.min(32, 30 + i)]);
    assert.deepEqual(lengths(bodies.slice(0, 7)), warmUp);
    assert.deepEqual(
      lengths(bodies.slice(7)),
      [0, 1, 2, 3, 4].map((i) => [64 + i, 30 + i]),
    );
    assert.equal(new Set(bodies.map(({ prompt }) => prompt.slice(0, 4).join())).size, 12);
  });

  it('a server that answers none of them: exit 3, no run', async () => {
    const server = await serve((_index, _request, response) => void response.writeHead(503).end('overloaded'));
    servers.push(server);
    const out = join(folder, 'none');
    const result = await cli('run', path, '--target', server.url.href, '--warmup-requests', '3', '--out', out);
    assert.equal(result.code, 3);
    assert.match(
      result.stderr,
      /error: --warmup-requests: 3 of 3 warm-up requests failed, the last: rejected: overloaded/,
    );
    assert.equal(existsSync(out), false);
  });

  it('in virtual time there is nothing to do, and that is said', async () => {
    const out = join(folder, 'virtual');
    const result = await cli('run', path, '--clock', 'virtual', '--reset-cache', '--out', out);
    assert.equal(result.code, 0, result.stderr);
    assert.match(result.stderr, /--reset-cache does nothing in virtual time: the engine is new/);
    assert.equal(readRunFile(out).prepared, null);
  });
});
