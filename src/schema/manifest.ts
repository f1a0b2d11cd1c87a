import { z } from 'zod';
import { INPUT_IS } from '../core/plan.ts';
import { GOAL } from '../core/slo.ts';
import { load, POLLING } from './certificate.ts';
import { count, quantiles, slo, transforms, type DeepReadonly } from './parts.ts';

const pauses = z
  .strictObject({
    total_s: z.number(),
    longest_ms: z.number(),
    longest_at_us: z.number().describe("When it began, from the run's start."),
  })
  .nullable()
  .default(null);

const clientHealth = z
  .strictObject({
    duration_s: z.number(),
    machine_zero_us: z
      .number()
      .describe(
        "The run's start on the machine's monotonic clock (CLOCK_MONOTONIC on Linux): comparable with the time stamps of other processes.",
      ),
    cpu_s: z.number().describe('CPU of the whole client process, polling included.'),
    polling_s: z
      .number()
      .describe(
        'CPU spent polling: ahead of due times, and where the client stays awake while streams are open; of all workers.',
      ),
    reading_s: z
      .number()
      .nullable()
      .default(null)
      .describe('Time spent on bytes that arrived: sockets, HTTP, tokens; null: an older run.'),
    core_wait_s: z
      .number()
      .nullable()
      .default(null)
      .describe(
        'How long the thread that sends was ready to run and had no core, of several the one that waited longest; null where the kernel does not tell.',
      ),
    event_loop_delay_ms: quantiles,
    gc: pauses.describe("Pauses in which the client's thread collected garbage; null: an older run."),
    unread: pauses.describe(
      'Times between two polls of the sockets, in which bytes wait in the kernel: what they took beyond 1 ms each, and the longest whole; null: an older run.',
    ),
    stalls: z
      .array(
        z.strictObject({
          from_us: z.number(),
          to_us: z.number(),
          core_wait_us: z
            .number()
            .exactOptional()
            .describe('Of this time, how long the client waited for a core; absent where it is not known.'),
          gc_us: z
            .number()
            .exactOptional()
            .describe('Of this time, how long it collected garbage; absent: an older run.'),
        }),
      )
      .describe("Moments when the event loop stood still, from the run's start."),
    mean_in_flight: z
      .number()
      .describe("Requests in flight, averaged over time by sampling: one side of Little's law."),
    busiest_second: load
      .exactOptional()
      .describe('What the client had to do in its busiest second, each thing in its own. Absent: an older run.'),
  })
  .describe("The client's own health over a run, which decides whether its numbers can be believed.");
export type ClientHealth = DeepReadonly<z.infer<typeof clientHealth>>;

const workload = z.strictObject({
  name: z.string().describe('Name of the trace for people.'),
  format: z.string(),
  path: z.string(),
  sha256: z.string().describe("SHA-256 of the trace file's bytes."),
  transforms,
  map: z.string().exactOptional().describe('Which column of the trace is what, where it is a table, as --map has it.'),
  block_tokens: count.exactOptional().describe('Tokens of a prefix block, where the trace has blocks.'),
  tokenizer: z
    .string()
    .exactOptional()
    .describe('The tokenizer.json that counts texts, for traces without token counts.'),
  input_is: z.enum(INPUT_IS).exactOptional().describe('What input tokens count, as the user said (--input-is).'),
  on_bad_row: z.enum(['fail', 'skip']),
  bad_rows: count.describe('Rows that were left out because they could not be read.'),
  warnings: z.array(z.string()).default([]).describe('What is odd in the times of the requests, before the run.'),
  classes: z
    .array(z.string().nullable())
    .exactOptional()
    .describe('Every class of the requests, null being those without one. Absent: an older run, or too many to list.'),
  requests: count,
  duration_s: z.number().describe('Due time of the last request.'),
  rate_rps: z
    .number()
    .describe('(requests - 1) / (last due time - first due time); 0 where all are due at one time, or there is one.'),
  input_tokens: count.describe('Of all requests together.'),
  output_tokens: count.describe('Of all requests together.'),
  prefix_reuse: z
    .number()
    .exactOptional()
    .describe('Share of the input tokens that an endless prefix cache would have had, where the blocks tell.'),
  own_prompts: z
    .strictObject({
      texts: count,
      ids: count,
      messages: count,
      bodies: count.describe('Sent as they are but for model and stream; their answers end where the model ends them.'),
      estimated: count.describe('Requests whose lengths are estimates: those of their prompts are not judged.'),
    })
    .exactOptional()
    .describe('Requests with prompts of the trace itself, which are sent in place of drawn ones.'),
});

const measured = z
  .strictObject({ warmup_s: z.number(), cooldown_s: z.number(), from_us: z.number(), to_us: z.number() })
  .describe(
    'Warm-up and cool-down, which are replayed and recorded but not measured, and the due times between them, both ends measured.',
  );

