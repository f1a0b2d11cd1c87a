import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { z } from 'zod';
import { messageOf, UserError } from '../../core/errors.ts';

export type Handler = (req: IncomingMessage, res: ServerResponse) => void;
export type Route = readonly [method: string, handler: Handler];
/** Routes by path, without the query. */
export type Routes = Readonly<Record<string, Route>>;

/** A server of these routes and no others, with at most `maxConnections` open connections. */
export function httpServer(routes: Routes, maxConnections: number): Server {
  const server = createServer({ noDelay: true });
  limitConnections(server, maxConnections, (req, res) => {
    const path = (req.url ?? '/').split('?', 1)[0] ?? '/';
    const route = Object.hasOwn(routes, path) ? routes[path] : undefined;
    if (route === undefined) {
      sendError(res, 404, `There is no ${path}; there are ${Object.keys(routes).join(', ')}.`);
      return;
    }
    const [method, handler] = route;
    if (req.method === method) handler(req, res);
    else sendError(res.setHeader('allow', method), 405, `${path} takes ${method}, not ${req.method}.`);
  });
  // The client closes connections: a replay opens them ahead of time, and may leave one idle for long.
  server.keepAliveTimeout = 0;
  server.headersTimeout = 0;
  server.requestTimeout = 0;
  return server;
}

/** A connection above the limit is closed when it has sent no request within this time. */
const REFUSAL_TIMEOUT_MS = 5000;

/**
 * Calls `handler` for requests of the first `max` connections that are open at a time. A request on any other
 * connection gets 503, and the connection is closed, even if a place has become free meanwhile.
 */
function limitConnections(server: Server, max: number, handler: Handler): void {
  const aboveLimit = new WeakSet<Socket>();
  let open = 0;
  server.on('connection', (socket: Socket) => {
    if (open >= max) {
      aboveLimit.add(socket);
      socket.setTimeout(REFUSAL_TIMEOUT_MS, () => socket.destroy());
      return;
    }
    open++;
    socket.once('close', () => open--);
  });
  server.on('request', (req: IncomingMessage, res: ServerResponse) => {
    if (!aboveLimit.has(req.socket)) {
      handler(req, res);
      return;
    }
    req.resume();
    res.setHeader('connection', 'close');
    sendError(res, 503, `${max} connections are open, which is all that are allowed (--max-connections).`);
  });
}

export interface Address {
  readonly host: string;
  /** 0: any free port. */
  readonly port: number;
}

/** All connections of a replay's first second may arrive at once. */
const BACKLOG = 4096;

/** Resolves with the address once the server listens; throws a UserError that names `option` when it cannot. */
export function listen(server: Server, { host, port }: Address, option: string): Promise<Address> {
  return new Promise((resolve, reject) => {
    server.once('error', (cause) =>
      reject(
        new UserError(
          `cannot listen on ${host}:${port}: ${messageOf(cause)}; choose another ${option} (0: any that is free) or --host`,
          { cause },
        ),
      ),
    );
    server.listen({ port, host, backlog: BACKLOG }, () => resolve({ host, port: portOf(server) }));
  });
}

function portOf(server: Server): number {
  const address = server.address();
  return typeof address === 'object' && address !== null ? address.port : 0;
}

export function urlOf({ host, port }: Address): string {
  return `http://${host.includes(':') ? `[${host}]` : host}:${port}`;
}

/** Closes open connections too. */
export function closeServer(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
}

/** Token ids take some 6 bytes each: a prompt of this size is longer than any model's context. */
const BODY_LIMIT_BYTES = 64 * 1024 ** 2;

/**
 * Calls `done` with the text of the whole body. A body above the limit gets 413, and its rest is thrown away; `done` is
 * not called then, nor if the client disconnects first.
 */
export function readBody(req: IncomingMessage, res: ServerResponse, done: (text: string) => void): void {
  const chunks: Buffer[] = [];
  let bytes = 0;
  const collect = (chunk: Buffer): void => {
    bytes += chunk.length;
    if (bytes <= BODY_LIMIT_BYTES) {
      chunks.push(chunk);
      return;
    }
    req.off('data', collect).off('end', finish).resume();
    res.setHeader('connection', 'close');
    sendError(res, 413, `The body is larger than ${BODY_LIMIT_BYTES} bytes.`);
  };
  const finish = (): void => done(Buffer.concat(chunks).toString());
  req.on('data', collect).on('end', finish);
}

/** Why a request gets 400; `param` is the field of its body at fault, null where no single field is. */
export interface InvalidRequest {
  readonly message: string;
  readonly param: string | null;
}

/** Parses the text of a body by the schema of its endpoint. */
export function parseJson<T>(text: string, schema: z.ZodType<T>): { readonly body: T } | InvalidRequest {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (thrown) {
    return { message: `The body is not JSON: ${messageOf(thrown)}`, param: null };
  }
  const parsed = schema.safeParse(json);
  if (parsed.success) return { body: parsed.data };
  const issue = parsed.error.issues[0];
  const param = issue === undefined || issue.path.length === 0 ? null : issue.path.join('.');
  return { message: `${param ?? 'body'}: ${issue?.message ?? 'not understood'}`, param };
}

const ERROR_TYPES: Readonly<Record<number, string>> = {
  400: 'BadRequestError',
  404: 'NotFoundError',
  405: 'MethodNotAllowedError',
  413: 'RequestTooLargeError',
  500: 'InternalServerError',
  503: 'ServiceUnavailableError',
};

/** Sends an error in OpenAI's shape; `param` is the field of the request at fault. */
export function sendError(res: ServerResponse, status: number, message: string, param: string | null = null): void {
  sendJson(res, status, errorBody(status, message, param));
}

export function errorBody(status: number, message: string, param: string | null = null): object {
  return { error: { message, type: errorType(status), param, code: status } };
}

export function errorType(status: number): string {
  return ERROR_TYPES[status] ?? 'APIError';
}

export function sendJson(res: ServerResponse, status: number, body: unknown): void {
  const text = JSON.stringify(body);
  res.writeHead(status, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) });
  res.end(text);
}
