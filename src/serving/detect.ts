import {
  ADAPTERS,
  ALL_CAPABILITIES,
  type ApiEndpoint,
  type BodyOptions,
  type ServerCapabilities,
} from '../../adapters/index.ts';
import { EXIT, UserError } from '../core/errors.ts';
import type { PromptMaker } from '../core/codec.ts';
import { endsInVersion, type ServerAccess } from '../replay/transport.ts';
import { nameEngine } from './engine-name.ts';
import { probeDialect, type Counting, type Probed } from './dialect-probe.ts';
import { modelToAsk, reachTarget, type ListedModel } from './reach.ts';

/** The user's choices; null and `auto`: found out from the server. */
export interface DetectOptions {
  readonly adapter: string;
  readonly endpoint: ApiEndpoint | null;
  /** The one to try first where the user names none; null: the adapter's first. */
  readonly prefers: ApiEndpoint | null;
  readonly model: string | null;
  /** What the user sets of the bodies: the probe is as the requests of the run. */
  readonly body: BodyOptions;
  /** Prefix of the probe's `X-Request-Id`. */
  readonly runId: string;
  /** Limit for an answer to the probe. */
  readonly patienceMs: number;
  /** Whether answers may bring back their prompts, as they do where each chunk carries its token ids. */
  readonly mayEcho: boolean;
}

/** A server's engine and model, and the dialect, endpoint and fields that suit it. */
export interface Detected {
  /** Whether OpenAI's routes stand right below the server's URL. */
  readonly isUnversioned: boolean;
  readonly adapter: string;
  readonly endpoint: ApiEndpoint;
  readonly engine: string | null;
  readonly version: string | null;
  readonly model: string;
  /** Models that the server lists; null where it lists none. */
  readonly models: readonly string[] | null;
  /** Longest prompt and output together; null where the server does not list it. */
  readonly contextTokens: number | null;
  /** Null where the server did not answer the probe. */
  readonly capabilities: ServerCapabilities | null;
  /** How the tokens of a chunk are counted; null where the server did not answer the probe. */
  readonly counting: Counting | null;
  /** For the user to read before the run. */
  readonly warnings: readonly string[];
}

/**
 * Finds out what a server is, once, before a run: engine, version and models from its own pages, the rest from one
 * small request such as the run will send. Throws a UserError where a run could not succeed.
 */
export async function detect(reached: ServerAccess, options: DetectOptions, prompts: PromptMaker): Promise<Detected> {
  const { url } = reached;
  const { models, bases } = await listModels(reached);
  const { model: found, listed } = modelToAsk(reached, models, options.model);
  const model = found ?? 'default';
  const named = await nameEngine(bases[0], listed);
  const adapter = options.adapter === 'auto' ? named.adapter : options.adapter;
  const warnings =
    found === null && ADAPTERS[adapter]?.namesNoModel !== true
      ? [`${url.href} lists no models; asking for "${model}" (--model NAME to change it)`]
      : [];
  checkStream(adapter, options.body);
  const { access, endpoint, probed } = await findEndpoint(bases, { ...options, adapter, model }, prompts, warnings);
  const capabilities = probed.kind === 'answered' ? probed.capabilities : null;
  if (probed.kind === 'silent')
    warnings.push(
      `${url.href} did not answer a request for a few tokens (${probed.why}); it is taken to know what adapter ${adapter} usually finds`,
    );
  return {
    isUnversioned: access.isUnversioned ?? false,
    adapter,
    endpoint,
    engine: named.engine,
    version: named.version,
    model,
    models: models.length === 0 ? null : models.map(({ id }) => id),
    contextTokens: listed?.contextTokens ?? named.contextTokens,
    capabilities,
    counting: probed.kind === 'answered' ? probed.counting : null,
    warnings: [...warnings, ...missingCapabilities(capabilities, adapter, endpoint, options.body)],
  };
}

/** Where a server's routes may stand, likeliest first. */
type Bases = readonly [ServerAccess, ...ServerAccess[]];

