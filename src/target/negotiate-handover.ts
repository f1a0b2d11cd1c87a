import { z } from 'zod';
import {
  ALL_CAPABILITIES,
  makeCodec,
  type ApiEndpoint,
  type BodyOptions,
  type Deployment,
  type Handover,
  type ServerCapabilities,
} from '../../adapters/index.ts';
import { EXIT, UserError } from '../core/errors.ts';
import type { Log } from '../core/log.ts';
import { openSingleRequests } from '../replay/single-requests.ts';
import type { ServerAccess } from '../replay/transport.ts';
import { nameEngine } from '../serving/engine-name.ts';
import { getJson } from '../serving/http-once.ts';
import { listModels } from '../serving/detect.ts';
import { modelToAsk, PATIENCE_MS, type ListedModel } from '../serving/reach.ts';
import { negotiate, type NegotiateOptions, type ServerDialect } from './negotiate.ts';
import type { ServerEndpoint } from './server-list.ts';
import type { ServerTarget, TargetConfig } from './target-spec.ts';

type Disaggregated = Extract<Deployment, { readonly kind: 'disaggregated' }>;

/** The dialect of servers with roles, and who they are to each other. */
interface HandoverDialect extends ServerDialect {
  readonly deployment: Disaggregated;
}

/**
 * Finds out how prefill and decode servers hand prompts over, and that they do: every server takes part in one small
 * request. Throws a UserError where a run could not succeed.
 */
export async function negotiateHandover(
  config: TargetConfig,
  { endpoints: servers }: ServerTarget,
  accesses: readonly ServerAccess[],
  options: NegotiateOptions,
  log: Log,
): Promise<HandoverDialect> {
  const all = await Promise.all(
    servers.map(async (server, i) => {
      const access = accesses[i];
      if (access === undefined) throw new Error(`endpoint ${i} has no access`);
      return look(server, access, i, config);
    }),
  );
  const [first] = all;
  const decode = all.find(({ server }) => server.role === 'decode');
  if (first === undefined || decode === undefined) throw new Error('a target with roles has a decode server');
  const handover = config.handover ?? handoverOf(config.adapter, all);
  const dialect =
    handover === 'sglang'
      ? sglangDialect(config, all, options.prefers)
      : await negotiate({ ...config, adapter: 'vllm' }, decode.access, options, log);
  const deployment: Disaggregated = {
    kind: 'disaggregated',
    router: config.router,
    handover,
    prefill: all.filter(({ server }) => server.role === 'prefill').map(({ replica }) => replica),
    decode: all.flatMap(({ server, replica }) => (server.role === 'decode' ? [replica.endpoint] : [])),
  };
  // Where a prefill server does not show it by its list of models, it is as at the decode server.
  const unversioned = all.map(({ server, models, access: { isUnversioned = false } }) =>
    server.role === 'decode' || models.length === 0 ? isUnversioned || dialect.isUnversioned : isUnversioned,
  );
  const facts = { ...dialect.facts, handover, ...countsOf(deployment) };
  const found = { ...dialect, unversioned, deployment, facts };
  const checked = accesses.map((access, i) => ({ ...access, isUnversioned: unversioned[i] ?? false }));
  await checkHandover(found, config.body, checked, options);
  log.info(`${handover}'s hand-over of a prompt works from ${countText(deployment)}`);
  return found;
}

interface Looked {
  readonly server: ServerEndpoint;
  readonly access: ServerAccess;
  readonly models: readonly ListedModel[];
  readonly contextTokens: number | null;
  readonly engine: string | null;
  readonly version: string | null;
  readonly adapter: string;
  readonly replica: Disaggregated['prefill'][number];
}

// Of SGLang's pages about a server; both are null or absent where it does all of the work.
const rolePage = z.object({
  disaggregation_mode: z.string().nullish().catch(null),
  disaggregation_bootstrap_port: z.int().positive().nullish().catch(null),
});

async function look(
  server: ServerEndpoint,
  reached: ServerAccess,
  endpoint: number,
  { model }: TargetConfig,
): Promise<Looked> {
  const { models, bases } = await listModels(reached);
  const [access] = bases;
  const listed = models.find(({ id }) => id === model) ?? models[0];
  const named = await nameEngine(access, listed);
  const page = named.adapter === 'sglang' ? await rolePageOf(access) : null;
  const mode = modeIn(page);
  if (mode !== null && mode !== server.role)
    throw new UserError(
      `--target: ${access.url.href} says that it is a ${mode} server, and it is given as ${server.role}=; are they swapped?`,
      { exitCode: EXIT.unreachable },
    );
  const { hostname, port, protocol } = access.url;
  return {
    server,
    access,
    models,
    contextTokens: listed?.contextTokens ?? named.contextTokens,
    engine: named.engine,
    version: named.version,
    adapter: named.adapter,
    replica: {
      endpoint,
      host: hostname,
      port: port === '' ? (protocol === 'https:' ? 443 : 80) : Number(port),
      bootstrapPort: server.bootstrapPort ?? page?.disaggregation_bootstrap_port ?? null,
    },
  };
}

