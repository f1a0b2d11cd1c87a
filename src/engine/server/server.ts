import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Readable } from 'node:stream';
import { messageOf, UserError } from '../../core/errors.ts';
import { WallClock } from '../../core/wall-clock.ts';
import type { Engine } from '../engine.ts';
import type { IterationWatch } from '../iteration-log.ts';
import { createEngine, type EngineSpec } from '../spec.ts';
import { sendError, sendJson } from './api-error.ts';
import { limitConnections } from './connection-limit.ts';
import { DIALECTS, type DialectName } from './dialects.ts';
import { generation } from './generation.ts';
import { ServerMetrics } from './metrics.ts';
import type { Route, Routes } from './routes.ts';
import { TruthLog } from './truth.ts';

export interface ServeOptions {
  /** Address to listen on. */
  readonly host: string;
  /** 0: any that is free. */
  readonly port: number;
  /** Whose server it looks like; vLLM's if left out. */
  readonly dialect?: DialectName;
  /** Name that it answers to; the model's if left out. */
  readonly modelName?: string;
  /** Connections that may be open at a time; one too many gets 503. 16,384 if left out. */
  readonly maxConnections?: number;
  /** Told of each iteration. */
  readonly onIteration?: IterationWatch | undefined;
}

const MAX_CONNECTIONS = 16_384;

export interface EngineServer {
  readonly url: string;
  /** Ends open connections too; what they asked for is cancelled. */
  close(): Promise<void>;
}

/**
 * Serves the engine over HTTP/1.1 on the wall clock. Resolves when it listens; throws a UserError when it cannot.
 */
export async function serveEngine(spec: EngineSpec, options: ServeOptions): Promise<EngineServer> {
  const clock = new WallClock();
  const engine = createEngine(spec, { clock, onIteration: options.onIteration });
  const modelName = options.modelName ?? String(spec.options['model']);
  const truth = new TruthLog();
  const metrics = new ServerMetrics(engine, modelName);
  const endpoint = generation({ engine, clock, modelName, truth, metrics });
  const dialect = DIALECTS[options.dialect ?? 'vllm'];
  const endpoints = Object.entries(dialect.generation).map(([path, each]): [string, Route] => [
    path,
    ['POST', endpoint(each)],
  ]);
  const server = httpServer(
    {
      ...Object.fromEntries(endpoints),
      '/v1/models': ['GET', (_req, res) => sendJson(res, 200, modelList(modelName, engine))],
      '/health': ['GET', (_req, res) => res.writeHead(200, { 'content-length': 0 }).end()],
      '/load': ['GET', (_req, res) => sendJson(res, 200, engine.load())],
      '/truth': ['GET', (req, res) => sendTruth(truth, req, res)],
      ...dialect.routes({ engine, spec, modelName, metrics }),
    },
    options.maxConnections ?? MAX_CONNECTIONS,
  );
  await listen(server, options);
  return {
    url: urlOf(server, options.host),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function httpServer(routes: Routes, maxConnections: number): Server {
  const server = createServer({ noDelay: true });
  limitConnections(server, maxConnections, (req, res) => {
    const path = pathOf(req);
    const route = Object.hasOwn(routes, path) ? routes[path] : undefined;
    if (route === undefined) {
      sendError(res, 404, `There is no ${path}; there are ${Object.keys(routes).join(', ')}.`);
      return;
    }
    const [method, handler] = route;
    if (req.method === method) handler(req, res);
    else sendError(res.setHeader('allow', method), 405, `${path} takes ${method}, not ${req.method}.`);
  });
  // A replay opens its connections ahead and may leave one idle for long: it is the client who closes.
  server.keepAliveTimeout = 0;
  server.headersTimeout = 0;
  server.requestTimeout = 0;
  return server;
}

function pathOf(req: IncomingMessage): string {
  return (req.url ?? '/').split('?', 1)[0] ?? '/';
}

function modelList(modelName: string, engine: Engine): unknown {
  const model = { id: modelName, object: 'model', created: 0, owned_by: 'reprise', max_model_len: engine.maxModelLen };
  return { object: 'list', data: [model] };
}

/** One request by its `X-Request-Id`, or all that are kept as JSON lines. */
function sendTruth(truth: TruthLog, req: IncomingMessage, res: ServerResponse): void {
  const id = new URLSearchParams((req.url ?? '').split('?')[1] ?? '').get('id');
  if (id === null) {
    res.writeHead(200, { 'content-type': 'application/x-ndjson' });
    Readable.from(truth.lines()).pipe(res);
    return;
  }
  const found = truth.find(id);
  if (found === undefined)
    sendError(res, 404, `No request with X-Request-Id ${id} has ended, or it is long ago.`, 'id');
  else res.writeHead(200, { 'content-type': 'application/json' }).end(found);
}

/** Connections of a replay's first second may all come at once. */
const BACKLOG = 4096;

function listen(server: Server, { host, port }: ServeOptions): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (error) =>
      reject(
        new UserError(
          `cannot listen on ${host}:${port}: ${messageOf(error)}; choose another --port (0: any that is free) or --host`,
          {
            cause: error,
          },
        ),
      ),
    );
    server.listen({ port, host, backlog: BACKLOG }, resolve);
  });
}

function urlOf(server: Server, host: string): string {
  const address = server.address();
  return `http://${host.includes(':') ? `[${host}]` : host}:${isInternet(address) ? address.port : 0}`;
}

function isInternet(address: AddressInfo | string | null): address is AddressInfo {
  return address !== null && typeof address !== 'string';
}