/**
 * The models that a server lists, and where its routes may stand, likeliest first. Below a path without a version that is
 * `/v1`, or nothing, as OpenAI's clients have it: the list of models shows it, or the probe.
 */
export async function listModels(access: ServerAccess): Promise<{ models: readonly ListedModel[]; bases: Bases }> {
  const models = await reachTarget(access);
  const isKnown = models.length > 0 || access.isUnversioned === true;
  if (isKnown || access.url.pathname === '/' || endsInVersion(access.url)) return { models, bases: [access] };
  const unversioned = { ...access, isUnversioned: true };
  const others = await reachTarget(unversioned);
  return { models: others, bases: others.length > 0 ? [unversioned, access] : [access, unversioned] };
}

/** The first endpoint of the adapter that answers, where the user named none. */
async function findEndpoint(
  bases: Bases,
  { adapter, endpoint: only, prefers, model, body, runId, patienceMs, mayEcho }: DetectOptions & { model: string },
  prompts: PromptMaker,
  warnings: string[],
): Promise<{ access: ServerAccess; endpoint: ApiEndpoint; probed: Exclude<Probed, { kind: 'no endpoint' }> }> {
  const endpoints = (ADAPTERS[adapter]?.endpoints ?? []).toSorted(
    (a, b) => Number(b === prefers) - Number(a === prefers),
  );
  checkEndpoint(adapter, only);
  const tried: string[] = [];
  for (const access of bases)
    for (const endpoint of only === null ? endpoints : [only]) {
      const codec = { endpoint, model, body, runId };
      const probed = await probeDialect(access, { adapter, codec, prompts, patienceMs, mayEcho });
      if (probed.kind === 'no endpoint') {
        tried.push(probed.why);
        continue;
      }
      const instead = `--endpoint ${endpoint}${access.isUnversioned === true ? ' right below the URL' : ''}`;
      for (const why of tried) warnings.push(`${access.url.href} answers ${why}; ${instead} is used instead`);
      return { access, endpoint, probed };
    }
  throw new UserError(
    `${bases[0].url.href} takes no request for tokens: ${tried.join('; ')}; see --adapter, --endpoint and --model`,
    { exitCode: EXIT.unreachable },
  );
}

/** Throws a UserError where an adapter does not have the endpoint that the user names. */
export function checkEndpoint(adapter: string, endpoint: ApiEndpoint | null): void {
  const endpoints = ADAPTERS[adapter]?.endpoints;
  if (endpoint === null || endpoints === undefined || endpoints.includes(endpoint)) return;
  throw new UserError(`--endpoint ${endpoint}: adapter ${adapter} speaks ${endpoints.join(' or ')}`);
}

/** Throws a UserError where answers are not to be streamed, and do not tell the times of their tokens. */
export function checkStream(adapter: string, { stream }: BodyOptions): void {
  if (stream || ADAPTERS[adapter]?.tellsTokenTimes === true) return;
  const able = Object.keys(ADAPTERS).filter((name) => ADAPTERS[name]?.tellsTokenTimes === true);
  throw new UserError(
    `--no-stream: adapter ${adapter} times tokens as they are streamed; only answers of ${able.join(', ')} tell when each token was made (--adapter ${able[0]})`,
  );
}

function missingCapabilities(
  capabilities: ServerCapabilities | null,
  adapter: string,
  endpoint: ApiEndpoint,
  { ignoreEos }: BodyOptions,
): string[] {
  if (capabilities === null) return [];
  const { tokenIdPrompts } = ADAPTERS[adapter]?.capabilities ?? ALL_CAPABILITIES;
  const warnings: string[] = [];
  if (ignoreEos && !capabilities.ignoreEos)
    warnings.push(
      'the server does not know ignore_eos: answers end where the model ends them, not at their planned length',
    );
  if (tokenIdPrompts && !capabilities.tokenIdPrompts && endpoint !== 'chat')
    warnings.push('the server does not take prompts as token ids: they are sent as text');
  return warnings;
}
