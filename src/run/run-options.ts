import { resolve } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { z } from 'zod';
import { API_ENDPOINTS, HANDOVERS, ROUTERS, type ApiEndpoint } from '../../adapters/index.ts';
import { resolveWorkload } from '../../workloads/samples/index.ts';
import { UserError } from '../core/errors.ts';
import { expected, text, wholeNumber } from '../core/option-fields.ts';
import { optionErrors } from '../core/option-names.ts';
import type { Source, WorkloadSpec } from '../core/plan.ts';
import { GOAL, parseGoal } from '../core/slo.ts';
import { parseDurationUs } from '../core/units.ts';
import { POLL_MODES } from '../replay/busy-poll.ts';
import { CONNECTION_MODES } from '../replay/connections.ts';
import { resolveSlo } from '../slos/index.ts';
import {
  parseTarget,
  type CodecMaker,
  type StartSpec,
  type TargetConfig,
  type TargetSpec,
} from '../target/target-spec.ts';
import { certificateFor } from './certified.ts';
import { readExtraBody } from './extra-body.ts';
import { fields, shownOptions } from './given-options.ts';
import { readHeaders } from './headers.ts';
import { readProbe } from './probe-file.ts';
import type { RunSpec } from './run-spec.ts';
import { readingOf, TRACE_FIELDS } from './trace-options.ts';
import { CUT_FIELDS, TIME_FIELDS, transformsOf } from './transform-options.ts';
import { checkWorkers } from './workers.ts';

const SESSION_RATE = expected('sessions a second, above 0');
const NONNEGATIVE = expected('a whole number from 0');
const WORKERS = expected('auto or a whole number from 1');
const WORKER_COUNT = z.int(WORKERS).positive(WORKERS);
/** A number as the command line gives it where an option takes words too. */
const DIGITS = z.string().regex(/^\d{1,9}$/);

function isSource(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false;
  // Of an instance of a class too, whose methods are not its own properties.
  const field = (name: string): unknown => Reflect.get(value, name);
  const isNamed = ['name', 'format', 'path'].every((name) => typeof field(name) === 'string');
  return isNamed && Array.isArray(field('transforms')) && typeof field('open') === 'function';
}

/** Its value is not shown: it may hold a key. */
const EXTRA_BODY = { error: () => 'expected a JSON object, e.g. {"top_p":0.9}' };

function isTextOrObject(value: unknown): boolean {
  return typeof value === 'string' || (typeof value === 'object' && value !== null && !Array.isArray(value));
}

/** Options of a target: its address and its protocol. */
const TARGET_FIELDS = {
  /** A URL, several joined by `+`, `prefill=URL,decode=URL`, or `reference[:SYSTEM[,key=value...]]`. */
  target: text,
  /** A codec that the program makes. */
  codec: z.custom<CodecMaker>((value) => typeof value === 'function', expected('a function')).optional(),
  clock: z.enum(['real', 'virtual'], expected('real or virtual')).default('real'),
  adapter: text.default('auto'),
  endpoint: z.enum(API_ENDPOINTS, expected(API_ENDPOINTS.join(', '))).optional(),
  model: text.optional(),
  tokenizer: text.optional(),
  /** False: outputs end where the model ends them. */
  ignoreEos: z.boolean().default(true),
  /** False: answers come whole, with the server's own times of their tokens; of adapter distserve alone. */
  stream: z.boolean().default(true),
  temperature: z.number(expected('a number from 0')).nonnegative(expected('a number from 0')).default(0),
  /** JSON of an object, or the object. */
  extraBody: z.custom<string | Readonly<Record<string, unknown>>>(isTextOrObject, EXTRA_BODY).optional(),
  header: z.array(z.string()).default([]),
  apiKeyEnv: text.optional(),
  insecure: z.boolean().default(false),
  connections: z.enum(CONNECTION_MODES, expected(CONNECTION_MODES.join(' or '))).default('reuse'),
  poll: z.enum(POLL_MODES, expected(POLL_MODES.join(', '))).default('auto'),
  router: z.enum(ROUTERS, expected(ROUTERS.join(' or '))).default('round-robin'),
  handover: z.enum(HANDOVERS, expected(HANDOVERS.join(', '))).optional(),
  start: text.optional(),
  ready: text.optional(),
  startTimeout: text.default('10m'),
  traceIterations: text.optional(),
};