/** Which side of a disaggregated deployment an SGLang server is; null: it does not say, or it is both. */
export async function roleOf(access: ServerAccess): Promise<Mode | null> {
  return modeIn(await rolePageOf(access));
}

type Mode = 'prefill' | 'decode';

function modeIn(page: z.infer<typeof rolePage> | null): Mode | null {
  const mode = page?.disaggregation_mode;
  return mode === 'prefill' || mode === 'decode' ? mode : null;
}

async function rolePageOf(access: ServerAccess): Promise<z.infer<typeof rolePage> | null> {
  for (const route of ['/server_info', '/get_server_info']) {
    const page = rolePage.safeParse(await getJson(access, route, PATIENCE_MS));
    if (page.success && page.data.disaggregation_bootstrap_port !== undefined) return page.data;
  }
  return null;
}

/** As the servers are, which have to be alike. */
function handoverOf(adapter: string, all: readonly Looked[]): Handover {
  if (adapter === 'vllm' || adapter === 'sglang') return adapter;
  const kinds = [...new Set(all.map((one) => one.adapter))];
  const [kind] = kinds;
  if (kinds.length === 1 && (kind === 'vllm' || kind === 'sglang')) return kind;
  const found = all.map(
    (one) => `${one.access.url.href}: ${one.engine ?? 'does not say what it is'}, adapter ${one.adapter}`,
  );
  throw new UserError(
    `--target: how these servers hand prompts over cannot be told (${found.join('; ')}); name it: --handover vllm, sglang or llm-d`,
    { exitCode: EXIT.unreachable },
  );
}

/** SGLang's servers with a role take no request without a partner, so that they are not probed one by one. */
function sglangDialect(
  { endpoint: named, model }: TargetConfig,
  all: readonly Looked[],
  prefers: ApiEndpoint | null,
): ServerDialect {
  const decode = all.find(({ server }) => server.role === 'decode');
  const found = decode === undefined ? null : modelToAsk(decode.access, decode.models, model).model;
  const endpoint = named ?? prefers ?? 'generate';
  const capabilities: ServerCapabilities = { ...ALL_CAPABILITIES, returnTokenIds: false };
  return {
    isUnversioned: decode?.access.isUnversioned ?? false,
    adapter: 'sglang',
    endpoint,
    model: found ?? 'default',
    models: decode === undefined || decode.models.length === 0 ? null : decode.models.map(({ id }) => id),
    capabilities,
    contextTokens: decode?.contextTokens ?? null,
    facts: {
      engine: decode?.engine ?? null,
      version: decode?.version ?? null,
      context_tokens: decode?.contextTokens ?? null,
      endpoint,
    },
  };
}

const CHECK_TOKENS = { inputTokens: 64, outputTokens: 3 };

/** One small request to each pair of servers, each server in one pair at least. */
async function checkHandover(
  { adapter, endpoint, model, capabilities, deployment }: HandoverDialect,
  body: BodyOptions,
  accesses: readonly ServerAccess[],
  { id, prompts, patienceMs }: NegotiateOptions,
): Promise<void> {
  const known = capabilities === null ? {} : { capabilities };
  const inTurn: Disaggregated = { ...deployment, router: 'round-robin' };
  const codec = makeCodec(adapter, { endpoint, model, runId: id, body, ...known, deployment: inTurn }, prompts);
  const requests = openSingleRequests(codec, accesses, patienceMs * 1000);
  try {
    for (let i = 0; i < Math.max(deployment.prefill.length, deployment.decode.length); i++) {
      const result = await requests.send({ id: `handover-check-${i}`, traceRow: 0, dueUs: 0, ...CHECK_TOKENS });
      if (result.kind === 'failed')
        throw new UserError(
          `--target: a prompt could not be handed over by ${deployment.handover}'s protocol: ${result.why}`,
          { exitCode: EXIT.unreachable },
        );
    }
  } finally {
    await requests.close();
  }
}

const countsOf = ({ prefill, decode }: Disaggregated): { prefill: number; decode: number } => ({
  prefill: prefill.length,
  decode: decode.length,
});

function countText({ prefill, decode }: Disaggregated): string {
  return `${prefill.length} prefill to ${decode.length} decode ${decode.length === 1 ? 'server' : 'servers'}`;
}
