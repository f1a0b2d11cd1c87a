import { ADAPTERS, ALL_CAPABILITIES, type ApiEndpoint, type ServerCapabilities } from '../../adapters/index.ts';
import { promptMaker } from '../../workloads/index.ts';
import { UserError } from '../core/errors.ts';
import type { Manifest } from '../schema/manifest.ts';
import { didYouMean } from '../core/did-you-mean.ts';
import type { Plan } from '../core/plan.ts';
import { withThousands } from '../core/units.ts';
import type { ServerAccess } from '../replay/transport.ts';
import { detect, type Detected } from '../serving/detect.ts';
import { reachTarget } from '../serving/reach.ts';
import { checkContext } from './context-length.ts';
import type { RunSpec } from '../run/run-spec.ts';

/** How a user hears of what is found before a run. */
export interface Told {
  readonly warn: (text: string) => void;
  readonly tell: (text: string) => void;
}

/** How a server is spoken to, and what it told of itself. */
export interface Spoken {
  readonly adapter: string;
  readonly endpoint: ApiEndpoint;
  readonly model: string;
  /** Null: what the adapter usually finds. */
  readonly capabilities: ServerCapabilities | null;
  readonly facts: Manifest['target']['facts'];
}

const MOST_PATIENCE_MS = 30_000;
/** Longer prompts are not asked back: the first chunk of an answer would carry 6 bytes a token, late and to be parsed. */
const MOST_ECHOED_TOKENS = 16_384;

/** Asks a server that is not ours what it is, and checks that the plan fits into its context. */
export async function askServer(
  spec: RunSpec,
  access: ServerAccess,
  plan: Plan,
  runId: string,
  user: Told,
): Promise<Spoken> {
  const { adapter, endpoint, model } = spec;
  const patienceMs = Math.min(MOST_PATIENCE_MS, spec.ttftTimeoutUs / 1000);
  const prompts = promptMaker({ seed: spec.seed, blockTokens: null });
  const mayEcho = plan.stats.maxInputTokens <= MOST_ECHOED_TOKENS;
  const found = await detect(access, { adapter, endpoint, model, runId, patienceMs, mayEcho }, prompts);
  checkContext(plan, found.contextTokens, found.model);
  user.tell(lineOf(access.url, found));
  for (const warning of found.warnings) user.warn(warning);
  return { ...found, facts: factsOf(found) };
}

/**
 * The reference engine is known: it is not asked, because a probe would be in its log, its metrics and its cache. Its
 * tokens are counted by usage, which costs it less than ids do.
 */
export async function knownEngine(spec: RunSpec, access: ServerAccess): Promise<Spoken> {
  const models = (await reachTarget(access)).map(({ id }) => id);
  if (spec.model !== null && !models.includes(spec.model))
    throw new UserError(`--model: ${access.url.href} does not serve "${spec.model}"${didYouMean(spec.model, models)}`);
  const adapter = referenceAdapter(spec);
  const endpoint = spec.endpoint ?? ADAPTERS[adapter]?.endpoints[0] ?? 'completions';
  return {
    adapter,
    endpoint,
    model: models[0] ?? 'default',
    capabilities: { ...ALL_CAPABILITIES, returnTokenIds: false },
    facts: {},
  };
}

/** The reference engine speaks as it is asked to: as vLLM unless something else is named. */
export function referenceAdapter({ adapter, endpoint }: RunSpec): string {
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