/** Options of the requests to replay. */
const WORKLOAD_FIELDS = {
  /** A trace file, a bundled sample (`chat`, `code`), or a source that the program makes. */
  workload: z.union([text, z.custom<Source>(isSource)], expected('a trace file, a bundled sample, or a Source')),
  ...TIME_FIELDS,
  ...CUT_FIELDS,
  /** Later turns at the trace's times, or after the answers before them. */
  sessions: z.enum(['trace', 'think'], expected('trace or think')).optional(),
  /** What stands before the new part of a later turn's prompt. */
  history: z.enum(['trace', 'live'], expected('trace or live')).optional(),
  sessionRate: z.number(SESSION_RATE).positive(SESSION_RATE).optional(),
  concurrentSessions: wholeNumber.optional(),
  startAt: z.enum(['empty', 'stationary'], expected('empty or stationary')).default('empty'),
  idleCap: text.optional(),
  ...TRACE_FIELDS,
  seed: z.int(expected('a whole number')).default(1),
  salt: text.optional(),
};

/** Options of one run, besides its requests and its target. */
const REPLAY_FIELDS = {
  slo: text.optional(),
  at: text.optional(),
  warmup: text.optional(),
  cooldown: text.optional(),
  warmupRequests: z.int(NONNEGATIVE).nonnegative(NONNEGATIVE).default(0),
  resetCache: z.boolean().default(false),
  /** File of `reprise probe --out`, of the same target. */
  probe: text.optional(),
  timeout: text.default('600s'),
  ttftTimeout: text.default('60s'),
  maxInFlight: wholeNumber.optional(),
  /** Threads of the client, each with its part of the sessions. */
  workers: z
    .union([z.literal('auto'), WORKER_COUNT, DIGITS.transform(Number).pipe(WORKER_COUNT)], WORKERS)
    .default('auto'),
  out: text.optional(),
};

/**
 * The options of a run, for the command line and for programs, with their defaults. Durations have a unit (`30s`). Their
 * order is that of `--help`, in which `run.json` keeps them.
 */
export const runOptionsSchema = z.strictObject({ ...WORKLOAD_FIELDS, ...TARGET_FIELDS, ...REPLAY_FIELDS });
const targetOptionsSchema = z.strictObject(TARGET_FIELDS);
const replayOptionsSchema = z.strictObject({ ...WORKLOAD_FIELDS, ...REPLAY_FIELDS });

/** Options that decide which requests are due when: with the same trace they are the same plan. The salt is in none. */
export const PLAN_OPTIONS: readonly string[] = Object.keys(WORKLOAD_FIELDS).filter((name) => name !== 'salt');

const OPTION_NAMES = Object.keys(runOptionsSchema.shape);

/** The others, of which some do nothing with some targets (`unused-options.ts`). */
export type PlacedOption = keyof typeof TARGET_FIELDS | keyof typeof REPLAY_FIELDS | 'salt';

/** The options as a program gives them: all but workload and target have defaults. */
export type RunOptions = z.input<typeof runOptionsSchema>;
export type TargetOptions = z.input<typeof targetOptionsSchema>;
type Resolved = z.output<typeof runOptionsSchema>;

/** The optional options with their default values. */
export const RUN_DEFAULTS: Resolved = runOptionsSchema.parse({ workload: 'chat', target: 'reference' });

/**
 * The run that the options describe; `asGiven`: those of them that the user gave. Throws a UserError that names each
 * wrong option.
 */
