import { ADAPTERS, makeCodec, type ApiEndpoint, type CodecOptions } from '../../adapters/index.ts';
import type { PromptMaker } from '../core/codec.ts';
import type { ServerAccess } from '../replay/transport.ts';
import type { ProbeEndpoint, ProbeReport } from '../schema/probe.ts';
import { listModels } from '../serving/detect.ts';
import { probeDialect, type Probed } from '../serving/dialect-probe.ts';
import { nameEngine } from '../serving/engine-name.ts';
import { CredentialsError, modelToAsk } from '../serving/reach.ts';
import type { TargetConfig } from '../target/target-spec.ts';
import { part, type Part } from './part.ts';

/** Limits of an answer to a request for a few tokens, and of all that an endpoint is sent until it takes one. */
const ANSWER_MS = 10_000;
const ENDPOINT_MS = 20_000;

/** The requests that are sent: the prefix of their ids, and their prompts. */
export interface ProbeRequests {
  readonly id: string;
  readonly prompts: PromptMaker;
}

/** The codec of the first endpoint that works: the one that a run would use. */
export interface WorkingCodec {
  readonly adapter: string;
  readonly options: CodecOptions;
}

export interface Identified {
  readonly server: ProbeReport['server'];
  readonly endpoints: readonly ProbeEndpoint[];
  /** With where its routes stand found out. */
  readonly access: ServerAccess;
  /** Null: no endpoint works. */
  readonly working: WorkingCodec | null;
}

/**
 * Finds out what a server is, as a run does, but for every endpoint of its dialect. Throws a UserError with exit code 3
 * where no connection can be made, and where it does not serve the model that the user names.
 */
export async function identify(
  access: ServerAccess,
  config: TargetConfig,
  requests: ProbeRequests,
): Promise<Identified> {
  const { models, bases, why } = await modelsOf(access);
  const ids = models.map(({ id }) => id);
  const { model: found, listed } = modelToAsk(access, models, config.model);
  const model = found ?? 'default';
  const { engine, version, adapter: suited, contextTokens } = await nameEngine(bases[0], listed);
  const adapter = config.adapter === 'auto' ? suited : config.adapter;
  const asked = await askEndpoints(bases, adapter, { ...config, model }, requests);
  return {
    server: {
      engine,
      version,
      adapter,
      models: ids,
      models_why: why,
      model,
      context_tokens: listed?.contextTokens ?? contextTokens,
    },
    ...asked,
  };
}

/** A server that wants other credentials for its list may still have open pages. */
async function modelsOf(
  access: ServerAccess,
): Promise<Awaited<ReturnType<typeof listModels>> & { readonly why: string | null }> {
  try {
    const listed = await listModels(access);
    return { ...listed, why: listed.models.length > 0 ? null : 'it has no list of models' };
  } catch (thrown) {
    if (thrown instanceof CredentialsError) return { models: [], bases: [access], why: thrown.message };
    throw thrown;
  }
}

type Asked = Pick<Identified, 'endpoints' | 'access' | 'working'>;

/** Asks every endpoint of a dialect, where its routes likely stand, and elsewhere if none works there. */
async function askEndpoints(
  [access, ...others]: readonly ServerAccess[],
  adapter: string,
  asked: Pick<TargetConfig, 'endpoint' | 'body'> & { readonly model: string },
  { id, prompts }: ProbeRequests,
): Promise<Asked> {
  if (access === undefined) throw new Error('a server without a base');
  const endpoints: ProbeEndpoint[] = [];
  let working: WorkingCodec | null = null;
  for (const endpoint of asked.endpoint === null ? (ADAPTERS[adapter]?.endpoints ?? []) : [asked.endpoint]) {
    const options = { endpoint, model: asked.model, body: asked.body, runId: id };
    const probed = await part(access, ENDPOINT_MS, (limited) =>
      probeDialect(limited, { adapter, codec: options, prompts, patienceMs: ANSWER_MS, mayEcho: true }),
    );
    endpoints.push(endpointOf(adapter, options, prompts, probed));
    if ('found' in probed && probed.found.kind === 'answered')
      working ??= { adapter, options: { ...options, capabilities: probed.found.capabilities } };
  }
  if (working !== null || others.length === 0) return { endpoints, access, working };
  return askEndpoints(others, adapter, asked, { id, prompts });
}

function endpointOf(
  adapter: string,
  options: CodecOptions & { readonly endpoint: ApiEndpoint },
  prompts: PromptMaker,
  probed: Part<Probed>,
): ProbeEndpoint {
  const { endpoint, body } = options;
  if ('why' in probed || probed.found.kind !== 'answered')
    return {
      endpoint,
      works: false,
      why: 'why' in probed ? probed.why : probed.found.kind === 'answered' ? null : probed.found.why,
      prompts: null,
      counted_by: null,
      count_fault: null,
      ignore_eos: null,
      final_usage: null,
    };
  const { capabilities, counting } = probed.found;
  return {
    endpoint,
    works: true,
    why: null,
    prompts: makeCodec(adapter, { ...options, capabilities }, prompts).promptForm,
    counted_by: counting.by,
    count_fault: counting.countFault,
    // Known only where it was asked for.
    ignore_eos: body?.ignoreEos === false ? null : capabilities.ignoreEos,
    final_usage: capabilities.finalUsage,
  };
}
