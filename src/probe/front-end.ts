import { setTimeout as sleep } from 'node:timers/promises';
import { makeCodec } from '../../adapters/index.ts';
import { textsFrom } from '../core/outside-text.ts';
import { unlessStopped } from '../core/stop.ts';
import { pagePaths, urlAt, urlBelow, type ServerAccess } from '../replay/transport.ts';
import type { ProbeFrontEnd, ProbeLoad, ProbeRoute } from '../schema/probe.ts';
import { statusOnce } from '../serving/http-once.ts';
import type { ProbeRequests, WorkingCodec } from './identify.ts';
import { latencyOf } from './latency.ts';
import { jitWarmUp, openLoader, type Load, type LoadResult } from './load.ts';
import { part } from './part.ts';

/** How the routes are loaded. */
export interface FrontEndOptions {
  /** Connections of each load, one load after another. */
  readonly connections: readonly number[];
  /** Length of a load. */
  readonly loadS: number;
}

/** A load of one-token completions ends after so many: they may cost money. */
export const MAX_COMPLETIONS = 5000;
/** A load of a page ends by its time. */
const MAX_PAGES = 1_000_000;
/** Tokens of a prompt: less than a KV block, so that none is found in a cache. */
const PROMPT_TOKENS = 8;
/** From this share of its time on the client is at its limit: what is left are waits between two answers. */
const AT_LIMIT = 0.9;
/** A client that takes so much of the time of each connection finds a fifth less than the server could. */
const OF_A_CONNECTION = 1 / 6;
/**
 * With no idle core left, a client that takes this share of one has waited for it, or has taken it from a server on the
 * same machine.
 */
const NO_CORE_IDLE = 0.05;
const TAKES_A_CORE = 0.25;
const PAGE_MS = 5000;
/** For the server to close the connections of the load before. */
const PAUSE_MS = 100;
/** Kinds of failure of a load that are told. */
const MAX_FAILURES = 5;
/** In each request autocannon puts another text in its place. */
const EACH_ID = '[<id>]';

/** A route, and its load but for connections and length; or why it is not loaded. */
export interface FrontEndRoute extends Pick<ProbeRoute, 'route' | 'kind'> {
  readonly request: RouteLoad | { readonly why: string };
}

interface RouteLoad extends Omit<Load, 'connections' | 'seconds'> {
  /** The body of a good answer. */
  readonly example: string;
}

/** The routes that show how fast a front end is: pages that cost it next to nothing, and completions of one token. */
export async function frontEndRoutes(
  access: ServerAccess,
  working: WorkingCodec | null,
  requests: ProbeRequests,
): Promise<FrontEndRoute[]> {
  return [
    ...(await Promise.all([pageRoute(access, '/health', 'health'), pageRoute(access, '/v1/models', 'models')])),
    completionRoute(access, working, requests),
  ];
}

/** How many requests/s a server takes on each route at each number of connections. `step` is called before each load. */
export async function measureFrontEnd(
  access: ServerAccess,
  routes: readonly FrontEndRoute[],
  { connections, loadS }: FrontEndOptions,
  step: (what: string) => void,
): Promise<ProbeFrontEnd> {
  const { stop = new AbortController().signal } = access;
  const loader = openLoader();
  let sentCompletions = 0;
  const found: ProbeRoute[] = [];
  try {
    for (const { route, kind, request } of routes) {
      const loads: ProbeLoad[] = [];
      if (!('why' in request)) {
        const { example, ...load } = request;
        await unlessStopped(jitWarmUp(loader, load, example), stop);
        for (const count of connections) {
          step(`${route} at ${count} connection${count === 1 ? '' : 's'}`);
          await sleep(PAUSE_MS);
          const result = await unlessStopped(loader.run({ ...load, connections: count, seconds: loadS }), stop);
          if (kind === 'completion') sentCompletions += result.ended;
          loads.push(loadOf(result, count, access));
        }
      }
      found.push({ route, kind, why: 'why' in request ? request.why : null, loads });
    }
  } finally {
    await loader.close();
  }
  return { load_s: loadS, max_requests: MAX_COMPLETIONS, sent_completions: sentCompletions, routes: found };
}

/** Whether a page is there is asked first: a load of error pages would tell nothing. */
async function pageRoute(access: ServerAccess, route: string, kind: 'health' | 'models'): Promise<FrontEndRoute> {
  let why = '';
  for (const path of pagePaths(access, route)) {
    const url = urlAt(access, path);
    const asked = await part(access, PAGE_MS, (limited) => statusOnce(url, limited, PAGE_MS));
    if ('found' in asked && asked.found >= 200 && asked.found < 300)
      return {
        route,
        kind,
        request: {
          url: url.href,
          insecure: access.insecure,
          method: 'GET',
          headers: access.headers,
          body: null,
          reader: null,
          maxRequests: MAX_PAGES,
          example: '{}',
        },
      };
    why = 'found' in asked ? `HTTP ${asked.found}` : asked.why;
  }
  return { route, kind, request: { why } };
}

function completionRoute(
  access: ServerAccess,
  working: WorkingCodec | null,
  { id, prompts }: ProbeRequests,
): FrontEndRoute {
  if (working === null) return { route: 'completions', kind: 'completion', request: { why: 'no endpoint works' } };
  const { adapter, options } = working;
  const codec = makeCodec(adapter, { ...options, runId: id }, prompts);
  const request = { traceRow: 0, dueUs: 0, inputTokens: PROMPT_TOKENS, outputTokens: 1 };
  const [call, ...others] = codec.open({ ...request, id: EACH_ID });
  if (call === undefined || call.role !== 'stream' || others.length > 0)
    return {
      route: options.endpoint,
      kind: 'completion',
      request: { why: `a request of adapter ${adapter} is several calls` },
    };
  return {
    route: call.path,
    kind: 'completion',
    request: {
      url: urlBelow(access, call.path).href,
      insecure: access.insecure,
      method: 'POST',
      headers: { ...access.headers, ...call.headers },
      body: new TextDecoder().decode(call.body),
      reader: working,
      maxRequests: MAX_COMPLETIONS,
      example: codec.example(1),
    },
  };
}

function loadOf(result: LoadResult, connections: number, access: ServerAccess): ProbeLoad {
  const { seconds, answers, latenciesMs, failures, clientBusy, machineIdle } = result;
  const isAtLimit = clientBusy >= AT_LIMIT || clientBusy / connections >= OF_A_CONNECTION;
  const isCrowded = machineIdle !== null && machineIdle < NO_CORE_IDLE && clientBusy >= TAKES_A_CORE;
  return {
    connections,
    seconds,
    answers,
    requests_per_s: seconds > 0 ? answers / seconds : 0,
    latency_ms: latencyOf(latenciesMs),
    failures: commonest(
      Object.entries(failures).map(([what, count]) => ({ what: textsFrom(access).quoted(what), count })),
    ),
    client_busy: clientBusy,
    machine_idle: machineIdle,
    client_bound: isAtLimit || isCrowded,
  };
}

/** Messages may each have another number in them. */
function commonest(failures: ProbeLoad['failures']): ProbeLoad['failures'] {
  const sorted = [...failures].sort((a, b) => b.count - a.count);
  const rest = sorted.slice(MAX_FAILURES).reduce((sum, { count }) => sum + count, 0);
  return [...sorted.slice(0, MAX_FAILURES), ...(rest === 0 ? [] : [{ what: 'others', count: rest }])];
}
