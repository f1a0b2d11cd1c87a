import assert from 'node:assert/strict';
import { once } from 'node:events';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { json } from 'node:stream/consumers';
import { after, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { comparisonSchema, type Comparison } from '../../src/schema/comparison.ts';
import { cli, readJson, startCli, temporaryFolder } from '../cli.ts';
import { freePort, maxTokens, serve, streamTokens, type TestServer } from '../servers.ts';
import { readRunFile } from '../written-files.ts';

const folder = temporaryFolder();
const CLI = join(import.meta.dirname, '..', '..', 'src', 'cli.ts');
const trace = join(folder, 'trace.csv');
const rows = Array.from({ length: 20 }, (_, i) => `${(i * 0.05).toFixed(2)},64,4`);
writeFileSync(trace, `arrival_s,input_tokens,output_tokens\n${rows.join('\n')}\n`);
const servers: TestServer[] = [];
after(() => Promise.all(servers.map(({ close }) => close())));

/** A server that has a token every so many milliseconds. */
async function server(everyMs: number): Promise<TestServer> {
  const made = await serve((_index, _request, response, body) => void streamTokens(response, maxTokens(body), everyMs));
  servers.push(made);
  return made;
}

const at = (name: string, ...path: string[]): string => join(folder, name, ...path);
const readComparison = (name: string): Comparison => comparisonSchema.parse(readJson(at(name), 'comparison.json'));
const codesOf = ({ doubts }: Comparison): string[] => doubts.map(({ code }) => code);

// One after another: they measure real time.
describe('ab over HTTP', () => {
  it('the engine is a new process for each run; the i-th of both have one salt, and no other has it', async () => {
    const system = (tokens: number): string =>
      `reference:vllm-v1,model=llama-3.1-8b,gpu=h100-sxm,token_budget=${tokens}`;
    const targets = ['--base', system(2048), '--new', system(1024)];
    const { code, stderr } = await cli('ab', trace, ...targets, '--repeats', '2', '--out', at('engine'), '--quiet');
    assert.equal(code, 0, stderr);
    const salts = ['base/1', 'new/1', 'base/2', 'new/2'].map((run) => readRunFile(at('engine', run)).salt);
    assert.ok(salts[0] !== null && salts[0] === salts[1] && salts[2] === salts[3] && salts[0] !== salts[2]);
    const comparison = readComparison('engine');
    assert.equal(comparison.order, 'paired');
    assert.ok(!codesOf(comparison).includes('starts'));
    assert.equal(comparison.paired_requests, 20);
  });

  it('servers that ran before: a slower one is worse, and that starts were not varied is said', async () => {
    const [fast, slow] = [await server(4), await server(12)];
    const targets = ['--base', fast.url.href, '--new', slow.url.href];
    const options = ['--repeats', '3', '--gate', 'tpot.p50<=+50%', '--gate', 'throughput>=-90%'];
    const { code, stdout, stderr } = await cli('ab', trace, ...targets, ...options, '--out', at('urls'));
    const comparison = readComparison('urls');
    // On a busy machine the runs are not valid, and then no gate is decided.
    const isBelieved = !comparison.doubts.some(({ blocks }) => blocks);
    assert.equal(code, isBelieved ? 1 : 4, stdout + stderr);
    assert.match(stderr, /^3 of 6: new, repeat 2$/m);
    assert.match(
      stdout,
      /^! the servers of base and new were not started for each run .*what changes from start to start is not in these runs$/m,
    );
    assert.ok(codesOf(comparison).includes('starts'));
  });

  it('one server as both: no run has the prompts of another, which would be in its cache', async () => {
    const { url } = await server(2);
    const args = ['ab', trace, '--base', url.href, '--new', url.href, '--repeats', '2', '--out', at('one-server')];
    const { code, stderr } = await cli(...args);
    assert.equal(code, 0, stderr);
    assert.match(stderr, /^base and new are one server: each run has prompts of its own/m);
    const salts = ['base/1', 'new/1', 'base/2', 'new/2'].map((run) => readRunFile(at('one-server', run)).salt);
    assert.equal(new Set(salts).size, 4);
  });

  it('servers that it starts, at one URL: each run has its own, and nothing runs afterwards', async () => {
    const port = await freePort();
    const url = `http://127.0.0.1:${port}`;
    const starts = join(folder, 'starts.txt');
    const start = (name: string): string =>
      `echo ${name} >> "${starts}"; exec "${process.execPath}" "${CLI}" engine serve --port ${port}`;
    writeFileSync(starts, '');
    const args = ['ab', trace, '--base', url, '--new', url, '--base-start', start('A'), '--new-start', start('B')];
    const { code, stderr } = await cli(...args, '--repeats', '2', '--out', at('started'), '--quiet');
    assert.equal(code, 0, stderr);
    assert.equal(readFileSync(starts, 'utf8'), 'A\nB\nB\nA\n');
    for (const run of ['base/1', 'base/2', 'new/1', 'new/2']) assert.ok(existsSync(at('started', run, 'server.log')));
    const comparison = readComparison('started');
    assert.ok(!codesOf(comparison).includes('starts'));
    // At one URL they are told apart by what started them.
    assert.deepEqual([comparison.base.name, comparison.new.name], ['A', 'B']);
    await assert.rejects(fetch(`${url}/health`));
    // A rerun of a repeat starts its server as it was started.
    assert.equal(readRunFile(at('started', 'new/1')).options?.['start'], start('B'));
  });

  it('Ctrl-C keeps the runs that are finished, and the same command goes on with the salts of their pairs', async () => {
    const [one, two] = [await server(4), await server(4)];
    const args = ['ab', trace, '--base', one.url.href, '--new', two.url.href, '--repeats', '2', '--out', at('stopped')];
    const { child, result } = startCli(args);
    while (!existsSync(at('stopped', 'new', '1', 'run.json'))) await sleep(20);
    child.kill('SIGINT');
    const { code, stderr } = await result;
    assert.equal(code, 130, stderr);
    assert.match(stderr, /stopping: the same command goes on from here/);
    const first = readFileSync(at('stopped', 'base', '1', 'run.json'), 'utf8');
    const done = await cli(...args);
    assert.equal(done.code, 0, done.stderr);
    assert.match(done.stderr, /^1 of 4: base, repeat 1, as an earlier command made it$/m);
    assert.equal(readFileSync(at('stopped', 'base', '1', 'run.json'), 'utf8'), first);
    assert.equal(readRunFile(at('stopped', 'new', '1')).salt, readRunFile(at('stopped', 'base', '1')).salt);
  });

  it('two that cannot be compared: it says so after the first run that shows it, and makes no other', async () => {
    const ids = await server(2);
    // Refuses prompts as token ids, also when it is asked what it can do.
    const texts = createServer((request, response) => {
      const answer = async (): Promise<void> => {
        const body = request.method === 'POST' ? await json(request) : null;
        if (typeof body === 'object' && body !== null && 'prompt' in body && typeof body.prompt === 'string')
          await streamTokens(response, maxTokens(body), 2);
        else response.writeHead(body === null ? 404 : 400).end('{"error":{"message":"prompt must be a string"}}');
      };
      void answer();
    });
    const port = await freePort();
    texts.listen(port, '127.0.0.1');
    await once(texts, 'listening');
    after(() => texts.close());
    const targets = ['--base', ids.url.href, '--new', `http://127.0.0.1:${port}`];
    const { code, stderr } = await cli('ab', trace, ...targets, '--model', 'tiny', '--out', at('unlike'), '--quiet');
    assert.equal(code, 2, stderr);
    assert.match(stderr, /base.1 and .*new.1 cannot be compared: they differ in the form of the prompts; no other run/);
    assert.equal(existsSync(at('unlike', 'new', '2')), false);
  });

  it('a server that is not there: exit 3, which names the side', async () => {
    const one = await server(4);
    const gone = `http://127.0.0.1:${await freePort()}`;
    const args = ['ab', trace, '--base', one.url.href, '--new', gone, '--repeats', '2', '--out', at('gone'), '--quiet'];
    const { code, stderr } = await cli(...args);
    assert.equal(code, 3, stderr);
    assert.match(stderr, /^error: new, repeat 1: /m);
    assert.equal(readRunFile(at('gone', 'base', '1')).status, 'complete');
  });
});
