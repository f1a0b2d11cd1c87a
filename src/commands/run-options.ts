import { z } from 'zod';
import { parseRunGate, type RunGate } from '../core/run-gate.ts';
import { defineRun, RUN_DEFAULTS, runOptionsSchema } from '../run/run-options.ts';
import type { RunSpec } from '../run/run-spec.ts';
import { camelOptions, grouped, readOptions, type Command, type Given } from './command.ts';
import { CUT_OPTIONS, TIME_OPTIONS } from './cut-options.ts';
import { OPEN_OPTION } from './open-report.ts';
import { TRACE_OPTIONS } from './trace-options.ts';

/** SLO of the bundled sample, so that a first run ends in a verdict. */
const SAMPLE_SLO = 'ttft=100ms,tpot=12ms';

const WORKLOAD: Command['options'] = {
  ...TIME_OPTIONS,
  ...CUT_OPTIONS,
  sessions: {
    type: 'string',
    describe:
      'trace: later turns at the times of the trace; think: after the answers before them and their think times [default: trace, or think where the trace has no times]',
  },
  history: {
    type: 'string',
    describe:
      'what stands before the new part of a later turn: trace: what the trace has there; live: the prompts and answers of the run [default: trace, or live where rows are messages or new parts alone]',
  },
  'session-rate': {
    type: 'number',
    describe: 'sessions that start a second (Poisson), for a trace that does not say when they start',
  },
  'concurrent-sessions': {
    type: 'number',
    describe: 'this many sessions at a time, the next one when one is over, whatever the trace says',
  },
  'start-at': {
    type: 'string',
    default: RUN_DEFAULTS.startAt,
    describe: 'empty: sessions from their starts; stationary: the first --concurrent-sessions are met as they go on',
  },
  'idle-cap': {
    type: 'string',
    describe:
      'longest time with nothing in flight and nothing due, e.g. 10s: what is longer is cut out (--sessions think)',
  },
  ...TRACE_OPTIONS,
  seed: { type: 'number', default: RUN_DEFAULTS.seed, describe: 'of everything random' },
  salt: {
    type: 'string',
    describe:
      "repeats the prompts of a run, whose run.json has it [default: new, so that no run finds another's in a cache]",
  },
};

export const DEFAULT_TARGET = 'reference:vllm-v1,model=llama-3.1-8b,gpu=h100-sxm';

const TARGET: Command['options'] = {
  target: {
    type: 'string',
    default: DEFAULT_TARGET,
    describe: 'URL, or reference[:SYSTEM[,key=value...]]',
  },
  clock: {
    type: 'string',
    default: RUN_DEFAULTS.clock,
    describe: 'real, or virtual: reference engine only, as fast as it computes',
  },
  adapter: {
    type: 'string',
    default: RUN_DEFAULTS.adapter,
    describe:
      'dialect of the target: openai, vllm, sglang, distserve, disaggregated (prefill=URL,decode=URL); auto asks the server',
  },
  endpoint: {
    type: 'string',
    describe:
      'completions or generate (SGLang; prompts as token ids), chat (as text) [default: the first that the server has]',
  },
  model: { type: 'string', describe: 'model to ask for [default: the first that the server lists]' },
  tokenizer: {
    type: 'string',
    describe:
      "a model's tokenizer.json or its folder, or server (its /tokenize): makes prompts of text as long as the trace says [default: nearly so]",
  },
  'ignore-eos': {
    type: 'boolean',
    default: RUN_DEFAULTS.ignoreEos,
    describe: 'outputs as long as the trace says; --no-ignore-eos: as the model ends them',
  },
  stream: {
    type: 'boolean',
    default: RUN_DEFAULTS.stream,
    describe: "answers are streamed; --no-stream: whole, with the server's own times of their tokens (distserve alone)",
  },
  temperature: { type: 'number', default: RUN_DEFAULTS.temperature, describe: 'of sampling, in every request' },
  'extra-body': {
    type: 'string',
    describe: 'JSON object merged into the body of every request, e.g. \'{"top_p":0.9}\'',
  },
  header: {
    type: 'string',
    array: true,
    default: [],
    describe: '"Key: value", added to every call; repeatable',
    nargs: 1,
  },
  'api-key-env': { type: 'string', describe: 'name of the environment variable that holds the API key' },
  insecure: { type: 'boolean', default: false, describe: 'do not verify TLS certificates' },
  connections: {
    type: 'string',
    default: RUN_DEFAULTS.connections,
    describe:
      'reuse, or per-request: a new one for each, part of its latency, for servers that close idle ones and balancers that count them',
  },
  poll: {
    type: 'string',
    default: RUN_DEFAULTS.poll,
    describe:
      'while streams are open: auto (only with a core idle, and where the certificate of reprise calibrate says that it pays; without one, where the client was kept waiting), on (a core; the truest times), off',
  },
  router: {
    type: 'string',
    default: RUN_DEFAULTS.router,
    describe: 'of a target with replicas (URL+URL): round-robin, or session, which keeps those of a session together',
  },
  handover: {
    type: 'string',
    describe:
      'of a target prefill=URL,decode=URL: vllm (two steps), sglang (both at once; bootstrap port as URL@9000, or asked), ' +
      'llm-d (by the sidecar) [default: as the servers are]',
  },
  start: {
    type: 'string',
    describe:
      'shell command that starts the server under test, kept in run.json; its process group is ended after the run',
  },
  ready: { type: 'string', describe: 'URL that answers once it is up [default: /health of the target]' },
  'start-timeout': { type: 'string', default: RUN_DEFAULTS.startTimeout, describe: 'how long it may take to answer' },
};