export function defineRun(given: unknown, asGiven = given): RunSpec {
  const options = read(runOptionsSchema, given);
  return replayOf(options, targetOf(options), setOptions(given), shownOptions(asGiven, OPTION_NAMES));
}

/** The target that the options describe. Throws a UserError that names each wrong option. */
export function defineTarget(given: TargetOptions): TargetConfig {
  return targetOf(read(targetOptionsSchema, given));
}

/** A run against a target that is already defined; `ofTarget`: the options that defined it, as given. */
export function defineReplay(given: unknown, target: TargetConfig, ofTarget: unknown): RunSpec {
  const options = read(replayOptionsSchema, given);
  const all = { ...fields(ofTarget), ...fields(given) };
  return replayOf(options, target, setOptions(all), shownOptions(all, OPTION_NAMES));
}

function setOptions(given: unknown): ReadonlySet<string> {
  const defaults = fields(RUN_DEFAULTS);
  const isSet = ([name, value]: [string, unknown]): boolean =>
    value !== undefined && !isDeepStrictEqual(value, defaults[name]);
  return new Set(
    Object.entries(fields(given))
      .filter(isSet)
      .map(([name]) => name),
  );
}

function targetOf(options: z.output<typeof targetOptionsSchema>): TargetConfig {
  const spec = parseTarget(options.target);
  return {
    spec,
    clock: options.clock,
    adapter: options.adapter,
    endpoint: endpointOf(spec, options.endpoint ?? null),
    model: options.model ?? null,
    tokenizer: tokenizerOf(options.tokenizer),
    headers: readHeaders(options.header, options.apiKeyEnv),
    insecure: options.insecure,
    connections: options.connections,
    poll: options.poll,
    router: options.router,
    handover: options.handover ?? null,
    start: startOf(options),
    traceIterations: options.traceIterations === undefined ? null : resolve(options.traceIterations),
    codec: options.codec ?? null,
    body: {
      ignoreEos: options.ignoreEos,
      stream: options.stream,
      temperature: options.temperature,
      extra: options.extraBody === undefined ? {} : readExtraBody(options.extraBody),
    },
  };
}

/** The endpoint that the user names: by `--endpoint`, or by the route that the target's URL ends in. */
function endpointOf(spec: TargetSpec, named: ApiEndpoint | null): ApiEndpoint | null {
  const inUrl =
    spec.kind === 'server' ? (spec.endpoints.find(({ endpoint }) => endpoint !== null)?.endpoint ?? null) : null;
  if (inUrl !== null && named !== null && inUrl !== named)
    throw new UserError(
      `--endpoint ${named}: the URL of --target is that of ${inUrl}; name its base, ${spec.kind === 'server' ? spec.endpoints[0].url : ''}`,
    );
  return named ?? inUrl;
}

function replayOf(
  options: z.output<typeof replayOptionsSchema>,
  target: TargetConfig,
  set: RunSpec['set'],
  asGiven: RunSpec['output']['options'],
): RunSpec {
  const timeoutUs = timeoutUsOf(options.timeout, '--timeout');
  if (!showsTokens(target) && asGiven?.['ttft-timeout'] !== undefined)
    throw new UserError(
      '--ttft-timeout: with --no-stream no token is seen before the whole answer; give --timeout alone',
    );
  const spec: RunSpec = {
    workload: workloadOf(options, target.tokenizer),
    target,
    slo: options.slo === undefined ? null : resolveSlo(options.slo),
    at: goalOf(options),
    measure: {
      warmupUs: options.warmup === undefined ? 0 : parseDurationUs(options.warmup, '--warmup'),
      cooldownUs: options.cooldown === undefined ? 0 : parseDurationUs(options.cooldown, '--cooldown'),
      timeoutUs,
      ttftTimeoutUs: showsTokens(target) ? timeoutUsOf(options.ttftTimeout, '--ttft-timeout') : timeoutUs,
      maxInFlight: options.maxInFlight ?? null,
      idleCapUs: idleCapOf(options),
    },
    prepare: { warmupRequests: options.warmupRequests, resetCache: options.resetCache },
    probe: options.probe === undefined ? null : readProbe(options.probe, target.spec),
    certificate: certificateFor(target),
    workers: options.workers,
    seed: options.seed,
    salt: options.salt ?? null,
    set,
    output: { dir: options.out ?? null, options: asGiven },
  };
  checkWorkers(spec);
  return spec;
}

