import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { CODINGS, KEY } from './key-codings.ts';
import { DONE, maxTokens, sse } from './servers.ts';

/** The key in every coding: what a server may say wherever it says anything. */
export const SAID = Object.values(CODINGS)
  .map((encode) => encode(KEY))
  .join(' | ');
/** As a header may hold it. */
const HEADER_SAID = `${KEY}-${Buffer.from(KEY).toString('base64')}`;

type Answer = (response: ServerResponse, tokens: number, request: IncomingMessage) => void;

const stream = (response: ServerResponse): ServerResponse =>
  response.writeHead(200, { 'content-type': 'text/event-stream', 'x-request-id': HEADER_SAID, server: HEADER_SAID });
const token = (finish: unknown = null): string =>
  sse({
    id: SAID,
    model: SAID,
    system_fingerprint: SAID,
    choices: [{ index: 0, text: ' a', finish_reason: finish, stop_reason: SAID }],
  });
const many = (tokens: number, finish: unknown): string => token().repeat(Math.max(0, tokens - 1)) + token(finish);

/** Every way in which an answer to a request for tokens may hold the key. */
export const ANSWERS: Readonly<Record<string, Answer>> = {
  'finish reason': (response, tokens) => stream(response).end(many(tokens, SAID) + DONE),
  'finish reason as an object': (response, tokens) =>
    stream(response).end(many(tokens, { type: SAID, message: SAID }) + DONE),
  'aborted, with a reason': (response) => stream(response).end(token(`abort ${SAID}`) + DONE),
  'error event': (response) =>
    stream(response).end(token() + sse({ error: { message: SAID, type: SAID, code: KEY, param: SAID } })),
  'event that is named an error': (response) => stream(response).end(`${token()}event: error ${KEY}\ndata: ${KEY}\n\n`),
  'event that is no JSON': (response) => stream(response).end(`${token()}data: {${SAID.replaceAll(/\s+/g, ' ')}\n\n`),
  'event of another form': (response) => stream(response).end(token() + sse([SAID])),
  'remark before it breaks off': (response) =>
    stream(response).end(token() + sse({ status: 'x', message: SAID, [KEY]: 1 })),
  'lines of no event': (response) => stream(response).end(SAID),
  usage: (response, tokens) =>
    stream(response).end(
      many(tokens, 'length') +
        sse({ choices: [], usage: { prompt_tokens: SAID, completion_tokens: KEY, [KEY]: 1 } }) +
        DONE,
    ),
  'refusal as JSON': (response) => response.writeHead(400).end(JSON.stringify({ error: { message: SAID, code: KEY } })),
  'refusal as a list': (response) =>
    response.writeHead(422).end(JSON.stringify({ detail: [{ loc: [KEY], msg: SAID, input: SAID }] })),
  'refusal as a page': (response) => response.writeHead(500).end(`<html><b>${SAID}</b></html>`),
  'refusal whose body is cut in the key': (response) =>
    response.writeHead(500).end(`${'a '.repeat(4084)}${KEY}${'b'.repeat(99)}`),
  'refusal that is spaces up to where it is cut': (response) =>
    response.writeHead(500).end(`x${' '.repeat(8176)}${KEY}${'b'.repeat(99)}`),
  'refusal of nothing but keys': (response) => response.writeHead(500).end(KEY.repeat(400)),
  'event of nothing but keys and spaces': (response) =>
    stream(response).end(token() + sse({ error: { message: KEY.repeat(150) + ' '.repeat(180) + KEY.repeat(200) } })),
  'status text': (response) => response.writeHead(503, KEY).end(),
  redirect: (response) =>
    response.writeHead(307, { location: `http://127.0.0.1:9/${KEY}?to=${encodeURIComponent(KEY)}` }).end(),
  compressed: (response) => response.writeHead(200, { 'content-encoding': HEADER_SAID }).end('x'),
  'no HTTP': (response) => {
    response.socket?.end(`HTTP/1.1 ${KEY} ${KEY}\r\n${KEY}\r\n\r\n`);
  },
  'a header that is none': (response) => {
    response.socket?.end(`HTTP/1.1 200 OK\r\n${KEY} ${KEY}: \u0001${KEY}\r\n\r\n${KEY}`);
  },
  'chunk that is none': (response) => {
    response.socket?.end(`HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n${KEY}\r\n${KEY}`);
  },
};

/** The same of DistServe's own route. */
const GENERATED: readonly string[] = [
  JSON.stringify({ error: SAID }),
  `{"text": "a"}{"text": ${SAID}`,
  `{"text": "a"}${SAID}`,
  JSON.stringify({ said: SAID, lifetime_events: [{ event_type: SAID, timestamp: KEY }] }),
  `{"text": "a"}${JSON.stringify({ code: 500, message: SAID })}`,
  SAID,
];

export interface HostileServer {
  readonly url: string;
  /** Whether every request had the key. */
  readonly hasKey: () => boolean;
  close(): Promise<void>;
}

/**
 * A server that sends the key back wherever a server can say anything: on its pages, and in the answer to the request
 * number n in the n-th way of `ANSWERS`. Requests before a run get what they ask for. `pages` replace its own.
 */
export async function hostileServer(pages: Readonly<Record<string, unknown>> = {}): Promise<HostileServer> {
  let posts = 0;
  let hasKey = true;
  const answers = Object.values(ANSWERS);
  const all: Readonly<Record<string, unknown>> = {
    '/v1/models': { data: [{ id: 'tiny', owned_by: SAID, object: SAID, max_model_len: 100_000 }], [KEY]: SAID },
    '/version': { version: SAID },
    '/metrics': metrics(),
    ...pages,
  };
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const { method, url = '', headers } = request;
      if (!JSON.stringify(headers).includes(KEY)) hasKey = false;
      const path = url.replace(/\?.*/s, '');
      if (path in all) {
        const page = all[path];
        response.end(typeof page === 'string' ? page : JSON.stringify(page));
      } else if (method === 'POST' && path === '/generate') {
        const isBefore = String(headers['x-request-id']).endsWith('capability-probe');
        response.end(
          isBefore
            ? '{"text": "a"}{"text": "a a"}{"text": "a a a"}{"text": "a a a a"}{"text": "a a a a a"}'
            : GENERATED[posts++ % GENERATED.length],
        );
      } else if (method !== 'POST' || !path.endsWith('completions'))
        response.writeHead(404, KEY, { 'x-said': HEADER_SAID, allow: HEADER_SAID }).end(SAID);
      else {
        const tokens = maxTokens(JSON.parse(Buffer.concat(chunks).toString()));
        const isBefore = /capability-probe|prompt-length|cache-reset/.test(String(headers['x-request-id']));
        if (isBefore)
          stream(response).end(
            many(tokens, 'length') +
              sse({ choices: [], usage: { prompt_tokens: 8, completion_tokens: tokens } }) +
              DONE,
          );
        else answers[posts++ % answers.length]?.(response, tokens, request);
      }
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    hasKey: () => hasKey,
    close: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

function metrics(): string {
  const value = SAID.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n');
  const name = KEY.replaceAll('-', '_');
  return [
    `# HELP vllm:num_requests_running ${SAID.replaceAll(/[\r\n]+/g, ' ')}`,
    `vllm:num_requests_running{model_name="${value}",${name}="${value}"} 1`,
    `vllm:kv_cache_usage_perc{engine="0",model_name="${KEY}"} 0.5`,
    `vllm:cache_config_info{block_size="16",${name}="${KEY}"} 1`,
    `${name} 1`,
    '',
  ].join('\n');
}
