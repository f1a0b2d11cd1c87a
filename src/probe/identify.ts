import { ADAPTERS, makeCodec, type ApiEndpoint, type CodecOptions } from '../../adapters/index.ts';
import type { PromptMaker } from '../core/codec.ts';
import { EXIT, UserError } from '../core/errors.ts';
import { urlBelow, type ServerAccess } from '../replay/transport.ts';
import type { ProbeEndpoint, ProbeReport } from '../schema/probe.ts';
import { listModels } from '../serving/detect.ts';
import { probeDialect, type Probed } from '../serving/dialect-probe.ts';
import { nameEngine } from '../serving/engine-name.ts';
import { statusOnce, NoAnswerError } from '../serving/http-once.ts';
import { CredentialsError, modelToAsk, PATIENCE_MS } from '../serving/reach.ts';
import { roleOf } from '../target/negotiate-handover.ts';
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
 * where no connection can be made or nothing is answered, and where it does not serve the model that the user names.
 */
export async function identify(
  access: ServerAccess,
  config: TargetConfig,
  requests: ProbeRequests,
): Promise<Identified> {
  const { models, bases, why } = await modelsOf(access);
  const ids = models.map(({ id }) => id);
  const { model: found, listed } = modelToAsk(access, models, config.model);
  if (models.length === 0) await checkAnswers(access);
  const model = found ?? 'default';
  const { engine, version, adapter: suited, contextTokens } = await nameEngine(bases[0], listed);
  const adapter = config.adapter === 'auto' ? suited : config.adapter;
  const asked = await askEndpoints(bases, adapter, { ...config, model }, requests);
  const role = asked.working === null && adapter === 'sglang' ? await roleOf(asked.access) : null;
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
    ...(role === null ? {} : { endpoints: asked.endpoints.map((one) => ({ ...one, why: ONE_SIDE[role] })) }),
  };
}

const alone = (role: string): string =>
  `it is the ${role} server of a disaggregated deployment, and takes no request that its other side does not get too; probe the router in front, or run with --target prefill=URL,decode=URL`;
const ONE_SIDE = { prefill: alone('prefill'), decode: alone('decode') };

/**
 * Throws a UserError with exit code 3 where neither the list of models nor the root page has any answer: no later one
 * could come, and each would be waited for.
 */
async function checkAnswers(access: ServerAccess): Promise<void> {
  const asked = ['/v1/models', '/'].map((route) => statusOnce(urlBelow(access, route), access, PATIENCE_MS));
  try {
    await Promise.any(asked);
  } catch (thrown) {
    const isSilent = thrown instanceof AggregateError && thrown.errors.every((one) => one instanceof NoAnswerError);
    if (!isSilent) return; // what an endpoint says of it is told
    const message = `${access.url.href} takes connections and answers nothing: there was no answer to /v1/models nor to / within ${PATIENCE_MS / 1000} s; is it still starting, or no HTTP server?`;
    throw new UserError(message, { exitCode: EXIT.unreachable, cause: thrown });
  }
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

/** Asks every endpoint of a dialect at once, where its routes likely stand, and elsewhere if none works there. */
async function askEndpoints(
  [access, ...others]: readonly ServerAccess[],
  adapter: string,
  asked: Pick<TargetConfig, 'endpoint' | 'body'> & { readonly model: string },
  { id, prompts }: ProbeRequests,
): Promise<Asked> {
  if (access === undefined) throw new Error('a server without a base');
  const all = await Promise.all(
    (asked.endpoint === null ? (ADAPTERS[adapter]?.endpoints ?? []) : [asked.endpoint]).map(async (endpoint) => {
      const options = { endpoint, model: asked.model, body: asked.body, runId: id };
      const probed = await part(access, ENDPOINT_MS, (limited) =>
        probeDialect(limited, { adapter, codec: options, prompts, patienceMs: ANSWER_MS, mayEcho: true }),
      );
      return { options, probed };
    }),
  );
  const endpoints = all.map(({ options, probed }) => endpointOf(adapter, options, prompts, probed));
  const [working = null] = all.flatMap(({ options, probed }): WorkingCodec[] =>
    'found' in probed && probed.found.kind === 'answered'
      ? [{ adapter, options: { ...options, capabilities: probed.found.capabilities } }]
      : [],
  );
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
