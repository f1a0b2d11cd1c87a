import {
  ADAPTERS,
  ALL_CAPABILITIES,
  type ApiEndpoint,
  type BodyOptions,
  type Deployment,
  type ServerCapabilities,
} from '../../adapters/index.ts';
import type { PromptMaker } from '../core/codec.ts';
import type { Log } from '../core/log.ts';
import { withThousands } from '../core/units.ts';
import type { ServerAccess } from '../replay/transport.ts';
import type { Manifest } from '../schema/manifest.ts';
import { checkStream, detect, type Detected } from '../serving/detect.ts';
import type { Counting } from '../serving/dialect-probe.ts';
import { modelToAsk, reachTarget } from '../serving/reach.ts';
import type { TargetConfig } from './target-spec.ts';

/** The protocol of a server, and the facts that it reports. */
export interface ServerDialect {
  /** Whether OpenAI's routes stand right below the server's URL. */
  readonly isUnversioned: boolean;
  /** The same of each endpoint, by position, where they are not alike. */
  readonly unversioned?: readonly boolean[];
  readonly adapter: string;
  readonly endpoint: ApiEndpoint;
  readonly model: string;
  /** Models that the server lists; null where it is not known, and the trace's are asked for. */
  readonly models: readonly string[] | null;
  /** Null: those that the adapter usually finds. */
  readonly capabilities: ServerCapabilities | null;
  /** Longest prompt and output together; null where it is not known, or the server rejects longer requests itself. */
  readonly contextTokens: number | null;
  readonly facts: Manifest['target']['facts'];
  /** Where the target has several endpoints. */
  readonly deployment?: Deployment;
}

/** Inputs of the negotiation besides the target. */
export interface NegotiateOptions {
  /** Prefix of the ids of the requests sent during negotiation. */
  readonly id: string;
  /** Prompts of the requests sent during negotiation. */
  readonly prompts: PromptMaker;
  /** Longest prompt that will be sent; null: not known. */
  readonly longestPromptTokens: number | null;
  /** The endpoint to try first where the user names none; null: any. */
  readonly prefers: ApiEndpoint | null;
  /** Timeout of the first response. */
  readonly patienceMs: number;
}

/**
 * Prompts longer than this are not echoed: the first chunk of a response would carry 6 bytes per prompt token, late and
 * to be parsed.
 */
const MAX_ECHOED_TOKENS = 16_384;

/** Whether responses may echo their prompts, as they do where each chunk carries its token ids. */
export function mayEcho(longestPromptTokens: number | null): boolean {
  return longestPromptTokens === null || longestPromptTokens <= MAX_ECHOED_TOKENS;
}

/** Detects engine, version and capabilities of a server that is not the reference engine. */
export async function negotiate(
  { adapter, endpoint, model, body }: TargetConfig,
  access: ServerAccess,
  { id, prompts, longestPromptTokens, prefers, patienceMs }: NegotiateOptions,
  log: Log,
): Promise<ServerDialect> {
  const options = {
    adapter,
    endpoint,
    prefers,
    model,
    body,
    runId: id,
    patienceMs,
    mayEcho: mayEcho(longestPromptTokens),
  };
  const found = await detect(access, options, prompts);
  log.info(lineOf(access.url, found, body));
  for (const warning of found.warnings) log.warn(warning);
  // Where the server lists none, the one that the user names is meant for all.
  const models = found.models ?? (model === null ? null : [model]);
  return { ...found, models, facts: factsOf(found, body) };
}

/**
 * The dialect of the reference engine, without a probe, which would appear in its log, its metrics and its cache. Its
 * tokens are counted by usage, which costs it less than ids do.
 */
export async function referenceDialect(
  config: TargetConfig,
  access: ServerAccess,
  prefers: ApiEndpoint | null,
): Promise<ServerDialect> {
  const listed = await reachTarget(access);
  const { model } = modelToAsk(access, listed, config.model);
  const adapter = referenceAdapter(config);
  checkStream(adapter, config.body);
  const endpoints = ADAPTERS[adapter]?.endpoints ?? [];
  return {
    isUnversioned: false,
    adapter,
    endpoint: config.endpoint ?? endpoints.find((each) => each === prefers) ?? endpoints[0] ?? 'completions',
    model: model ?? 'default',
    models: listed.map(({ id }) => id),
    capabilities: { ...ALL_CAPABILITIES, returnTokenIds: false },
    contextTokens: null,
    facts: {},
  };
}

/** The adapter for the reference engine, which can serve either dialect: vLLM unless the user names another. */
export function referenceAdapter({ adapter, endpoint }: TargetConfig): string {
  if (adapter !== 'auto') return adapter;
  return endpoint === 'generate' ? 'sglang' : 'vllm';
}

function lineOf(
  url: URL,
  { engine, version, model, contextTokens, endpoint, counting }: Detected,
  { stream }: BodyOptions,
): string {
  const name = nameOf(engine, version);
  const context = contextTokens === null ? 'context not told' : `context ${withThousands(contextTokens)} tokens`;
  const counted = counting === null ? '' : `; ${stream ? howCounted(counting) : BY_TIMESTAMPS}`;
  return `${url.href}: ${name}, model ${model} (${context}), --endpoint ${endpoint}${counted}`;
}

/** How they are where answers are not streamed. */
const BY_TIMESTAMPS = 'tokens are counted and timed by the timestamps of each answer';

/** How tokens are counted, and why so. */
function howCounted({ by, countFault, hasTotal }: Counting): string {
  if (by === 'token_ids') return 'tokens are counted by the token ids of each chunk';
  if (by === 'usage') return 'tokens are counted by the usage in each chunk, which grows with the text';
  if (by !== 'chunks') return 'the answer to a probe held no text in a known field, and no token id';
  const settled = hasTotal ? ', settled by the usage at the end' : '';
  return `tokens are counted as one a chunk (${countFault ?? 'chunks tell neither ids nor usage'})${settled}`;
}

/** The reference engine's version begins with its name. */
function nameOf(engine: string | null, version: string | null): string {
  if (engine === null) return 'a server that does not say what it is';
  if (version === null) return engine;
  return version.startsWith(engine) ? version : `${engine} ${version}`;
}

function factsOf(found: Detected, body: BodyOptions): Manifest['target']['facts'] {
  const { engine, version, contextTokens, endpoint, counting, capabilities } = found;
  return {
    engine,
    version,
    context_tokens: contextTokens,
    endpoint,
    counted_by: counting?.by ?? null,
    ...(capabilities === null
      ? {}
      : {
          token_id_prompts: capabilities.tokenIdPrompts && endpoint !== 'chat',
          // Known only where they were asked for.
          ...(body.ignoreEos ? { ignore_eos: capabilities.ignoreEos, min_tokens: capabilities.minTokens } : {}),
          final_usage: capabilities.finalUsage,
          continuous_usage: capabilities.continuousUsage,
        }),
  };
}