const cacheReset = z.strictObject({
  route: z.string().describe('Route of the server that was asked to empty the cache.'),
  verified_by: z
    .enum(['cached_tokens', 'hit_counters'])
    .nullable()
    .describe('How it was seen that the cache was empty afterwards; null: it could not be seen.'),
});
export type CacheReset = DeepReadonly<z.infer<typeof cacheReset>>;

const target = z.strictObject({
  spec: z.string().describe('As given on the command line.'),
  kind: z.enum(['url', 'reference']).describe('A server at a URL, or the reference engine.'),
  adapter: z.string(),
  model: z.string().nullable(),
  connections: z
    .enum(['reuse', 'per-request'])
    .exactOptional()
    .describe('Whether a connection was used again after its response; absent: none was needed, or an older run.'),
  facts: z
    .record(z.string(), z.union([z.string(), z.number(), z.boolean(), z.null()]))
    .describe('What the target reports about itself; for the reference engine every option with its value.'),
});

const prompts = z
  .strictObject({
    form: z.enum(['ids', 'text']),
    lengths: z
      .enum(['exact', 'approximate', 'own'])
      .describe(
        'Approximate: prompts of plain words, where no tokenizer is at hand or the server disagrees with it. Own: the prompts of the trace itself.',
      ),
    tokenizer: z
      .string()
      .nullable()
      .describe(
        'How each word is known to be one token: by the tokenizer.json at this path, or by the server ("server").',
      ),
    tokenizer_sha256: z.string().exactOptional(),
    overhead_tokens: z
      .number()
      .exactOptional()
      .describe('Of text prompts: tokens that the server counts besides those of the words, as measured.'),
    tokens_per_word: z
      .number()
      .exactOptional()
      .describe('Of text prompts: tokens that the server counts for each word, as measured.'),
  })
  .describe('How prompts were made for a server; in virtual time there are none.');

const prepared = z
  .strictObject({ warmup_requests: count, cache_reset: cacheReset.nullable() })
  .describe('What was done to the server before the run.');

const probe = z
  .strictObject({
    file: z.string(),
    probed_at: z.string().describe('ISO 8601 in UTC.'),
    warnings: z.array(z.string()).describe('Those that hold for this run.'),
  })
  .describe('What `reprise probe` had found of the target before (--probe).');

const sessions = z
  .strictObject({
    mode: z
      .enum(['trace', 'think'])
      .describe('Later turns at the times of the trace, or after the answers before them and their think times.'),
    history: z
      .literal('live')
      .exactOptional()
      .describe('Prompts of later turns repeat the answers of the run. Absent: they are those of the trace.'),
    concurrent: count.nullable().describe('Sessions at a time, the next when one is over; null: each at its start.'),
    session_rate: z.number().nullable().describe('Sessions that start a second, Poisson; null: the trace says when.'),
    start_at: z.enum(['empty', 'stationary']).describe('stationary: the first sessions are met as they go on.'),
    primed: count.describe('Requests that bring the context of such a session into the cache, not measured.'),
    idle_cap_s: z.number().nullable().describe('Longest time with nothing in flight or due; null: as it comes.'),
    idle_removed_s: z.number().describe('What was cut of such times.'),
  })
  .describe(
    'Due times depend on answers. Once the run has ended, `workload` has the rate and duration that came of it.',
  );

const certificate = z
  .strictObject({
    calibrated_at: z.string().describe('ISO 8601 in UTC.'),
    limit_ms: z.number(),
    max_tokens_per_s: z.number(),
    max_requests_per_s: z.number(),
    max_streams: z.number(),
    poll: z.enum(POLLING).describe('Which ladders of the certificate hold: whether most of the run was spent polling.'),
    beyond: z.array(z.string()).describe("What of the client's busiest second the certificate does not cover."),
    timestamp_error_us: z
      .strictObject({ p50: z.number(), p99: z.number() })
      .nullable()
      .describe('How late tokens are recorded at that load, as certified; null: so much was not tried.'),
  })
  .describe('What the certificate of the machine (`reprise calibrate`) says of this run, known once it has ended.');

const machine = z.strictObject({ os: z.string(), cpu: z.string(), cores: count, memory_bytes: count });

const imported = z
  .strictObject({
    tool: z.string().describe('What measured the run.'),
    version: z.string().nullable().describe('Null: its file does not say.'),
    file: z.string(),
    sha256: z.string().describe("SHA-256 of the file's bytes."),
    run: count.describe('Which run of the file, from 1.'),
    starts: z
      .enum(['due', 'sent', 'unknown'])
      .describe(
        'What `due_us` of its records is. due: when a request was due; sent: when it was sent, as there was no schedule or the file has none; unknown: the file does not say when, every request has 0, and no figure over time is made.',
      ),
    duration_s: z
      .number()
      .nullable()
      .describe('Duration of the benchmark as the tool has it: what rates are of, where `starts` is unknown.'),
    notes: z.array(z.string()).describe('What the figures of this tool count, and which of ours it cannot give.'),
  })
  .describe('The run was measured by another tool, whose result file was read.');
export type Imported = DeepReadonly<z.infer<typeof imported>>;

