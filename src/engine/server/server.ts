import type { Server } from 'node:http';
import { UserError } from '../../core/errors.ts';
import { WallClock } from '../../core/wall-clock.ts';
import type { Engine } from '../engine.ts';
import type { IterationWatch } from '../instance/iteration-log.ts';
import { createEngine, type EngineSpec } from '../spec.ts';
import { DIALECT_NAMES, DIALECTS, type DialectName } from './dialects.ts';
import { EmissionLog } from './emission-log.ts';
import { generationHandlers, type Dispatch } from './generation.ts';
import { closeServer, httpServer, listen, urlOf, type Address, type Route, type Routes } from './http-server.ts';
import { CONNECTION_LIMITS, type ConnectionLimits } from './connections.ts';
import { IterationTokens, ServerMetrics } from './metrics.ts';
import { ownPages, type PageContext } from './pages.ts';
import { RequestBodies, type BodyLimits } from './request-bodies.ts';

export interface ServeOptions extends Address {
  /** Port of the decode instances, so that `port` is that of the prefill instances; 0: any free one. */
  readonly decodePort?: number | undefined;
  /** Which server it looks like; vLLM if left out. */
  readonly dialect?: DialectName;
  /** Name of the served model; that of the spec if left out. */
  readonly modelName?: string;
  /** What clients may hold open on each port, where it is other than usual; a connection too many gets 503. */
  readonly connections?: Partial<ConnectionLimits>;
  /** Bodies above them get 413, or all together 503. */
  readonly bodies?: BodyLimits;
  /** Called for each iteration. */
  readonly onIteration?: IterationWatch | undefined;
}

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
  const bodies = new RequestBodies(options.bodies);
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
  const open = (address: Address, option: string, parts: PortParts): Promise<Address> => {
    const server = httpServer(routesOf({ spec, options, clock, iterationTokens, bodies }, parts), {
      ...CONNECTION_LIMITS,
      ...options.connections,
    });
    servers.push(server);
    return listen(server, address, option);
  };
  if (decodePort === undefined) {
    const dispatch: Dispatch = (_request, format) => ({ submit: engine.submit, format });
    const address = await open({ host, port }, '--port', { role: null, pool: engine, dispatch });
    return { url: urlOf(address), decodeUrl: null, close };
  }
  const { prefill, decode, handOver } = twoPorts(engine, spec, options);
  try {
    const prefillAddress = await open({ host, port }, '--port', {
      role: 'prefill',
      pool: prefill,
      dispatch: handOver.prefill(prefill, () => prefillAddress),
    });
    const decodeAddress = await open({ host, port: decodePort }, '--decode-port', {
      role: 'decode',
      pool: decode,
      dispatch: handOver.decode(decode, prefillAddress),
    });
    return { url: urlOf(prefillAddress), decodeUrl: urlOf(decodeAddress), close };
  } catch (thrown) {
    await close();
    throw thrown;
  }
}

/** The pools of an engine that can be served on two ports, and how they are spoken to; throws a UserError where it cannot. */
function twoPorts(engine: Engine, { system }: EngineSpec, { dialect = 'vllm' }: ServeOptions) {
  const { handOver } = DIALECTS[dialect];
  if (handOver === undefined) {
    const able = DIALECT_NAMES.filter((name) => DIALECTS[name].handOver !== undefined).join(' or ');
    throw new UserError(`--decode-port: dialect ${dialect} has no request for a prompt alone; use --dialect ${able}`);
  }
  if (engine.pd === undefined)
    throw new UserError(
      `--decode-port: ${system} has no port for decodes alone; use --system vllm-pd, or leave it out`,
    );
  return { ...engine.pd, handOver };
}

/** What all ports of a server share. */
interface ServerParts {
  readonly spec: EngineSpec;
  readonly options: ServeOptions;
  readonly clock: WallClock;
  readonly iterationTokens: IterationTokens;
  readonly bodies: RequestBodies;
}

/** What one port serves: the whole engine where there is one port. */
interface PortParts extends Pick<PageContext, 'role'> {
  readonly pool: Engine;
  readonly dispatch: Dispatch;
}

function routesOf(
  { spec, options, clock, iterationTokens, bodies }: ServerParts,
  { role, pool, dispatch }: PortParts,
): Routes {
  const modelName = options.modelName ?? String(spec.options['model']);
  const emissionLog = new EmissionLog();
  const metrics = new ServerMetrics(pool, modelName, iterationTokens);
  const dialect = DIALECTS[options.dialect ?? 'vllm'];
  const handler = generationHandlers({
    dispatch,
    clock,
    bodies,
    modelName,
    contextTokens: pool.maxModelLen,
    emissionLog,
    metrics,
  });
  const endpoints = Object.entries(dialect.endpoints).map(([path, endpoint]): [string, Route] => [
    path,
    ['POST', handler(endpoint)],
  ]);
  const pages = { engine: pool, role, spec, modelName, metrics, emissionLog, bodies };
  return { ...Object.fromEntries(endpoints), ...ownPages(pages), ...dialect.pages(pages) };
}
