import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import { Answer, type Written } from './odd-answer.ts';
import { ODD_STREAMS } from './odd-cases.ts';

export { ODD_STREAMS } from './odd-cases.ts';
export type { Written } from './odd-answer.ts';

export interface OddServer {
  /** The base URL of a case: the server's, and the name as a prefix of the path. */
  urlOf(name: string): URL;
  /** What was written, one entry per answer in order of the requests; probes are not among them. */
  readonly written: readonly Written[];
  close(): Promise<void>;
}

/**
 * Chat answers as public reports describe them, one path prefix a case, on loopback; probes are answered like requests.
 * Times are kept as they were written, because a server's timers drift.
 */
export async function serveOddStreams(): Promise<OddServer> {
  const written: Written[] = [];
  const server = createServer(async (request, response) => {
    const [, name = '', ...rest] = (request.url ?? '').split('/');
    const text = await bodyOf(request);
    if (rest.at(-1) === 'models') {
      response.setHeader('content-type', 'application/json').end('{"object":"list","data":[{"id":"m"}]}');
      return;
    }
    const odd = ODD_STREAMS[name];
    if (rest.at(-1) !== 'completions' || rest.at(-2) !== 'chat' || odd === undefined) {
      response.writeHead(404).end('{"error":{"message":"Not Found"}}');
      return;
    }
    const requestId = String(request.headers['x-request-id'] ?? '');
    const answer: Written = { name, requestId, asked: askedIn(text), tokenUs: [], doneUs: null };
    if (!requestId.endsWith('-capability-probe')) written.push(answer);
    response.writeHead(odd.status ?? 200, { 'content-type': 'text/event-stream', ...odd.headers });
    await odd.answer(new Answer(response, answer), answer.asked);
    response.end();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  return {
    urlOf: (name) => new URL(`http://127.0.0.1:${port}/${name}`),
    written,
    close: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  let text = '';
  for await (const piece of request) text += String(piece);
  return text;
}

/** The output tokens that a chat body asks for. */
function askedIn(text: string): number {
  const body: unknown = text === '' ? {} : JSON.parse(text);
  if (typeof body !== 'object' || body === null) return 16;
  const asked =
    'max_completion_tokens' in body ? body.max_completion_tokens : 'max_tokens' in body ? body.max_tokens : 16;
  return typeof asked === 'number' ? asked : 16;
}
