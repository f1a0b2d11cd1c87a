import type { Server } from 'node:http';
import { UserError } from '../../core/errors.ts';
import { WallClock } from '../../core/wall-clock.ts';
import type { Engine, PdEndpoints } from '../engine.ts';
import type { IterationWatch } from '../instance/iteration-log.ts';
import { createEngine, type EngineSpec } from '../spec.ts';
import { DIALECTS, type DialectName } from './dialects.ts';
import { EmissionLog } from './emission-log.ts';
import { generationHandlers, type Dispatch } from './generation.ts';
import { closeServer, httpServer, listen, urlOf, type Address, type Route, type Routes } from './http-server.ts';
import { decodeDispatch, prefillDispatch } from './kv-transfer.ts';
import { IterationTokens, ServerMetrics } from './metrics.ts';
import { ownPages } from './pages.ts';

export interface ServeOptions extends Address {
  /** Port of the decode instances, so that `port` is that of the prefill instances; 0: any free one. */
  readonly decodePort?: number | undefined;
  /** Which server it looks like; vLLM if left out. */
  readonly dialect?: DialectName;
  /** Name of the served model; that of the spec if left out. */
  readonly modelName?: string;
  /** Connections that may be open at a time on each port; one more gets 503. 16,384 if left out. */
  readonly maxConnections?: number;
  /** Called for each iteration. */
  readonly onIteration?: IterationWatch | undefined;
}

const MAX_CONNECTIONS = 16_384;

export interface EngineServer {
  readonly url: string;
  /** Of the decode port, where there is one. */
  readonly decodeUrl: string | null;
  /** Closes open connections too, and cancels their requests. */
  close(): Promise<void>;
}

/**
 * Serves an engine over HTTP/1.1 on the wall clock. Resolves once it listens; throws a UserError when it cannot.
 */
export async function serveEngine(spec: EngineSpec, options: ServeOptions): Promise<EngineServer> {
  const { host, port, decodePort } = options;
  const clock = new WallClock();
  const iterationTokens = new IterationTokens();
  const onIteration: IterationWatch = (...iteration) => {
    iterationTokens.watch(...iteration);
    options.onIteration?.(...iteration);
  };
  const engine = createEngine(spec, { clock, onIteration });
  const servers: Server[] = [];
  const close = async (): Promise<void> => {
    await Promise.all(servers.map(closeServer));
    // Events that are left on the clock must not keep the process alive.
    await clock.run(() => true);
  };
  const open = (address: Address, option: string, pool: Engine, dispatch: Dispatch): Promise<Address> => {
    const server = httpServer(
      routesOf({ spec, options, clock, iterationTokens }, pool, dispatch),
      options.maxConnections ?? MAX_CONNECTIONS,
    );
    servers.push(server);
    return listen(server, address, option);
  };
  if (decodePort === undefined) {
    const address = await open({ host, port }, '--port', engine, (_request, format) => ({
      submit: engine.submit,
      format,
    }));
    return { url: urlOf(address), decodeUrl: null, close };
  }
  const { prefill, decode } = poolsOf(engine, spec, options);
  try {
    const toPrefill = prefillDispatch(prefill, () => prefillAddress);
    const prefillAddress = await open({ host, port }, '--port', prefill, toPrefill);
    const toDecode = decodeDispatch(decode, prefillAddress);
    const decodeAddress = await open({ host, port: decodePort }, '--decode-port', decode, toDecode);
    return { url: urlOf(prefillAddress), decodeUrl: urlOf(decodeAddress), close };
  } catch (thrown) {
    await close();
    throw thrown;
  }
}

/** The pools of an engine that can be served on two ports; throws a UserError where it cannot. */
function poolsOf(engine: Engine, { system }: EngineSpec, { dialect = 'vllm' }: ServeOptions): PdEndpoints {
  if (dialect !== 'vllm')
    throw new UserError(`--decode-port: dialect ${dialect} has no request for a prompt alone; use --dialect vllm`);
  if (engine.pd === undefined)
    throw new UserError(
      `--decode-port: ${system} has no port for decodes alone; use --system vllm-pd, or leave it out`,
    );
  return engine.pd;
}

/** What all ports of a server share. */
interface ServerParts {
  readonly spec: EngineSpec;
  readonly options: ServeOptions;
  readonly clock: WallClock;
  readonly iterationTokens: IterationTokens;
}

/** The routes of one port; `pool` is the whole engine where there is one port. */
function routesOf({ spec, options, clock, iterationTokens }: ServerParts, pool: Engine, dispatch: Dispatch): Routes {
  const modelName = options.modelName ?? String(spec.options['model']);
  const emissionLog = new EmissionLog();
  const metrics = new ServerMetrics(pool, modelName, iterationTokens);
  const dialect = DIALECTS[options.dialect ?? 'vllm'];
  const handler = generationHandlers({ dispatch, clock, modelName, emissionLog, metrics });
  const endpoints = Object.entries(dialect.endpoints).map(([path, endpoint]): [string, Route] => [
    path,
    ['POST', handler(endpoint)],
  ]);
  const pages = { engine: pool, spec, modelName, metrics, emissionLog };
  return { ...Object.fromEntries(endpoints), ...ownPages(pages), ...dialect.pages(pages) };
}
