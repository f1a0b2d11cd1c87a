import assert from 'node:assert/strict';
import { once } from 'node:events';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { SILENT } from '../../src/core/log.ts';
import { startServer } from '../../src/serving/start-server.ts';
import { startCli, temporaryFolder } from '../cli.ts';
import { CODINGS, KEY, keyIn } from '../key-codings.ts';
import { freePort } from '../servers.ts';
import { readRunFile } from '../written-files.ts';

const folder = temporaryFolder();
const CLI = join(import.meta.dirname, '..', '..', 'src', 'cli.ts');
const trace = join(folder, 'trace.csv');
writeFileSync(trace, 'arrival_s,input_tokens,output_tokens\n0,8,2\n0.1,8,2\n');
const OWN = 'token-of-the-command-42';

/** A script that prints the key in every coding, then what `rest` does. */
function script(name: string, rest: string): string {
  const file = join(folder, `${name}.sh`);
  const said = join(folder, `${name}.txt`);
  writeFileSync(
    said,
    Object.values(CODINGS)
      .map((encode) => `said ${encode(KEY)}\n`)
      .join(''),
  );
  writeFileSync(
    file,
    `echo begins $SERVER_TOKEN $2; cat ${said}; cat ${said} > /dev/stderr; printf %s $SERVER_TOKEN; sleep 0.5; echo; ${rest}\n`,
  );
  return file;
}

const env = { HOSTILE_KEY: KEY, SERVER_TOKEN: KEY };
const hidden = (text: string): void => {
  assert.deepEqual(keyIn(text), []);
  assert.ok(!text.includes(OWN));
};

describe('keys of a server that is started', { concurrency: 2 }, () => {
  it('are not in its log, in run.json, nor in what is printed', async () => {
    const [port, out] = [await freePort(), join(folder, 'well')];
    const engine = `exec "${process.execPath}" "${CLI}" engine serve --port ${port}`;
    const command = `sh ${script('well', engine)} --api-key ${OWN}`;
    const args = ['run', trace, '--target', `http://127.0.0.1:${port}`, '--start', command, '--out', out];
    const { code, stdout, stderr } = await startCli([...args, '--api-key-env', 'HOSTILE_KEY'], env).result;
    assert.equal(code, 0, stderr);
    hidden(stdout + stderr);
    const log = readFileSync(join(out, 'server.log'), 'utf8');
    hidden(log);
    assert.match(log, /^begins \*\*\* \*\*\*\nsaid \*\*\*\n/);
    assert.match(log, /listening on http/);
    const { options, command: line } = readRunFile(out);
    hidden(JSON.stringify([options, line]));
    assert.equal(options?.['start'], command.replace(OWN, '***'));
  });

  it('are not on the disk while it starts, nor when it fails or the run is killed', async () => {
    const out = join(folder, 'killed');
    const log = `${out}.server.log`;
    const command = `sh ${script('killed', 'sleep 2; echo ends; exit 7')} --api-key ${OWN}`;
    const args = ['run', trace, '--target', `http://127.0.0.1:${await freePort()}`, '--start', command, '--out', out];
    const { child, result } = startCli(args, env);
    while (!existsSync(log) || !readFileSync(log, 'utf8').includes('said')) await sleep(20);
    hidden(readFileSync(log, 'utf8'));
    child.kill('SIGKILL');
    hidden((await result).stderr);
    await sleep(1500);
    hidden(readFileSync(log, 'utf8'));

    const failed = await startCli([...args.slice(0, -1), join(folder, 'failed')], env).result;
    assert.equal(failed.code, 3);
    assert.match(failed.stderr, /exit code 7[^]*ends\n\(all of it/);
    hidden(failed.stderr);
  });
});

it('--ready on another origin, and a redirect, get no header of the target', async () => {
  const heard: IncomingHttpHeaders[] = [];
  let status = 503;
  const other = createServer((request, response) => {
    heard.push(request.headers);
    response.writeHead(status, { location: '/elsewhere' }).end();
  }).listen(0, '127.0.0.1');
  await once(other, 'listening');
  const { port } = other.address() as AddressInfo;
  const access = {
    url: new URL(`http://127.0.0.1:${await freePort()}`),
    headers: { authorization: `Bearer ${KEY}`, 'x-own': KEY },
    insecure: false,
  };
  const options = { command: 'sleep 60', targets: [access], timeoutUs: 20e6, graceMs: 1000, keys: [KEY] };
  const starting = startServer(
    { ...options, ready: new URL(`http://127.0.0.1:${port}/up`), logFile: join(folder, 'ready.log') },
    SILENT,
    new AbortController().signal,
  );
  while (heard.length < 3) await sleep(20);
  status = 200;
  await (await starting).stop();
  assert.ok(heard.length > 3);
  assert.deepEqual(keyIn(JSON.stringify(heard)), []);
  other.close();
});