const JUDGE: Command['options'] = {
  slo: {
    type: 'string',
    describe:
      'limits (ttft, tpot, e2e, itl.p99 and the like), e.g. "ttft=200ms,tpot=50ms", by class "chat:ttft=1s;batch:e2e=30s", or a profile\'s name; list shows them; without it latencies only',
  },
  at: { type: 'string', describe: 'share of requests that should meet the SLO, e.g. 95% [default: 90%]' },
};

/** Not options of the run itself: what is asked of its result. */
const GATE: Command['options'] = {
  gate: {
    type: 'string',
    array: true,
    default: [],
    describe:
      'exit code 1 where missed, 4 where it cannot be told, e.g. "attainment>=0.9" or "ttft.p99<500ms"; repeatable',
    nargs: 1,
  },
};

const MEASURE: Command['options'] = {
  warmup: { type: 'string', describe: 'first part of the replay that is sent but not measured, e.g. 30s' },
  cooldown: { type: 'string', describe: 'last part, before the last due time, that is sent but not measured' },
  'warmup-requests': {
    type: 'number',
    default: RUN_DEFAULTS.warmupRequests,
    describe: 'requests sent before the replay with prompts of their own, in no record or figure',
  },
  'reset-cache': {
    type: 'boolean',
    default: false,
    describe: "empty the server's prefix cache before the replay, and verify that it is",
  },
  probe: {
    type: 'string',
    describe: 'file of reprise probe --out for this target: its warnings are repeated before the run and in the report',
  },
  timeout: { type: 'string', default: RUN_DEFAULTS.timeout, describe: 'from sent to last byte' },
  'ttft-timeout': { type: 'string', default: RUN_DEFAULTS.ttftTimeout, describe: 'from sent to first token' },
  'max-in-flight': {
    type: 'number',
    describe:
      'cap on the requests in flight: a request that is due waits for a place, which its latency holds and the report shows apart [default: none, open loop]',
  },
  workers: {
    type: 'string',
    default: RUN_DEFAULTS.workers,
    describe:
      'threads that send the requests, all turns of a session by one; each costs CPU, and buys tokens/s that can still be timed; auto: as many as the certificate of reprise calibrate says that the busiest time needs, one without it',
  },
};

const OUTPUT: Command['options'] = {
  out: { type: 'string', describe: 'run directory [default: runs/<utc time>-<workload>-<target>]' },
  json: { type: 'boolean', default: false, describe: 'print summary.json rather than text' },
  quiet: { type: 'boolean', default: false, describe: 'no progress' },
  open: OPEN_OPTION,
  'trace-iterations': {
    type: 'string',
    describe: 'file for what each iteration of the reference engine ran, a JSON line each',
  },
};

const OF_RUN: Command['options'] = {
  ...grouped('Workload:', WORKLOAD),
  ...grouped('Target:', TARGET),
  ...grouped('Judge:', JUDGE),
  ...grouped('Measure:', MEASURE),
};

/** The options of `run`, for yargs and `--help`, which shows them in these groups. */
export const RUN_OPTIONS: Command['options'] = {
  ...OF_RUN,
  ...grouped('Judge:', GATE),
  ...grouped('Output:', OUTPUT),
};

/** The same of `rerun`, whose defaults are those of the run that it repeats. */
export const RERUN_OPTIONS: Command['options'] = {
  ...Object.fromEntries(Object.entries(OF_RUN).map(([name, option]) => [name, { ...option, default: undefined }])),
  ...grouped('Judge:', GATE),
  ...grouped('Output:', OUTPUT),
};

const printed = z.looseObject({
  slo: z.string().optional(),
  json: z.boolean().default(false),
  quiet: z.boolean().default(false),
  open: z.boolean().default(false),
  gate: z.array(z.string()).default([]),
});

/** How `run` prints; `isSloList`: the user wants the list of published SLOs rather than a run. */
export interface PrintOptions {
  readonly json: boolean;
  readonly quiet: boolean;
  /** Open the report in the browser. */
  readonly open: boolean;
  readonly isSloList: boolean;
  /** What is asked of the result. */
  readonly gates: readonly RunGate[];
}

export function printOptions(given: Given): PrintOptions {
  const { slo, json, quiet, open, gate } = readOptions(printed, given);
  const gates = gate.map(parseRunGate);
  return { json, quiet, open, isSloList: slo === 'list', gates };
}

/** The run that the options of `run` describe. */
export function runSpecOf(options: Given): RunSpec {
  const known = Object.keys(runOptionsSchema.shape);
  const given = Object.fromEntries(Object.entries(camelOptions(options)).filter(([key]) => known.includes(key)));
  const sample = given['workload'] === undefined ? { workload: 'chat', slo: SAMPLE_SLO } : {};
  return defineRun({ target: DEFAULT_TARGET, ...sample, ...given }, given);
}
