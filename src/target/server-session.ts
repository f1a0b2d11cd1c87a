import { idPrefix } from '../core/request-id.ts';
import { basename } from 'node:path';
import { makeCodec, type CodecOptions, type Deployment } from '../../adapters/index.ts';
import { livePrompts, promptMaker } from '../../workloads/prompts/index.ts';
import type { Codec, PromptMaker } from '../core/codec.ts';
import { UserError } from '../core/errors.ts';
import type { Plan, PlanStats } from '../core/plan.ts';
import { WHOLE, type Shard } from '../core/shard.ts';
import { Descriptors, DESCRIPTORS_BYTES } from '../replay/descriptors.ts';
import type { ServerAccess } from '../replay/transport.ts';
import type { StartedProcess } from '../schema/manifest.ts';
import { monitorMetrics } from '../serving/metrics-monitor.ts';
import { prepareServer } from '../serving/prepare-server.ts';
import { metricsPage } from '../serving/scrape.ts';
import { reachTarget } from '../serving/reach.ts';
import { untilIdle } from '../serving/until-idle.ts';
import { checkContextLength } from './context-length.ts';
import { FEED_BATCH, feedAhead, feedFromSource, feedFromWorker, isShort, type FeedSpec } from './feed.ts';
import { LiveSessions } from './live-sessions.ts';
import { negotiateHandover } from './negotiate-handover.ts';
import { mayEcho, negotiate, referenceDialect, type ServerDialect } from './negotiate.ts';
import type { OpenOptions } from './open-target.ts';
import { areAllOwn, checkOwnPrompts, preferredEndpoint } from './own-prompts.ts';
import { measurePrompts, apart, promptSpec, promptsOfTrace, type PromptFacts } from './prompts.ts';
import { openClient, plainEndpoints, type ClientSpec, type Endpoints } from './server-client.ts';
import {
  NEVER_GONE,
  type AttachOptions,
  type Attachment,
  type Client,
  type TargetEnd,
  type TargetSession,
} from './session.ts';
import { isDisaggregated, type TargetConfig } from './target-spec.ts';
import { engineFacts } from './virtual-session.ts';
import type { Vocabulary } from './vocabulary.ts';

/** A process that was started for a session and ends with it. */
export interface OwnedProcess {
  /** True for the reference engine, which is not probed. */
  readonly isEngine: boolean;
  readonly started: StartedProcess | null;
  readonly gone: Promise<TargetEnd>;
  keepLog(dir: string): void;
  close(): Promise<void>;
}

export interface ServerParts {
  readonly config: TargetConfig;
  /** Its endpoints; of several that are alike the first is the one that is probed. */
  readonly endpoints: Endpoints;
  readonly owned: OwnedProcess | null;
  readonly vocabulary: Vocabulary | null;
}

/** Upper limit of the first response's timeout. */
const MAX_PATIENCE_MS = 30_000;

