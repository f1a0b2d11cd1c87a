import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { SILENT } from '../../src/core/log.ts';
import { startServer } from '../../src/serving/start-server.ts';
import { cli, readJson, startCli, temporaryFolder } from '../cli.ts';
import { runs } from '../processes.ts';
import { freePort, serve } from '../servers.ts';

const folder = temporaryFolder();
const CLI = join(import.meta.dirname, '..', '..', 'src', 'cli.ts');
const path = join(folder, 'trace.csv');
const rows = Array.from({ length: 20 }, (_, i) => `${(i * 0.1).toFixed(1)},64,5`);
writeFileSync(path, `arrival_s,input_tokens,output_tokens\n${rows.join('\n')}\n`);

const engine = (port: number): string => `"${process.execPath}" "${CLI}" engine serve --port ${port}`;
/** Says its process id, and goes on in a session of its own, with a parent that has ended. */
const DAEMON = `(setsid sh -c 'echo $$; exec sleep 300' &)`;

const linesOf = (file: string): string[] => readFileSync(file, 'utf8').trimEnd().split('\n');

/** What a run is told to start a server by; `command` gets its port. */
async function starting(name: string, command: (port: number) => string, ...options: string[]) {
  const port = await freePort();
  const out = join(folder, name);
  const args = ['run', path, '--target', `http://127.0.0.1:${port}`, '--start', command(port), '--out', out];
  return { out, port, args: [...args, ...options] };
}

