import type { ServerAccess } from '../replay/transport.ts';
import type { Log } from '../core/log.ts';
import type { Plan } from '../core/plan.ts';
import { unlessStopped } from '../core/stop.ts';
import type { EngineDialect } from '../engine/server/index.ts';
import { startEngine } from './engine-process.ts';
import { launchServer } from './launch.ts';
import { referenceAdapter } from './negotiate.ts';
import type { Endpoints } from './server-client.ts';
import { openServerSession, type OwnedProcess } from './server-session.ts';
import type { TargetSession } from './session.ts';
import type { ServerEndpoint } from './server-list.ts';
import type { ServerUrl } from './server-url.ts';
import { shortKeyWarnings, targetKeys } from './target-keys.ts';
import { checkTarget, type EngineTarget, type ServerTarget, type TargetConfig } from './target-spec.ts';
import { openVirtualSession } from './virtual-session.ts';
import { vocabularyOfFile } from './vocabulary.ts';

/** The dialect in which the reference engine serves an adapter, where it is not vLLM's. */
const DIALECTS: Readonly<Record<string, EngineDialect>> = { sglang: 'sglang', distserve: 'distserve' };

export interface OpenOptions {
  /** The plan of the first run, where it is known: its needs are checked before any request is sent. */
  readonly plan: Plan | null;
  /** Salt of the prompts that are sent before the first run; null in virtual time. */
  readonly salt: string | null;
  /**
   * Directory of the first run: its name is the prefix of the ids of requests before the run, and a log may stand
   * beside it.
   */
  readonly dir: string;
  /** Timeout of a server's first response. */
  readonly patienceUs: number;
  /** When it aborts, opening ends with an error. */
  readonly stop: AbortSignal;
  readonly log: Log;
}

/**
 * Starts or reaches a target, detects what it is, and measures how it counts prompts. The session lasts until it is
 * closed, for any number of runs. Throws a UserError where a run could not succeed; no process is left running then.
 */
export async function openTarget(config: TargetConfig, options: OpenOptions): Promise<TargetSession> {
  checkTarget(config);
  const { spec } = config;
  if (spec.kind === 'server') return openServer(config, spec, options);
  for (const text of spec.warnings) options.log.warn(text);
  return config.clock === 'virtual' ? openVirtualSession(config, spec) : openEngine(config, spec, options);
}

async function openServer(config: TargetConfig, spec: ServerTarget, options: OpenOptions): Promise<TargetSession> {
  const [first, ...others] = spec.endpoints;
  for (const text of shortKeyWarnings(config)) options.log.warn(text);
  const keys = targetKeys(config);
  const access = (server: ServerEndpoint): ServerAccess => ({
    ...accessOf(server, config, keys),
    ...(others.length === 0 ? {} : { name: server.role === 'both' ? server.url : `${server.role} ${server.url}` }),
  });
  const endpoints: Endpoints = [access(first), ...others.map(access)];
  const { start } = config;
  const server = start === null ? null : await launchServer(start, endpoints, options);
  const owned: OwnedProcess | null =
    server === null
      ? null
      : {
          isEngine: false,
          started: server.started,
          gone: server.gone.then((why) => ({ why, isFault: false })),
          keepLog: server.keepLog,
          close: server.stop,
        };
  return ownedBy(owned, options.stop, async () =>
    openServerSession({ config, endpoints, owned, vocabulary: await vocabularyOfFile(config.tokenizer) }, options),
  );
}

async function openEngine(config: TargetConfig, spec: EngineTarget, options: OpenOptions): Promise<TargetSession> {
  const vocabulary = await unlessStopped(vocabularyOfFile(config.tokenizer), options.stop);
  const engine = await startEngine({
    system: spec.system,
    dialect: DIALECTS[referenceAdapter(config)] ?? 'vllm',
    traceIterations: config.traceIterations,
    stop: options.stop,
  });
  const owned: OwnedProcess = { isEngine: true, keepLog: () => undefined, ...engine };
  const { headers, insecure, connections } = config;
  const endpoints: Endpoints = [{ url: engine.url, headers, insecure, connections, secrets: targetKeys(config) }];
  return ownedBy(owned, options.stop, () => openServerSession({ config, endpoints, owned, vocabulary }, options));
}

/** How to reach an endpoint of a server with the headers and the TLS setting of a target. */
export function accessOf(
  { url, query, isUnversioned }: ServerUrl,
  config: TargetConfig,
  secrets = targetKeys(config),
): ServerAccess {
  const { headers, insecure, connections } = config;
  return { url: new URL(url), query, isUnversioned, headers, insecure, connections, secrets };
}

/** Opens a session; if that fails, the process that was started for it is ended. */
async function ownedBy(
  owned: OwnedProcess | null,
  stop: AbortSignal,
  open: () => Promise<TargetSession>,
): Promise<TargetSession> {
  try {
    return await unlessStopped(open(), stop);
  } catch (thrown) {
    await owned?.close();
    throw thrown;
  }
}