/** Opens a session with a server over HTTP: its dialect and how it counts prompts are found once. */
export async function openServerSession(parts: ServerParts, options: OpenOptions): Promise<TargetSession> {
  const { config, owned, vocabulary } = parts;
  const { plan, salt, log } = options;
  const id = idPrefix(basename(options.dir));
  const dialect = await dialectOf(parts, id, options);
  const found = (endpoint: ServerAccess, i: number): ServerAccess => ({
    ...endpoint,
    isUnversioned: dialect.unversioned?.[i] ?? dialect.isUnversioned,
  });
  const [access, ...others] = parts.endpoints;
  const endpoints: Endpoints = [found(access, 0), ...others.map((other, i) => found(other, i + 1))];
  const makeCodecOf = codecMaker(config, dialect);
  const codecFor = (prompts: PromptMaker, keepAnswers: boolean): Codec =>
    makeCodecOf(prompts, id, { echo: true, keepAnswers });
  const check = (of: Plan): void => {
    checkContextLength(of, dialect.contextTokens, dialect.model);
    if (config.codec === null) checkOwnPrompts(of, dialect, log);
    if (isLive(of)) checkKeepsAnswers(codecFor(NO_PROMPTS, true));
  };
  if (plan !== null) check(plan);
  const measured = new Map<boolean, PromptFacts>();
  const promptsFor = async (of: Plan | null, stop: AbortSignal): Promise<PromptFacts> => {
    const keepAnswers = of !== null && isLive(of);
    const before = measured.get(keepAnswers);
    if (before !== undefined) return before;
    if (of !== null && areAllOwn(of)) return promptsOfTrace(codecFor(NO_PROMPTS, keepAnswers));
    const server = {
      endpoints: stoppedBy(stop, endpoints),
      model: dialect.model,
      makeCodec: (prompts: PromptMaker) => codecFor(prompts, keepAnswers),
    };
    const facts = await measurePrompts(server, config.tokenizer, { vocabulary, salt }, log);
    measured.set(keepAnswers, facts);
    return facts;
  };
  await promptsFor(plan, options.stop);
  const session: ServerSession = { config, dialect, endpoints, promptsFor, makeCodec: makeCodecOf };
  let isJitWarm = false;
  return {
    name: config.spec.name,
    facts: {
      spec: config.spec.text,
      kind: config.spec.kind === 'engine' ? 'reference' : 'url',
      adapter: codecFor(NO_PROMPTS, false).name,
      model: dialect.model,
      connections: config.connections,
      facts: config.spec.kind === 'engine' ? engineFacts(config.spec) : dialect.facts,
    },
    started: owned?.started ?? null,
    gone: owned?.gone ?? NEVER_GONE,
    check,
    async attach(of, attaching) {
      const attachment = await attachRun(session, of, attaching, isJitWarm);
      isJitWarm ||= attaching.workers === 1;
      return attachment;
    },
    reach: async (stop) => {
      await Promise.all(endpoints.map((each) => reachTarget({ ...each, stop })));
    },
    settle: (stop) => untilIdle(endpoints.map(metricsPage), stop),
    keepLog: (dir) => owned?.keepLog(dir),
    close: async () => owned?.close(),
  };
}

/** The facts of a session's server. */
interface ServerSession {
  readonly config: TargetConfig;
  readonly dialect: ServerDialect;
  readonly endpoints: Endpoints;
  /** Measured once each for prompts that are drawn, and for those with answers of the run. */
  readonly promptsFor: (of: Plan, stop: AbortSignal) => Promise<PromptFacts>;
  readonly makeCodec: SessionCodec;
}

/** What responses have to hold. */
interface ResponseNeeds {
  /** They may echo their prompts, as they do where they carry token ids. */
  readonly echo: boolean;
  readonly keepAnswers: boolean;
}

type SessionCodec = (prompts: PromptMaker, runId: string, needs: ResponseNeeds) => Codec;

/** For codecs that make no request. */
const NO_PROMPTS = promptMaker({ seed: 0, blockTokens: null });

function codecMaker(config: TargetConfig, dialect: ServerDialect): SessionCodec {
  const { codec } = config;
  return (prompts, runId, needs) =>
    codec === null
      ? makeCodec(dialect.adapter, codecOptions(config, dialect, runId, needs), prompts)
      : codec(prompts, runId);
}

function codecOptions(
  { body, spec }: TargetConfig,
  { endpoint, model, models, capabilities, deployment }: ServerDialect,
  runId: string,
  { echo, keepAnswers }: ResponseNeeds,
): CodecOptions {
  const known = { ...(models === null ? {} : { models }), ...(deployment === undefined ? {} : { deployment }) };
  const options = { endpoint, model, runId, body, keepAnswers, ...known };
  if (capabilities === null) return options;
  // The reference engine gives them to who asks.
  const returnTokenIds = (capabilities.returnTokenIds && echo) || (keepAnswers && spec.kind === 'engine');
  return { ...options, capabilities: { ...capabilities, returnTokenIds } };
}

/** Whether prompts repeat the answers of the run. */
function isLive({ sessions }: Plan): boolean {
  return sessions?.history === 'live';
}