const started = z
  .strictObject({
    command: z.string().describe('With the values of keys hidden.'),
    pid: z.number().describe('Of the process, and of the process group that it leads.'),
    start_ticks: z
      .number()
      .nullable()
      .describe('When it started, in clock ticks from the boot (field 22 of /proc/PID/stat); null: not told.'),
    boot_id: z.string().nullable().describe('Of the kernel that it runs on; null where it gives none.'),
    pid_namespace: z.string().nullable().describe('In which its id holds; null where the kernel does not tell.'),
  })
  .describe(
    'A process that was started for the run, and ends with it: the server of --start, or the reference engine.',
  );
export type StartedProcess = DeepReadonly<z.infer<typeof started>>;

export const manifestSchema = z
  .strictObject({
    schema: z.literal(1),
    run_id: z.string().describe('Name of the run directory.'),
    status: z
      .enum(['running', 'complete', 'interrupted', 'failed'])
      .describe(
        'Interrupted: by its user, or by a fault of the client, such as a full disk. Failed: its server was gone.',
      ),
    reason: z.string().nullable().describe('Why the run did not complete, in a sentence; null if it did.'),
    command: z
      .array(z.string())
      .describe('The command line that says what `options` say, however they were given; empty where it cannot.'),
    options: z
      .record(z.string(), z.union([z.string(), z.number(), z.boolean(), z.array(z.string())]))
      .nullable()
      .default(null)
      .describe(
        "The options that the user gave, by their names on the command line and in the order of --help, keys hidden; without those that say where and how the run is printed. Null: a program's own source or codec, or an older run.",
      ),
    pid: z.number().describe('Process of the client, for people: an id may be used again.'),
    host: z
      .strictObject({
        name: z.string(),
        boot_id: z.string().nullable().describe('Of the running kernel; null where it gives none.'),
      })
      .exactOptional()
      .describe('Machine of the client: whether it still writes can be told on that machine alone.'),
    started: started.exactOptional(),
    started_at: z.string().describe('ISO 8601 in UTC.'),
    ended_at: z.string().nullable(),
    versions: z.record(z.string(), z.string()),
    machine,
    certificate: certificate.exactOptional(),
    clock: z.enum(['real', 'virtual']),
    seed: z.number(),
    salt: z
      .string()
      .nullable()
      .default(null)
      .describe(
        'Prompts are drawn from seed and salt: with the salt of an earlier run they are those of that run. Null in virtual time, which has none.',
      ),
    plan_sha256: z
      .string()
      .describe('SHA-256 over every request in due order and the seed: equal digests mean the same load.'),
    workload,
    paced: z
      .literal(true)
      .exactOptional()
      .describe(
        'Due times were decided as requests ended (`goodput --of traffic`): once the run has ended, `workload` counts the requests that came due, and the rest of the plan was not asked for.',
      ),
    sessions: sessions.exactOptional(),
    measured: measured.nullable().default(null).describe('Null: the whole run is measured.'),
    target,
    prompts: prompts.exactOptional(),
    ignore_eos: z
      .boolean()
      .default(true)
      .describe('False: outputs were to end where the model ends them, rather than be as long as the trace says.'),
    stream: z
      .boolean()
      .default(true)
      .describe('False: answers came whole, with the times of their tokens by the clock of the server.'),
    temperature: z.number().default(0),
    extra_body: z
      .record(z.string(), z.unknown())
      .nullable()
      .default(null)
      .describe('Fields that the user added to the body of every request, with the texts of keys hidden; null: none.'),
    prepared: prepared.nullable().default(null),
    probe: probe.exactOptional(),
    slo: slo
      .extend({
        at: z.number().default(GOAL).describe('Share of requests that should meet the limits.'),
        in_place_of: z
          .string()
          .exactOptional()
          .describe('SLO of the run, where a report judges by another one; never in run.json.'),
      })
      .nullable(),
    timeout_s: z.number(),
    ttft_timeout_s: z.number(),
    max_in_flight: z
      .int()
      .positive()
      .nullable()
      .default(null)
      .describe('A request that is due while so many are in flight waits until one has ended; null: open loop.'),
    workers: z
      .int()
      .positive()
      .default(1)
      .describe('Threads of the client that sent the requests: all turns of a session by one, with one due clock.'),
    client: clientHealth.nullable(),
    imported: imported.exactOptional(),
    damage: z
      .array(z.string())
      .exactOptional()
      .describe('What was lost when the run was mended: files, and in journals the bytes. Absent: nothing.'),
    files: z
      .record(z.string(), z.string())
      .exactOptional()
      .describe('SHA-256 of each file that figures are made of. Absent while the run goes on, and in older runs.'),
    seal: z
      .string()
      .exactOptional()
      .describe('SHA-256 of this object as JSON without spaces and without `seal`. Absent in older runs.'),
  })
  .describe('What was run, on what, how it ended. The only file of a run that holds wall-clock times.');
/** The content of `run.json`. */
export type Manifest = DeepReadonly<z.infer<typeof manifestSchema>>;
