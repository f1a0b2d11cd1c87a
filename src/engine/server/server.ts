import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import { UserError } from '../../core/errors.ts';
import { WallClock } from '../../core/wall-clock.ts';
import type { Engine } from '../engine.ts';
import type { IterationWatch } from '../instance/iteration-log.ts';
import { createEngine, type EngineSpec } from '../spec.ts';
import { sendError, sendJson } from './api-error.ts';
import { DIALECTS, type DialectName } from './dialects.ts';
import { generation, type Take } from './generation.ts';
import { close, httpServer, listen, urlOf, type Address } from './http-server.ts';
import { takeDecodes, takePrompts } from './kv-transfer.ts';
import { ServerMetrics } from './metrics.ts';
import type { Route } from './routes.ts';
import { EmissionLog } from './emission-log.ts';

export interface ServeOptions extends Address {
  /** Has those instances that decode answer on a port of their own, and those that compute prompts on `port`. 0: any. */
  readonly decodePort?: number | undefined;
  /** Whose server it looks like; vLLM's if left out. */
  readonly dialect?: DialectName;
  /** Name that it answers to; the model's if left out. */
  readonly modelName?: string;
  /** Connections that may be open at a time, on each port; one too many gets 503. 16,384 if left out. */
  readonly maxConnections?: number;
  /** Told of each iteration. */
  readonly onIteration?: IterationWatch | undefined;
}

const MAX_CONNECTIONS = 16_384;

export interface EngineServer {
  readonly url: string;
  /** Of the port of those that decode, where they have one. */
  readonly decodeUrl: string | null;
  /** Ends open connections too; what they asked for is cancelled. */
  close(): Promise<void>;
}

/**
 * Serves the engine over HTTP/1.1 on the wall clock. Resolves when it listens; throws a UserError when it cannot.
 */
export async function serveEngine(spec: EngineSpec, options: ServeOptions): Promise<EngineServer> {
  const { host, port, decodePort } = options;
  const clock = new WallClock();
  const engine = createEngine(spec, { clock, onIteration: options.onIteration });
  const open: Server[] = [];
  const end = async (): Promise<void> => {
    await Promise.all(open.map(close));
    // What is still on the clock must not keep the process alive.
    await clock.run(() => true);
  };
  const on = (address: Address, option: string, side: Engine, take: Take): Promise<Address> => {
    const server = engineServer(spec, options, clock, side, take);
    open.push(server);
    return listen(server, address, option);
  };
  if (decodePort === undefined) {
    const at = await on({ host, port }, '--port', engine, (_request, text) => ({ submit: engine.submit, text }));
    return { url: urlOf(at), decodeUrl: null, close: end };
  }
  const { prefill, decode } = sidesOf(engine, spec, options);
  let at: Address = { host, port };
  try {
    at = await on(
      at,
      '--port',
      prefill,
      takePrompts(prefill, () => at),
    );
    const decodeAt = await on(
      { host, port: decodePort },
      '--decode-port',
      decode,
      takeDecodes(decode, () => at),
    );
    return { url: urlOf(at), decodeUrl: urlOf(decodeAt), close: end };
  } catch (thrown) {
    await end();
    throw thrown;
  }
}

function sidesOf(
  engine: Engine,
  { system }: EngineSpec,
  { dialect = 'vllm' }: ServeOptions,
): NonNullable<Engine['pd']> {
  if (dialect !== 'vllm')
    throw new UserError(`--decode-port: dialect ${dialect} has no request for a prompt alone; use --dialect vllm`);
  if (engine.pd === undefined)
    throw new UserError(
      `--decode-port: ${system} has no port for decodes alone; use --system vllm-pd, or leave it out`,
    );
  return engine.pd;
}

/** One port: an engine, or one side of it. */
function engineServer(spec: EngineSpec, options: ServeOptions, clock: WallClock, engine: Engine, take: Take): Server {
  const modelName = options.modelName ?? String(spec.options['model']);
  const truth = new EmissionLog();
  const metrics = new ServerMetrics(engine, modelName);
  const endpoint = generation({ take, clock, modelName, truth, metrics });
  const dialect = DIALECTS[options.dialect ?? 'vllm'];
  const endpoints = Object.entries(dialect.generation).map(([path, each]): [string, Route] => [
    path,
    ['POST', endpoint(each)],
  ]);
  return httpServer(
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
}

function modelList(modelName: string, engine: Engine): unknown {
  const model = {
    id: modelName,
    object: 'model',
    created: 0,
    owned_by: 'reprise',
    root: modelName,
    max_model_len: engine.maxModelLen,
  };
  return { object: 'list', data: [model] };
}

/** One request by its `X-Request-Id`, or all that are kept as JSON lines. */
function sendTruth(truth: EmissionLog, req: IncomingMessage, res: ServerResponse): void {
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