function checkKeepsAnswers({ name, historyForm }: Codec): void {
  if (historyForm === undefined)
    throw new UserError(
      `--history live: adapter ${name} does not keep answers for the prompts that follow; give --history trace`,
    );
}

async function dialectOf(
  { config, owned, endpoints }: ServerParts,
  id: string,
  { plan, salt, patienceUs, stop, log }: OpenOptions,
): Promise<ServerDialect> {
  const [access, ...others] = stoppedBy(stop, endpoints);
  const prefers = preferredEndpoint(plan);
  if (owned?.isEngine === true) return referenceDialect(config, access, prefers);
  if (config.codec !== null) return ownDialect(config, access);
  const options = {
    id,
    prompts: promptMaker(apart({ seed: plan?.seed ?? 1, salt, blockTokens: null }, 'probe')),
    // The ids of answers that are repeated come with an echo of the prompt, however long it is.
    longestPromptTokens: plan === null || isLive(plan) ? null : plan.stats.maxInputTokens,
    prefers,
    patienceMs: Math.min(MAX_PATIENCE_MS, patienceUs / 1000),
  };
  const { spec } = config;
  if (spec.kind === 'server' && isDisaggregated(spec))
    return negotiateHandover(config, spec, [access, ...others], options, log);
  const dialect = await negotiate(config, access, options, log);
  return others.length === 0 ? dialect : overReplicas(dialect, config, endpoints);
}

/** The dialect of replicas that are alike. */
function overReplicas(dialect: ServerDialect, { router }: TargetConfig, endpoints: Endpoints): ServerDialect {
  const replicas = { replicas: endpoints.length, router };
  const deployment: Deployment = { kind: 'replicas', router, endpoints: endpoints.map((_, i) => i) };
  return { ...dialect, deployment, facts: { ...dialect.facts, ...replicas } };
}

/** How many servers take the prompts of requests, in turn. */
function promptServersOf({ deployment }: ServerDialect): number {
  if (deployment === undefined) return 1;
  return deployment.kind === 'replicas' ? deployment.endpoints.length : deployment.prefill.length;
}

/** Single requests to these endpoints end when `stop` aborts. */
function stoppedBy(stop: AbortSignal, [first, ...others]: Endpoints): Endpoints {
  return [{ ...first, stop }, ...others.map((access) => ({ ...access, stop }))];
}

/** The dialect for a codec that the caller made: the caller knows the server. */
function ownDialect(
  { adapter, endpoint, model }: TargetConfig,
  { isUnversioned = false }: ServerAccess,
): ServerDialect {
  return {
    isUnversioned,
    adapter,
    endpoint: endpoint ?? 'completions',
    model: model ?? 'default',
    models: null,
    capabilities: null,
    contextTokens: null,
    facts: {},
  };
}

/** Drawn prompts are new in each run. */
const KEPT_PROMPTS =
  "the trace's own prompts are the same in each run: a prefix cache may hold them from an earlier one; --reset-cache empties it";