/** Whether tokens are seen as they come; in virtual time nothing is streamed, and they are. */
function showsTokens({ clock, body }: TargetConfig): boolean {
  return clock === 'virtual' || body.stream;
}

/** Fills in defaults. Throws a UserError that names each wrong option as on the command line. */
function read<T>(schema: z.ZodType<T>, given: unknown): T {
  const result = schema.safeParse(given);
  if (result.success) return result.data;
  throw new UserError(optionErrors(result.error));
}

function workloadOf(options: z.output<typeof replayOptionsSchema>, ofTarget: string | null): RunSpec['workload'] {
  const transforms = transformsOf(options);
  // It counts the texts of a trace too.
  const tokenizer = ofTarget === null || ofTarget === 'server' ? undefined : ofTarget;
  const { workload } = options;
  if (typeof workload === 'string')
    return {
      path: resolveWorkload(workload),
      ...readingOf({ ...options, tokenizer }),
      transforms,
      ...sessionsOf(options),
    };
  if (Object.keys(sessionsOf(options)).length > 0)
    throw new UserError(
      '--sessions, --history, --session-rate, --concurrent-sessions, --start-at: of a trace file, not of a source of your own',
    );
  const { onBadRow: _, ...reading } = readingOf(options);
  if (transforms.length > 0 || Object.keys(reading).length > 0)
    throw new UserError('a source of your own is replayed as it is: transform it yourself, or name a trace file');
  return workload;
}

/** How sessions are to be replayed; nothing where nothing was asked. */
function sessionsOf(options: z.output<typeof replayOptionsSchema>): Pick<WorkloadSpec, 'sessions'> {
  const { sessions: mode, history, sessionRate, concurrentSessions: lanes, startAt } = options;
  const asked = [mode, history, sessionRate, lanes].some((option) => option !== undefined);
  if (!asked && startAt === 'empty') return {};
  return { sessions: { mode, history, sessionRate, lanes, isStationary: startAt === 'stationary' } };
}

function idleCapOf({ idleCap }: z.output<typeof replayOptionsSchema>): number | null {
  if (idleCap === undefined) return null;
  const us = parseDurationUs(idleCap, '--idle-cap');
  if (us > 0) return us;
  throw new UserError(`--idle-cap: got ${idleCap}, expected a time above 0, which may be as short as 1ms`);
}

function goalOf({ slo, at }: z.output<typeof replayOptionsSchema>): number {
  if (at === undefined) return GOAL;
  if (slo === undefined)
    throw new UserError(`--at ${at}: there is no SLO to meet; give its limits, e.g. --slo ttft=200ms`);
  return parseGoal(at);
}

function timeoutUsOf(given: string, option: string): number {
  const us = parseDurationUs(given, option);
  if (us > 0) return us;
  throw new UserError(`${option}: ${given} leaves no time to answer; for no limit give a long one, e.g. 24h`);
}

function tokenizerOf(given: string | undefined): string | null {
  if (given === undefined) return null;
  return given === 'server' ? given : resolve(given);
}

function startOf({ start, ready, startTimeout }: z.output<typeof targetOptionsSchema>): StartSpec | null {
  const timeoutUs = timeoutUsOf(startTimeout, '--start-timeout');
  if (start !== undefined) return { command: start, ready: ready ?? null, timeoutUs };
  if (ready !== undefined) throw new UserError('--ready: there is nothing to wait for without --start "COMMAND"');
  return null;
}
