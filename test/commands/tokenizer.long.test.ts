import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, it } from 'node:test';
import type { Summary } from '../../src/schema/summary.ts';
import { cli, readJson, temporaryFolder, type CliResult } from '../cli.ts';
import { chatServer, type ChatServer, type ChatServerOptions } from '../target/chat-server.ts';
import { readSummary } from '../written-files.ts';

const folder = temporaryFolder();
const servers: ChatServer[] = [];
after(() => Promise.all(servers.map((server) => server.close())));

const trace = join(folder, 'trace.csv');
const rows = Array.from({ length: 30 }, (_, i) => `${(i / 100).toFixed(2)},${20 + 13 * i},1`);
writeFileSync(trace, `arrival_s,input_tokens,output_tokens\n${rows.join('\n')}\n`);

async function start(options: ChatServerOptions): Promise<ChatServer> {
  const server = await chatServer(folder, options);
  servers.push(server);
  return server;
}

const run = (server: ChatServer, name: string, ...options: string[]): Promise<CliResult> =>
  cli('run', trace, '--target', server.url.href, '--endpoint', 'chat', '--out', join(folder, name), ...options);
const summaryOf = (name: string): Summary => readSummary(join(folder, name));

it('--tokenizer FILE: chats are as long as the trace says, by the count of the server, and the same for one salt', async () => {
  const server = await start({ overhead: 11 });
  for (const name of ['first', 'second']) {
    const { code, stdout, stderr } = await run(server, name, '--tokenizer', server.tokenizer, '--salt', 'x');
    assert.equal(code, 0, stderr);
    assert.match(stdout, /^prompts +exact; input tokens as asked in all 30$/m);
    const { workload, delivered } = summaryOf(name);
    assert.equal(workload.prompts, 'exact');
    assert.deepEqual(delivered.input_deviation_tokens, { mean: 0, max: 0, requests: 0, counted: 30 });
    assert.deepEqual(workload.input_tokens, delivered.input_tokens);
  }
  // Two texts measure the template before each run.
  const contents = server.contents();
  assert.equal(contents.length, 64);
  // In the order they came, which is not that of the trace where the machine is busy.
  assert.deepEqual(contents.slice(2, 32).sort(), contents.slice(34).sort());
  assert.equal(new Set(contents.slice(2, 32)).size, 30);
  const { prompts } = readJson(folder, 'first', 'run.json');
  assert.ok(typeof prompts === 'object' && prompts !== null && 'overhead_tokens' in prompts);
  assert.equal(prompts.overhead_tokens, 11);
});

it('--tokenizer server does the same; without it lengths are called approximate', async () => {
  const server = await start({ overhead: 11 });
  const asked = await run(server, 'asked', '--tokenizer', 'server');
  assert.match(asked.stdout, /^prompts +exact; input tokens as asked in all 30$/m, asked.stderr);
  const plain = await run(server, 'plain');
  assert.match(
    plain.stdout,
    /^prompts +approximate; input tokens \d+ of 30 differ, [+-][\d.]+ tokens on average, \d+ at most$/m,
  );
  assert.match(plain.stderr, /plain words and their lengths approximate/);
  assert.equal(summaryOf('plain').workload.prompts, 'approximate');
});

it('a server that counts otherwise during the run is a warning in the report', async () => {
  const server = await start({ overhead: 11, tell: (counted, chat) => (chat > 11 ? counted + 2 : counted) });
  const { stdout } = await run(server, 'other', '--tokenizer', server.tokenizer);
  assert.match(stdout, /^! Prompts are not as long as planned: .*; 20 of 30 differ, by 2 at most$/m);
  const { input_deviation_tokens: deviation } = summaryOf('other').delivered;
  assert.deepEqual([deviation?.requests, deviation?.max, deviation?.counted], [20, 2, 30]);
  const html = readFileSync(join(folder, 'other', 'report.html'), 'utf8');
  assert.match(
    html,
    /prompt lengths.*<td>exact<\/td>\s*<td>20 of 30 differ, \+1\.33 tokens on average, 2 at most<\/td>/s,
  );
});

it('--tokenizer server: the reference engine is asked like any other server', async () => {
  const options = ['--endpoint', 'chat', '--tokenizer', 'server', '--limit', '5', '--out', join(folder, 'engine')];
  const { stdout, stderr } = await cli('run', trace, ...options);
  assert.match(stdout, /^prompts +exact; input tokens as asked in all 5$/m, stderr);
});