/** The clients of one run, or what they are made of, a prepared server and a monitor of its metrics. */
async function attachRun(
  { config, dialect, endpoints, promptsFor, makeCodec: makeCodecOf }: ServerSession,
  plan: Plan,
  options: AttachOptions,
  isJitWarm: boolean,
): Promise<Attachment> {
  const { log, prepare, stop, workers } = options;
  const runId = idPrefix(options.runId);
  const keepAnswers = isLive(plan);
  const needs = { echo: keepAnswers || mayEcho(plan.stats.maxInputTokens), keepAnswers };
  const prompts = await promptsFor(plan, stop);
  if (plan.stats.ownPrompts !== undefined && !prepare.resetCache) log.info(KEPT_PROMPTS);
  const made = promptSpec(prompts, plan, log);
  const codec = makeCodecOf(promptMaker(made), runId, needs);
  const historyForm = keepAnswers ? (codec.historyForm ?? null) : null;
  const { sessions, workload } = plan;
  const thinks = sessions?.thinks ?? false;
  const descriptors = new Descriptors(undefined, workers);
  const connections = connectionsAhead(
    plan,
    options.maxInFlight,
    // Each worker rounds up, and each endpoint may have its own.
    Math.floor((descriptors.room - workers) / endpoints.length),
  );
  const common = {
    poll: config.poll,
    pollingPays: options.pollingPays,
    sessions,
    connections: Math.ceil(connections / workers),
  };
  /** Null where a program has made the requests or their codec, which another thread cannot. */
  const feedSpec = (shard: Shard): FeedSpec | null =>
    workload === null || config.codec !== null
      ? null
      : {
          workload,
          shard,
          adapter: dialect.adapter,
          codec: codecOptions(config, dialect, runId, needs),
          prompts: made,
          thinks,
          historyForm,
        };
  const openHere = (): Promise<Client> => {
    const spec = feedSpec(WHOLE);
    const live = historyForm === null ? null : new LiveSessions(livePrompts(made, historyForm), null);
    const open: Codec['open'] = (request) => codec.open(request);
    const feed =
      spec === null
        ? feedFromSource(plan.source, WHOLE, open, { size: FEED_BATCH, thinks, live })
        : !thinks && live === null && isShort(plan.stats)
          ? feedAhead(plan.source, open)
          : feedFromWorker(spec);
    return openClient({ ...common, codec, feed, endpoints, historyForm, isJitWarm }, stop, log);
  };
  const specs = (): ClientSpec[] => {
    const problem = descriptors.problem(connections);
    if (problem !== null) throw problem;
    const openSockets = new SharedArrayBuffer(DESCRIPTORS_BYTES);
    return Array.from({ length: workers }, (_, index) => {
      const feed = feedSpec({ index, of: workers });
      if (feed === null) throw new Error('a source or codec of a program is for one client');
      return { ...common, feed, endpoints: plainEndpoints(endpoints), openSockets };
    });
  };
  const clients = workers === 1 ? { here: await openHere() } : { threads: specs() };
  try {
    const stoppable = stoppedBy(stop, endpoints);
    const warmUp = makeCodecOf(promptMaker(apart(made, 'warm-up')), runId, needs);
    const server = { codec: warmUp, endpoints: stoppable, promptServers: promptServersOf(dialect) };
    const prepared = await prepareServer(prepare, options.firstRequests, server, log);
    const monitor = await monitorMetrics(endpoints.map(metricsPage), log);
    return { clients, prompts: prompts.facts, prepared, monitor };
  } catch (thrown) {
    if ('here' in clients) await clients.here.close();
    throw thrown;
  }
}

/** Of the connections that are only expected: idle ones cost a server too. */
const MOST_AHEAD = 4096;

/**
 * Connections to open ahead. Certain are those of sessions at a time, and of a plan that is sent before its first answers
 * can be over. Expected: rate times a generous time in system (0.5 s and 50 ms a token), doubled for bursts, as far as the
 * system has `room` for them: fewer may do. If a server is slower, more are opened during the run.
 */
export function connectionsAhead(
  {
    stats,
    sessions,
  }: Pick<Plan, 'sessions'> & {
    readonly stats: Pick<PlanStats, 'requests' | 'lastDueUs' | 'outputTokens'>;
  },
  maxInFlight: number | null,
  room: number,
): number {
  const cap = Math.min(stats.requests, maxInFlight ?? Infinity);
  if (sessions !== null && sessions.lanes !== null) return Math.min(cap, sessions.lanes + 8);
  const lastDueS = stats.lastDueUs / 1e6;
  const timeInSystemS = 0.5 + (0.05 * stats.outputTokens) / stats.requests;
  const ratePerS = stats.requests / Math.max(1, lastDueS);
  const expected = Math.ceil(2 * ratePerS * timeInSystemS) + 8;
  if (lastDueS < 1) return Math.min(cap, expected);
  return Math.max(1, Math.min(cap, expected, MOST_AHEAD, room));
}
