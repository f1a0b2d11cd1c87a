import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { z } from 'zod';
import { createServer } from '../../core/node-http.ts';
import { messageOf, UserError } from '../../core/errors.ts';
import { limitConnections, type ConnectionLimits } from './connections.ts';

export type Handler = (req: IncomingMessage, res: ServerResponse) => void;
export type Route = readonly [method: string, handler: Handler];
/** Routes by path, without the query. */
export type Routes = Readonly<Record<string, Route>>;

/** A server of these routes and no others. */
export function httpServer(routes: Routes, limits: ConnectionLimits): Server {
  const server = createServer({ noDelay: true });
  const handler: Handler = (req, res) => {
    const path = (req.url ?? '/').split('?', 1)[0] ?? '/';
    const route = Object.hasOwn(routes, path) ? routes[path] : undefined;
    if (route === undefined) {
      sendError(res, 404, `There is no ${path}; there are ${Object.keys(routes).join(', ')}.`);
      return;
    }
    const [method, handle] = route;
    if (req.method === method) handle(req, res);
    else sendError(res.setHeader('allow', method), 405, `${path} takes ${method}, not ${req.method}.`);
  };
  const refuse: Handler = (req, res) => {
    req.resume();
    res.setHeader('connection', 'close');
    sendError(res, 503, `${limits.open} connections are open, which is all that are allowed (--max-connections).`);
  };
  limitConnections(server, limits, { handler, refuse });
  // Node's own limits would take a connection that was opened ahead of its first request for half a request.
  server.keepAliveTimeout = 0;
  server.headersTimeout = 0;
  server.requestTimeout = 0;
  return server;
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

/** A message may quote what the request says, at whatever length. */
const MAX_MESSAGE = 2000;

/** Sends an error in OpenAI's shape; `param` is the field of the request at fault. */
export function sendError(res: ServerResponse, status: number, message: string, param: string | null = null): void {
  sendJson(res, status, errorBody(status, message, param));
}

export function errorBody(status: number, message: string, param: string | null = null): object {
  return { error: { message: cut(message), type: errorType(status), param: param && cut(param), code: status } };
}

function cut(text: string): string {
  return text.length <= MAX_MESSAGE ? text : `${text.slice(0, MAX_MESSAGE)}...`;
}

export function errorType(status: number): string {
  return ERROR_TYPES[status] ?? 'APIError';
}

export function sendJson(res: ServerResponse, status: number, body: unknown): void {
  const text = JSON.stringify(body);
  res.writeHead(status, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) });
  res.end(text);
}
