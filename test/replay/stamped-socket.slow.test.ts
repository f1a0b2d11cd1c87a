import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { scheduledByTrace } from '../../src/core/schedule.ts';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { openAiCodec } from '../../adapters/openai.ts';
import { promptMaker } from '../../workloads/index.ts';
import type { Codec } from '../../src/core/codec.ts';
import { machineUs, WallClock } from '../../src/core/wall-clock.ts';
import { HTTP_PATHS, HttpTarget, type HttpPath } from '../../src/replay/transport.ts';
import { DONE, serve, streamTokens, tokenEvent } from '../servers.ts';

const openai = openAiCodec(
  { endpoint: 'completions', model: 'tiny', runId: 'run' },
  promptMaker({ seed: 1, blockTokens: null }),
);

/** Sends `count` requests at once and gives each one's token times, on the clock's zero. */
async function tokenTimes(
  url: URL,
  codec: Codec,
  clock: WallClock,
  count: number,
  path?: HttpPath,
): Promise<number[][]> {
  const target = new HttpTarget(
    codec,
    clock,
    [{ url, headers: {}, insecure: true }],
    path === undefined ? {} : { path },
  );
  await target.open(count);
  const times = Array.from({ length: count }, (): number[] => []);
  await new Promise<void>((resolve, reject) => {
    let left = count;
    for (let index = 0; index < count; index++) {
      const request = { id: `r${index}`, traceRow: 1, dueUs: 0, inputTokens: 3, outputTokens: 2 };
      target.send(scheduledByTrace(index, request, codec.open(request)), {
        sent: () => undefined,
        tokens: (of, timeUs) => void times[of]?.push(timeUs),
        end: () => (--left === 0 ? resolve() : undefined),
        fault: (_of, error) => reject(error),
        fail: (_of, _time, outcome, error) => reject(new Error(`${outcome}: ${error}`)),
      });
    }
  });
  await target.close();
  return times;
}

describe('sockets', () => {
  for (const path of HTTP_PATHS)
    it(`give bytes the time they came, however long others take to read, ${path}`, async () => {
      const SLOW_US = 20_000;
      const slow: Codec = {
        ...openai,
        decoder: (request, out) => {
          const decoder = openai.decoder(request, out);
          return {
            push: (chunk) => {
              const untilUs = machineUs() + SLOW_US;
              while (machineUs() < untilUs);
              decoder.push(chunk);
            },
            end: () => decoder.end(),
            error: null,
            isDone: false,
            response: (status) => decoder.response(status),
          };
        },
      };
      const open: ServerResponse[] = [];
      const server = await serve((_index, _request, response) => {
        open.push(response.writeHead(200, { 'content-type': 'text/event-stream' }));
        if (open.length === 5) for (const each of open) each.end(tokenEvent() + tokenEvent(' a', 'length') + DONE);
      });
      const times = (await tokenTimes(server.url, slow, new WallClock(), 5, path)).map((of) => of[0] ?? Number.NaN);
      await server.close();
      const spread = Math.max(...times) - Math.min(...times);
      assert.ok(spread < SLOW_US / 2, `written at once, recorded ${spread} us apart`);
    });

  it('do so over TLS too', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'reprise-tls-'));
    const [key, cert] = [join(folder, 'key.pem'), join(folder, 'cert.pem')];
    const made = [
      'req',
      '-x509',
      '-newkey',
      'rsa:2048',
      '-nodes',
      '-keyout',
      key,
      '-out',
      cert,
      '-subj',
      '/CN=localhost',
    ];
    execFileSync('openssl', made, { stdio: 'ignore' });
    const server = createServer(
      { key: readFileSync(key), cert: readFileSync(cert) },
      (request: IncomingMessage, response) => void request.resume().on('end', () => void streamTokens(response, 2, 20)),
    );
    rmSync(folder, { recursive: true });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const times = await tokenTimes(new URL(`https://127.0.0.1:${port}`), openai, new WallClock(), 3);
    server.closeAllConnections();
    server.close();
    for (const [first, second] of times) assert.ok((second ?? 0) - (first ?? 0) > 15_000, `${first}, ${second}`);
    assert.equal(times.flat().length, 6);
  });
});
