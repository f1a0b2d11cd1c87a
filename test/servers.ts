import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface TestServer {
  readonly url: URL;
  readonly server: Server;
  /** Requests seen so far, bodies parsed. */
  readonly seen: { path: string; headers: IncomingMessage['headers']; body: unknown }[];
  close(): Promise<void>;
}

/**
 * A server on loopback that does with each request what `answer` says; `index` counts POSTs from 0. What `--adapter auto`
 * asks before a run it answers as a plain server would: with a model, without pages but those in `pages`, with two tokens.
 */
export async function serve(
  answer: (index: number, request: IncomingMessage, response: ServerResponse, body: unknown) => void,
  pages: readonly string[] = [],
): Promise<TestServer> {
  const seen: TestServer['seen'] = [];
  let posts = 0;
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('error', () => undefined);
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const text = Buffer.concat(chunks).toString();
      const body: unknown = text === '' ? null : JSON.parse(text);
      if (request.headers['x-request-id']?.toString().endsWith('-capability-probe') === true) {
        void streamTokens(response, 2, 0);
        return;
      }
      seen.push({ path: request.url ?? '', headers: request.headers, body });
      if (request.method === 'GET' && request.url === '/v1/models') {
        response.setHeader('content-type', 'application/json').end(JSON.stringify({ data: [{ id: 'tiny' }] }));
        return;
      }
      if (request.method === 'POST') answer(posts++, request, response, body);
      else if (pages.includes(request.url ?? '')) answer(-1, request, response, body);
      else response.writeHead(404).end();
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  server.unref(); // a test that fails before it closes its server is over all the same
  const { port } = server.address() as AddressInfo;
  return {
    url: new URL(`http://127.0.0.1:${port}`),
    server,
    seen,
    close: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

export const sse = (json: unknown): string => `data: ${JSON.stringify(json)}\n\n`;
export const tokenEvent = (text = ' a', finish: string | null = null): string =>
  sse({ choices: [{ index: 0, text, finish_reason: finish }] });
export const DONE = 'data: [DONE]\n\n';

/** Streams `tokens` tokens, one every `everyMs` (0: all at once), then usage and [DONE]. */
export async function streamTokens(response: ServerResponse, tokens: number, everyMs: number): Promise<void> {
  response.writeHead(200, { 'content-type': 'text/event-stream' });
  for (let i = 1; i <= tokens; i++) {
    if (everyMs > 0) await new Promise((resolve) => setTimeout(resolve, everyMs));
    if (response.destroyed) return;
    response.write(tokenEvent(' a', i === tokens ? 'length' : null));
  }
  response.end(sse({ choices: [], usage: { prompt_tokens: 3, completion_tokens: tokens } }) + DONE);
}

/** `max_tokens` of a completions body. */
export function maxTokens(body: unknown): number {
  return typeof body === 'object' && body !== null && 'max_tokens' in body && typeof body.max_tokens === 'number'
    ? body.max_tokens
    : 16;
}

/** A port that was free a moment ago. */
export function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' && address !== null ? address.port : 0));
    });
  });
}
