import { z } from 'zod';
import { TOKEN_COUNT_SOURCES } from '../core/record.ts';
import { count, transforms, type DeepReadonly } from './parts.ts';

/** Of a part of the probe. */
const why = z.string().nullable().describe('Why the server gave no answer of use; null: it did.');

const latencyMs = z
  .strictObject({ p50: z.number(), p99: z.number(), max: z.number(), n: count })
  .describe('Milliseconds; nearest rank, so that p99 of fewer than 100 is the largest.');
export type ProbeLatency = DeepReadonly<z.infer<typeof latencyMs>>;

const server = z.strictObject({
  engine: z.string().nullable().describe('As its own pages name it; null: none does.'),
  version: z.string().nullable(),
  adapter: z.string().describe('Dialect by which it was asked: the one that suits it, or --adapter.'),
  models: z.array(z.string()).describe('As it lists them.'),
  models_why: why,
  model: z.string().describe('The model that was asked.'),
  context_tokens: count.nullable().describe('Longest prompt and output together; null: it does not tell.'),
});

const endpoint = z
  .strictObject({
    endpoint: z.string(),
    works: z.boolean().describe('Whether a request for a few tokens was answered.'),
    why,
    prompts: z.enum(['ids', 'text']).nullable().describe('How prompts are sent; null where it does not work.'),
    counted_by: z
      .enum(TOKEN_COUNT_SOURCES)
      .nullable()
      .describe('How the tokens of a chunk are counted; null where it does not work, or no token came.'),
    count_fault: z
      .string()
      .nullable()
      .describe('Why ids or usage in the chunks do not count tokens; null where they do, or there are none.'),
    ignore_eos: z.boolean().nullable().describe('Whether outputs can have a planned length; null: not known.'),
    final_usage: z.boolean().nullable().describe('Whether a usage comes at the end; null: not known.'),
  })
  .describe('An endpoint of the dialect, asked as a run would ask it.');
export type ProbeEndpoint = DeepReadonly<z.infer<typeof endpoint>>;

const pages = z.strictObject({
  tokenize: z.strictObject({ works: z.boolean(), why }).describe('POST /tokenize, for --tokenizer server.'),
  cache_reset: z
    .strictObject({ route: z.string().nullable(), why })
    .describe('The route that empties the prefix cache; it was asked for, and not called.'),
  metrics: z
    .strictObject({ known: count.describe('Metrics that Reprise has a name for.'), why })
    .describe('The /metrics page.'),
});

const floor = z
  .strictObject({
    clock_step_us: z.number().describe('Smallest difference of two readings of the clock.'),
    client_handshake_ms: latencyMs
      .nullable()
      .describe('Fresh TCP handshakes with a listener of this process: no network.'),
    handshake_ms: latencyMs.nullable().describe('Fresh TCP handshakes with the server; null: none was made.'),
    handshake_failures: count,
    round_trip_ms: latencyMs
      .nullable()
      .describe('A GET of `page` on an open connection, one after another; null: there is no such page.'),
    page: z.string().nullable(),
    resolution_ms: z
      .number()
      .nullable()
      .describe(
        'p99 less p50 of the handshakes, at least a clock step and the microsecond of records: TTFTs of two requests that differ by less cannot be told apart.',
      ),
  })
  .describe('What network, clock and client alone add to every latency.');
export type ProbeFloor = DeepReadonly<z.infer<typeof floor>>;

const load = z
  .strictObject({
    connections: count,
    seconds: z.number().describe('Without the first tenth of the load.'),
    answers: count.describe('2xx and whole.'),
    requests_per_s: z.number().describe('Good answers a second.'),
    latency_ms: latencyMs.nullable().describe('Of good answers; null without one.'),
    failures: z
      .array(z.strictObject({ what: z.string(), count }))
      .describe('What came in place of a good answer; the commonest first.'),
    client_busy: z
      .number()
      .describe('Share of the time in which the thread that loads was at work, or waited for a core.'),
    machine_idle: z
      .number()
      .nullable()
      .describe(
        "Share of the time of all cores of the client's machine that was idle; null: its kernel does not tell.",
      ),
    client_bound: z
      .boolean()
      .describe(
        'Whether the client was the limit, or took what a server on its machine needed: the server carries at least this rate.',
      ),
  })
  .describe('A closed loop: each connection sends its next request when the one before is answered.');
export type ProbeLoad = DeepReadonly<z.infer<typeof load>>;

const route = z.strictObject({
  route: z.string(),
  kind: z.enum(['health', 'models', 'completion']).describe('Completion: a prompt of few tokens, one token out.'),
  why,
  loads: z.array(load),
});
export type ProbeRoute = DeepReadonly<z.infer<typeof route>>;

const frontEnd = z
  .strictObject({
    load_s: z.number().describe('Length of a load.'),
    max_requests: count.describe('A load ends early after so many.'),
    sent_completions: count.describe('Requests for one token that ended, failed ones too.'),
    routes: z.array(route),
  })
  .describe('How fast the front end is, measured by autocannon.');
export type ProbeFrontEnd = DeepReadonly<z.infer<typeof frontEnd>>;

const workload = z
  .strictObject({
    name: z.string(),
    transforms,
    plan_sha256: z.string().describe('As in run.json: equal digests mean the same load.'),
    requests: count,
    busiest_second: z.strictObject({ requests: count, from_s: z.number() }),
    carried_rps: z
      .number()
      .nullable()
      .describe('The most one-token completions a second, at any number of connections; null: not measured.'),
    fits: z
      .enum(['fits', 'nearly', 'does_not_fit', 'unknown'])
      .describe(
        'The busiest second against the front end: up to 80 % of what it carries, up to all, more; unknown: more than was measured, where the client was the limit or nothing was measured.',
      ),
    longest_tokens: count.describe('Prompt and output of the longest request.'),
    fits_context: z.boolean().nullable().describe('Null where the context is not known.'),
  })
  .describe('Whether the front end carries a workload. What its engine carries is not asked here.');
export type ProbeWorkload = DeepReadonly<z.infer<typeof workload>>;

const warning = z.strictObject({
  of: z.enum(['server', 'workload']).describe('Workload: it holds for runs of this workload alone.'),
  text: z.string(),
});
export type ProbeWarning = DeepReadonly<z.infer<typeof warning>>;

export const probeSchema = z
  .strictObject({
    schema: z.literal(1),
    probed_at: z.string().describe('ISO 8601 in UTC.'),
    versions: z.record(z.string(), z.string()),
    target: z.string().describe('As given, the values of its query hidden.'),
    url: z.string().describe('Base of its routes, without a query.'),
    server,
    endpoints: z.array(endpoint),
    pages,
    floor,
    front_end: frontEnd.nullable().describe('Null: left out.'),
    workload: workload.nullable().describe('Null: none was named.'),
    warnings: z.array(warning).describe('What a run should know; `run --probe` repeats it.'),
  })
  .describe('What a server is, how fast its front end is, and what network and clock add: `reprise probe --json`.');
/** The content of `probe.json`. */
export type ProbeReport = DeepReadonly<z.infer<typeof probeSchema>>;

/** The load at which most one-token completions were answered a second; null: none was answered. */
export function mostCarried(of: ProbeFrontEnd | null): ProbeLoad | null {
  const loads = of?.routes.find(({ kind }) => kind === 'completion')?.loads ?? [];
  const [most] = loads.toSorted((a, b) => b.requests_per_s - a.requests_per_s);
  return most === undefined || most.answers === 0 ? null : most;
}
