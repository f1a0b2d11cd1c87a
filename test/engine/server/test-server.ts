import assert from 'node:assert/strict';
import { request as httpRequest, type IncomingHttpHeaders } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Load } from '../../../src/engine/engine.ts';
import { parseEngineSpec } from '../../../src/engine/index.ts';
import { serveEngine, type DIALECT_NAMES } from '../../../src/engine/server/index.ts';

/** The body as text, and parsed where it is JSON. */
export interface Reply {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
  readonly json: ReturnType<typeof JSON.parse>;
}

/** A server of the reference engine, with `send` for requests to it: each on a connection of its own. */
export async function testServer(dialect: (typeof DIALECT_NAMES)[number] = 'vllm', system = 'max_model_len=2000') {
  const server = await serveEngine(parseEngineSpec(system), { host: '127.0.0.1', port: 0, dialect });
  const send = (method: string, path: string, body?: unknown, headers: Record<string, string> = {}): Promise<Reply> =>
    new Promise((resolve, reject) => {
      const req = httpRequest(`${server.url}${path}`, { method, headers, agent: false }, (res) => {
        const chunks: Buffer[] = [];
        res.on('data', (chunk: Buffer) => chunks.push(chunk));
        res.on('end', () => resolve(replyOf(res.statusCode ?? 0, res.headers, Buffer.concat(chunks).toString())));
        res.on('error', reject);
      });
      req.on('error', reject);
      req.end(body === undefined || typeof body === 'string' ? body : JSON.stringify(body));
    });
  return {
    url: server.url,
    port: Number(new URL(server.url).port),
    send,
    complete: (body: unknown, headers?: Record<string, string>) => send('POST', '/v1/completions', body, headers),
    load: async (): Promise<Load> => (await send('GET', '/load')).json,
    close: () => server.close(),
  };
}
export type TestServer = Awaited<ReturnType<typeof testServer>>;

function replyOf(status: number, headers: IncomingHttpHeaders, text: string): Reply {
  return { status, headers, text, json: headers['content-type'] === 'application/json' ? JSON.parse(text) : null };
}

/** The payloads of a stream, which must be nothing but `data:` events that end in a blank line. */
export function events(body: string): string[] {
  assert.ok(body.endsWith('\n\n'));
  return body
    .slice(0, -2)
    .split('\n\n')
    .map((event) => {
      assert.ok(event.startsWith('data: ') && !event.includes('\n'), event);
      return event.slice('data: '.length);
    });
}

export async function until(what: string, holds: () => Promise<boolean>): Promise<void> {
  for (let i = 0; i < 200; i++) {
    if (await holds()) return;
    await sleep(10);
  }
  assert.fail(`${what}: not within two seconds`);
}