describe('a server that a run starts', { concurrency: 2 }, () => {
  it('is waited for, measured, ended, and leaves its log in the run directory', async () => {
    const { args, out, port } = await starting('well', (free) => `echo pid $$; ${engine(free)}; echo never`);
    const result = await cli(...args);
    assert.equal(result.code, 0, result.stderr);
    assert.match(result.stderr, /^the server answers after /m);
    assert.deepEqual([readJson(out, 'run.json')['status'], readJson(out, 'run.json')['reason']], ['complete', null]);
    const log = readFileSync(join(out, 'server.log'), 'utf8');
    assert.match(log, new RegExp(`listening on http://127.0.0.1:${port}`));
    assert.equal(runs(Number(/pid (\d+)/.exec(log)?.[1])), false);
    await assert.rejects(fetch(`http://127.0.0.1:${port}/health`));
    assert.equal(existsSync(`${out}.server.log`), false);
  });

  it('and that ends before it answers: exit 3 with the end of its log, and no run directory', async () => {
    const { args, out } = await starting('early', () => 'seq 1 50; printf "\\033[31mno GPU\\033[0m\\n" >&2; exit 7');
    const { code, stderr } = await cli(...args);
    assert.equal(code, 3);
    assert.match(stderr, /error: --start: the server ended with exit code 7 before it answered\nits last lines:\n42\n/);
    assert.match(stderr, /\n50\nno GPU\n\(all of it: .*early\.server\.log\)/);
    assert.match(readFileSync(`${out}.server.log`, 'utf8'), /^1\n2\n/);
    assert.equal(existsSync(out), false);
  });

  it('and that never answers: exit 3, and nothing that it started still runs', async () => {
    const { args, out } = await starting('mute', () => `${DAEMON}; sleep 300 & echo $!; wait`, '--start-timeout', '1s');
    const { code, stderr } = await cli(...args);
    assert.equal(code, 3);
    assert.match(stderr, /did not answer within 1\.00 s \(http:.*\/health: .*ECONNREFUSED.*--start-timeout/);
    const pids = linesOf(`${out}.server.log`).map(Number);
    assert.equal(pids.length, 2);
    assert.ok(!pids.some(runs));
  });

  it('and that leaves a daemon behind before it answers: exit 3, and that has ended', async () => {
    const { args, out } = await starting('daemon', () => `${DAEMON}; sleep 0.5`);
    const { code, stderr } = await cli(...args);
    assert.equal(code, 3);
    assert.match(stderr, /the server ended with exit code 0 before it answered/);
    const [pid] = linesOf(`${out}.server.log`).map(Number);
    assert.ok(pid !== undefined && !runs(pid));
  });

  it('and that is interrupted while it starts: 130, and it is ended', async () => {
    const { args, out } = await starting('interrupted', () => 'sleep 300 & echo $!; wait');
    const { child, result } = startCli(args);
    const log = `${out}.server.log`;
    while (!existsSync(log) || readFileSync(log, 'utf8') === '') await sleep(20);
    child.kill('SIGINT');
    const { code, stderr } = await result;
    assert.equal(code, 130, stderr);
    assert.match(stderr, /interrupted by SIGINT while the server started/);
    assert.equal(runs(Number(readFileSync(log, 'utf8'))), false);
  });

  it('and that dies in the middle: the run has failed, says so, and is kept', async () => {
    const { args, out } = await starting(
      'dies',
      (free) => `${engine(free)} & echo $!; wait $!; exit 9`,
      '--speed',
      '0.2',
    );
    const { child, result } = startCli(args);
    const log = join(out, 'server.log');
    while (!existsSync(log)) {
      assert.equal(child.exitCode, null, 'the client ended before its run began');
      await sleep(20);
    }
    await sleep(1500);
    process.kill(Number(readFileSync(log, 'utf8').split('\n')[0]), 'SIGKILL');
    const { code, stderr } = await result;
    assert.equal(code, 3, stderr);
    const { status, reason } = readJson(out, 'run.json');
    assert.deepEqual(
      [status, reason],
      ['failed', 'the server that --start started is gone: it ended with exit code 9'],
    );
  });

  it('is not started where something answers already', async () => {
    const other = await serve((_index, _request, response) => void response.end());
    const result = await cli('run', path, '--target', other.url.href, '--start', 'exit 0', '--out', join(folder, 'no'));
    await other.close();
    assert.equal(result.code, 2);
    assert.match(result.stderr, /\/health answers already/);
    assert.equal(existsSync(join(folder, 'no.server.log')), false);
  });

  it('that does not end when asked to is killed, and answers where --ready says', async () => {
    const port = await freePort();
    const logFile = join(folder, 'stubborn.log');
    const body = `process.on('SIGTERM', () => console.log('no')); let asked = 0;
      require('node:http').createServer((q, r) => r.writeHead(q.url === '/up' && asked++ > 1 ? 200 : 503).end()).listen(${port}, '127.0.0.1', () => console.log(process.pid))`;
    const told: string[] = [];
    const server = await startServer(
      {
        command: `"${process.execPath}" -e "${body.replaceAll('\n', ' ')}"`,
        ready: new URL(`http://127.0.0.1:${port}/up`),
        targets: [{ url: new URL(`http://127.0.0.1:${port}`), headers: {}, insecure: false }],
        timeoutUs: 60e6,
        graceMs: 300,
        logFile,
        keys: [],
      },
      { info: (line) => told.push(line), warn: assert.fail },
      new AbortController().signal,
    );
    const pid = Number(readFileSync(logFile, 'utf8'));
    assert.ok(runs(pid));
    await server.stop();
    assert.equal(runs(pid), false);
    assert.match(readFileSync(logFile, 'utf8'), /no/);
    assert.match(told.join(), /^the server answers after /);
    assert.match(await server.gone, /ended with SIG/);
  });

  it('and that has a certificate of its own is ready where any will do', async () => {
    const [key, cert] = [join(folder, 'key.pem'), join(folder, 'cert.pem')];
    const made = 'req -x509 -newkey rsa:2048 -nodes -subj /CN=localhost'.split(' ');
    execFileSync('openssl', [...made, '-keyout', key, '-out', cert], { stdio: 'ignore' });
    const script = join(folder, 'tls.cjs');
    const port = await freePort();
    writeFileSync(
      script,
      `const { readFileSync } = require('node:fs');
      const tls = { key: readFileSync('${key}'), cert: readFileSync('${cert}') };
      require('node:https').createServer(tls, (q, r) => r.end()).listen(${port}, '127.0.0.1');`,
    );
    const server = await startServer(
      {
        command: `"${process.execPath}" "${script}"`,
        ready: null,
        targets: [{ url: new URL(`https://127.0.0.1:${port}`), headers: {}, insecure: true }],
        timeoutUs: 20e6,
        graceMs: 300,
        logFile: join(folder, 'tls.log'),
        keys: [],
      },
      SILENT,
      new AbortController().signal,
    );
    await server.stop();
  });
});
