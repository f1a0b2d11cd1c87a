import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import { z } from 'zod';
import { DONE, sse } from './servers.ts';

/** One request as a server got it. */
interface Recorded {
  readonly method: string;
  /** With its query. */
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  /** Null of a GET. */
  readonly body: Readonly<Record<string, unknown>> | null;
}

export interface RecordingServer {
  readonly port: number;
  readonly seen: Recorded[];
  close(): Promise<void>;
}

/** What a route answers: tokens, a page (JSON, or text as it is), or a refusal with its status. */
export type Answer = 'tokens' | { readonly page: unknown } | { readonly status: number; readonly text: string };

const lengths = z.looseObject({ max_tokens: z.int().optional(), max_completion_tokens: z.int().optional() });

/** A server that keeps every request, those before a run too, and has no routes but these; paths without queries. */
export async function recordingServer(routes: Readonly<Record<string, Answer>>): Promise<RecordingServer> {
  const seen: Recorded[] = [];
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const { method = '', url: path = '', headers } = request;
      const text = Buffer.concat(chunks).toString();
      const body = text === '' ? null : z.looseObject({}).parse(JSON.parse(text));
      seen.push({ method, path, headers, body });
      const answer = routes[path.replace(/\?.*/s, '')] ?? { status: 404, text: 'no such route' };
      if (answer === 'tokens') {
        const { max_tokens = 16, max_completion_tokens = max_tokens } = lengths.parse(body);
        response.writeHead(200, { 'content-type': 'text/event-stream' });
        for (let i = 1; i <= max_completion_tokens; i++) {
          const finish_reason = i === max_completion_tokens ? 'length' : null;
          response.write(sse({ choices: [{ index: 0, text: ' a', delta: { content: ' a' }, finish_reason }] }));
        }
        const usage = { prompt_tokens: 8, completion_tokens: max_completion_tokens };
        response.end(sse({ choices: [], usage }) + DONE);
      } else if ('page' in answer)
        response.end(typeof answer.page === 'string' ? answer.page : JSON.stringify(answer.page));
      else response.writeHead(answer.status).end(answer.text);
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    port,
    seen,
    close: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}
