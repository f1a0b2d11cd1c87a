import { ADAPTERS, ALL_CAPABILITIES, type ApiEndpoint, type ServerCapabilities } from '../../adapters/index.ts';
import { promptMaker } from '../../workloads/index.ts';
import { didYouMean } from '../core/did-you-mean.ts';
import { UserError } from '../core/errors.ts';
import type { Log } from '../core/log.ts';
import { withThousands } from '../core/units.ts';
import type { ServerAccess } from '../replay/transport.ts';
import type { Manifest } from '../schema/manifest.ts';
import { detect, type Detected } from '../serving/detect.ts';
import { reachTarget } from '../serving/reach.ts';
import type { TargetConfig } from './target-spec.ts';

/** How a server is spoken to, and what it tells of itself. */
export interface ServerDialect {
  readonly adapter: string;
  readonly endpoint: ApiEndpoint;
  readonly model: string;
  /** Null: what the adapter usually finds. */
  readonly capabilities: ServerCapabilities | null;
  /** Longest prompt and output together; null where it is not known, or the server refuses what is longer. */
  readonly contextTokens: number | null;
  readonly facts: Manifest['target']['facts'];
}

/** What decides how a server is asked. */
export interface NegotiateOptions {
  /** Prefix of the ids that what is sent now carries. */
  readonly id: string;
  readonly seed: number;
  /** Longest prompt that is going to be sent; null: not known. */
  readonly longestPromptTokens: number | null;
  /** How long the first answer may take. */
  readonly patienceMs: number;
}

/** Longer prompts are not asked back: the first chunk of an answer would carry 6 bytes a token, late and to be parsed. */
const MAX_ECHOED_TOKENS = 16_384;

/** Whether answers may bring back their prompts, as they do where each chunk is to tell its token ids. */
export function mayEcho(longestPromptTokens: number | null): boolean {
  return longestPromptTokens === null || longestPromptTokens <= MAX_ECHOED_TOKENS;
}

/** Asks a server that is not ours what it is and what it knows. */
export async function negotiate(
  { adapter, endpoint, model }: TargetConfig,
  access: ServerAccess,
  { id, seed, longestPromptTokens, patienceMs }: NegotiateOptions,
  log: Log,
): Promise<ServerDialect> {
  const options = { adapter, endpoint, model, runId: id, patienceMs, mayEcho: mayEcho(longestPromptTokens) };
  const found = await detect(access, options, promptMaker({ seed, blockTokens: null }));
  log.info(lineOf(access.url, found));
  for (const warning of found.warnings) log.warn(warning);
  return { ...found, facts: factsOf(found) };
}

/**
 * The reference engine is known: it is not asked, because a probe would be in its log, its metrics and its cache. Its
 * tokens are counted by usage, which costs it less than ids do.
 */
export async function referenceDialect(config: TargetConfig, access: ServerAccess): Promise<ServerDialect> {
  const models = (await reachTarget(access)).map(({ id }) => id);
  if (config.model !== null && !models.includes(config.model))
    throw new UserError(
      `--model: ${access.url.href} does not serve "${config.model}"${didYouMean(config.model, models)}`,
    );
  const adapter = referenceAdapter(config);
  return {
    adapter,
    endpoint: config.endpoint ?? ADAPTERS[adapter]?.endpoints[0] ?? 'completions',
    model: models[0] ?? 'default',
    capabilities: { ...ALL_CAPABILITIES, returnTokenIds: false },
    contextTokens: null,
    facts: {},
  };
}

/** The reference engine speaks as it is asked to: as vLLM unless something else is named. */
export function referenceAdapter({ adapter, endpoint }: TargetConfig): string {
  if (adapter !== 'auto') return adapter;
  return endpoint === 'generate' ? 'sglang' : 'vllm';
}

const COUNTED: Readonly<Record<string, string>> = {
  token_ids: 'by the token ids of each chunk',
  usage: 'by the usage in each chunk',
  chunks: 'as one a chunk, settled by the usage at the end',
};

function lineOf(
  url: URL,
  { engine, version, model, contextTokens, endpoint, countedBy, capabilities }: Detected,
): string {
  const name = nameOf(engine, version);
  const context = contextTokens === null ? 'context not told' : `context ${withThousands(contextTokens)} tokens`;
  const counted =
    countedBy === 'chunks' && capabilities?.finalUsage === false
      ? 'as one a chunk'
      : (COUNTED[countedBy ?? ''] ?? null);
  return `${url.href}: ${name}, model ${model} (${context}), --endpoint ${endpoint}${counted === null ? '' : `; tokens are counted ${counted}`}`;
}

/** The reference engine's version begins with its name. */
function nameOf(engine: string | null, version: string | null): string {
  if (engine === null) return 'a server that does not say what it is';
  if (version === null) return engine;
  return version.startsWith(engine) ? version : `${engine} ${version}`;
}

function factsOf(found: Detected): Manifest['target']['facts'] {
  const { engine, version, contextTokens, endpoint, countedBy, capabilities } = found;
  return {
    engine,
    version,
    context_tokens: contextTokens,
    endpoint,
    counted_by: countedBy,
    ...(capabilities === null
      ? {}
      : {
          token_id_prompts: capabilities.tokenIdPrompts && endpoint !== 'chat',
          ignore_eos: capabilities.ignoreEos,
          min_tokens: capabilities.minTokens,
          final_usage: capabilities.finalUsage,
          continuous_usage: capabilities.continuousUsage,
        }),
  };
}
