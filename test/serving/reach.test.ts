import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer as createPlainServer } from 'node:http';
import { createServer } from 'node:https';
import type { Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { UserError } from '../../src/core/errors.ts';
import { httpOnce, NoAnswerError, statusOnce } from '../../src/serving/http-once.ts';
import { reachTarget } from '../../src/serving/reach.ts';

const servers: Server[] = [];
after(() => servers.forEach((server) => server.close()));

async function listen(server: Server): Promise<number> {
  servers.push(server);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  assert.ok(typeof address === 'object' && address !== null);
  return address.port;
}

const MODELS = JSON.stringify({
  object: 'list',
  data: [
    { id: 'a', owned_by: 'vllm', max_model_len: 4096 },
    { id: 'b', context_length: 8192, max_model_len: 'many', owned_by: 7 },
    { id: 'c' },
  ],
});

describe('reachTarget', () => {
  it('lists models with owner and context, as far as they are told, below the path of the URL', async () => {
    const port = await listen(
      createPlainServer((request, response) => response.end(request.url === '/base/v1/models' ? MODELS : '{}')),
    );
    const reach = (path: string) =>
      reachTarget({ url: new URL(`http://127.0.0.1:${port}${path}`), headers: {}, insecure: false });
    assert.deepEqual(await reach('/base/'), [
      { id: 'a', owner: 'vllm', contextTokens: 4096 },
      { id: 'b', owner: null, contextTokens: 8192 },
      { id: 'c', owner: null, contextTokens: null },
    ]);
    assert.deepEqual(await reach('/'), []);
  });

  it('names a certificate that is not trusted, and takes it where it is told to', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'reprise-tls-'));
    const [key, cert] = [join(folder, 'key.pem'), join(folder, 'cert.pem')];
    const request = 'req -x509 -newkey rsa:2048 -nodes -subj /CN=localhost'.split(' ');
    execFileSync('openssl', [...request, '-keyout', key, '-out', cert], { stdio: 'ignore' });
    const tls = { key: readFileSync(key), cert: readFileSync(cert) };
    rmSync(folder, { recursive: true });
    const port = await listen(createServer(tls, (_request, response) => response.end(MODELS)));
    const access = { url: new URL(`https://127.0.0.1:${port}`), headers: {} };
    await assert.rejects(
      reachTarget({ ...access, insecure: false }),
      (thrown) =>
        thrown instanceof UserError && thrown.exitCode === 3 && /not trusted.*--insecure/.test(thrown.message),
    );
    assert.equal((await reachTarget({ ...access, insecure: true })).length, 3);
  });
});

it('a single request without an answer, or without the end of one, says how long it waited', async () => {
  const port = await listen(
    createPlainServer((request, response) => {
      if (request.url === '/begins') response.write('{');
    }),
  );
  const url = new URL(`http://127.0.0.1:${port}`);
  const access = { url, headers: {}, insecure: false };
  for (const ask of [
    () => statusOnce(url, access, 30),
    () => httpOnce(access, '/', 30),
    () => httpOnce(access, '/begins', 100),
  ])
    await assert.rejects(
      ask(),
      (thrown) => thrown instanceof NoAnswerError && thrown.message.startsWith('no answer within'),
    );
});
