import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { once } from 'node:events';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { parseEngineSpec } from '../../src/engine/index.ts';
import { serveEngine } from '../../src/engine/server/index.ts';
import { probeSchema } from '../../src/schema/probe.ts';
import { cli, startCli, temporaryFolder } from '../cli.ts';
import { freePort } from '../servers.ts';
import { readRunFile, readSummary } from '../written-files.ts';

const folder = temporaryFolder();
const SHORT = ['--front-end', '2', '--load-time', '100ms'];
let url = '';
const closing: (() => unknown)[] = [];
before(async () => {
  const server = await serveEngine(parseEngineSpec(''), { host: '127.0.0.1', port: 0, dialect: 'openai' });
  closing.push(() => server.close());
  url = server.url;
});
after(() => Promise.all(closing.map((close) => close())));

describe('reprise probe', { concurrency: 2 }, () => {
  it('prints a table, writes what run --probe repeats before the run and in its report', async () => {
    const file = join(folder, 'probe.json');
    const probed = await cli('probe', url, 'chat', '--limit', '40', ...SHORT, '--out', file);
    assert.equal(probed.code, 0, probed.stderr);
    assert.match(
      probed.stdout,
      /^✓ .*; the busiest second of chat\.csv .* fits into that\n! tokens of completions are/,
    );
    assert.match(probed.stderr, /completions of one token \(5,000 at most\) for 0\.1 s at each of 2 connections/);
    assert.deepEqual(probeSchema.parse(JSON.parse(readFileSync(file, 'utf8'))).server.adapter, 'openai');

    const out = join(folder, 'run');
    const ran = await cli(
      'run',
      'chat',
      '--limit',
      '5',
      '--speed',
      '9',
      '--target',
      url,
      '--probe',
      file,
      '--out',
      out,
    );
    assert.equal(ran.code, 0, ran.stderr);
    assert.match(ran.stderr, /--probe .*probe\.json: made .* before this run/);
    assert.match(ran.stderr, /warning: by the probe: tokens of completions are counted as one a chunk/);
    assert.match(ran.stdout, /^! The probe of the target \(2.*Z\): tokens of completions are counted/m);
    const { probe, options } = readRunFile(out);
    assert.deepEqual([probe?.file, options?.['probe']], [file, file]);
    assert.ok(readSummary(out).warnings.some(({ code }) => code === 'probe'));
  });

  it('--json is of its schema, alone on stdout, and quiet', async () => {
    const { code, stdout, stderr } = await cli('probe', url, '--no-front-end', '--json', '--quiet');
    assert.deepEqual([code, stderr], [0, '']);
    const report = probeSchema.parse(JSON.parse(stdout));
    assert.deepEqual([report.front_end, report.workload, report.target], [null, null, url]);
  });

  it('of a server that cannot be reached ends with 3, and of one without an endpoint too, with its table', async () => {
    const port = await freePort();
    const refused = await cli('probe', `http://127.0.0.1:${port}`);
    assert.deepEqual([refused.code, refused.stdout], [3, '']);
    assert.match(refused.stderr, /cannot reach .*is the server running, and is the port right\?/);
    const seen: (string | undefined)[] = [];
    const server = createServer((request, response) => {
      seen.push(request.headers.authorization);
      response.writeHead(401, { 'content-type': 'text/plain' }).end(`no ${request.headers.authorization}`);
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    closing.push(() => server.close());
    const address = server.address();
    assert.ok(typeof address === 'object' && address !== null);
    const key = 'sk-very-secret';
    const file = join(folder, 'key.json');
    const args = ['probe', `http://127.0.0.1:${address.port}/?key=${key}-2`, '--api-key-env', 'KEY', '--out', file];
    const { code, stdout, stderr } = await startCli([...args, ...SHORT], { KEY: key }).result;
    assert.equal(code, 3, stderr);
    assert.match(stdout, /^✗ .*no endpoint answers a request for tokens/);
    assert.ok(seen.length > 5 && seen.every((authorization) => authorization === `Bearer ${key}`));
    for (const text of [stdout, stderr, readFileSync(file, 'utf8')]) assert.ok(!text.includes(key), text);
  });

  it('an interrupt ends it, without a result', async () => {
    const { child, result } = startCli(['probe', url, '--load-time', '20s']);
    child.stderr?.on('data', (text: Buffer) => {
      if (text.toString().includes('loads the front end')) setTimeout(() => child.kill('SIGINT'), 800);
    });
    const { code, stdout, stderr } = await result;
    assert.deepEqual([code, stdout], [130, '']);
    assert.match(stderr, /stopping: nothing is told or written/);
  });
});
