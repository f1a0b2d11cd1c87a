import { validateHeaderName, validateHeaderValue } from 'node:http';
import { resolve } from 'node:path';
import { z } from 'zod';
import { API_ENDPOINTS } from '../../adapters/index.ts';
import type { RunSpec } from '../run/run-spec.ts';
import { messageOf, UserError } from '../core/errors.ts';
import { parseDurationUs } from '../core/units.ts';
import { resolveSlo } from '../slos/index.ts';
import { resolveWorkload } from '../../workloads/index.ts';
import { expected, text, wholeNumber, type Command } from './command.ts';
import { CUT_FIELDS, CUT_OPTIONS, transformNotes } from './transform-options.ts';

/** What yargs makes of `RUN_OPTIONS`, checked. */
export const runOptionsSchema = z.looseObject({
  workload: text.optional(),
  target: text,
  adapter: text,
  endpoint: z.enum(API_ENDPOINTS, expected(API_ENDPOINTS.join(', '))).optional(),
  model: text.optional(),
  tokenizer: text.optional(),
  slo: text.optional(),
  clock: z.enum(['real', 'virtual'], expected('real or virtual')),
  speed: z.number(expected('a number above 0, e.g. 1.5')).positive(expected('a number above 0, e.g. 1.5')),
  rate: z.number(expected('requests a second, e.g. 7.5')).positive(expected('requests a second, e.g. 7.5')).optional(),
  ...CUT_FIELDS,
  'block-tokens': wholeNumber.optional(),
  warmup: text.optional(),
  cooldown: text.optional(),
  'warmup-requests': z.int(expected('a whole number from 0')).nonnegative(expected('a whole number from 0')),
  'reset-cache': z.boolean(),
  timeout: text,
  'ttft-timeout': text,
  seed: z.int(expected('a whole number')),
  out: text.optional(),
  start: text.optional(),
  ready: text.optional(),
  'start-timeout': text,
  header: z.array(z.string()),
  'api-key-env': text.optional(),
  insecure: z.boolean(),
  'trace-iterations': text.optional(),
  'on-bad-row': z.enum(['fail', 'skip'], expected('fail or skip')),
  json: z.boolean(),
  quiet: z.boolean(),
});
export type RunOptions = z.infer<typeof runOptionsSchema>;

/** SLO of the bundled sample, so that a first run ends in a verdict. */
const SAMPLE_SLO = 'ttft=100ms,tpot=12ms';

/** The options of `run`, as yargs takes them and `--help` shows them. */
export const RUN_OPTIONS: Command['options'] = {
  target: {
    type: 'string',
    default: 'reference:vllm-v1,model=llama-3.1-8b,gpu=h100-sxm',
    describe: 'URL, or reference[:SYSTEM[,key=value...]]',
  },
  slo: {
    type: 'string',
    describe: 'limits, e.g. "ttft=200ms,tpot=50ms", or a profile\'s name; list shows them; without it latencies only',
  },
  clock: {
    type: 'string',
    default: 'real',
    describe: 'real, or virtual: reference engine only, as fast as it computes',
  },
  speed: { type: 'number', default: 1, describe: 'replay the trace this many times as fast' },
  rate: { type: 'number', describe: 'scale time so that this many requests a second are due on average' },
  ...CUT_OPTIONS,
  'block-tokens': { type: 'number', describe: 'tokens of a prefix block [default: as the trace says or shows]' },
  out: { type: 'string', describe: 'run directory [default: runs/<utc time>-<workload>-<target>]' },
  adapter: {
    type: 'string',
    default: 'auto',
    describe: 'dialect of the target: openai, vllm, sglang; auto asks the server',
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
  warmup: { type: 'string', describe: 'first part of the replay that is sent but not measured, e.g. 30s' },
  cooldown: { type: 'string', describe: 'last part, before the last due time, that is sent but not measured' },
  'warmup-requests': {
    type: 'number',
    default: 0,
    describe: 'requests sent before the replay with prompts of their own, in no record or figure',
  },
  'reset-cache': {
    type: 'boolean',
    default: false,
    describe: "empty the server's prefix cache before the replay, and verify that it is",
  },
  timeout: { type: 'string', default: '600s', describe: 'from sent to last byte' },
  'ttft-timeout': { type: 'string', default: '60s', describe: 'from sent to first token' },
  seed: { type: 'number', default: 1, describe: 'of everything random' },
  start: {
    type: 'string',
    describe:
      'shell command that starts the server under test, kept in run.json; its process group is ended after the run',
  },
  ready: { type: 'string', describe: 'URL that answers once it is up [default: /health of the target]' },
  'start-timeout': { type: 'string', default: '10m', describe: 'how long it may take to answer' },
  header: {
    type: 'string',
    array: true,
    default: [],
    describe: '"Key: value", added to every call; repeatable',
    nargs: 1,
  },
  'api-key-env': { type: 'string', describe: 'name of the environment variable that holds the API key' },
  insecure: { type: 'boolean', default: false, describe: 'do not verify TLS certificates' },
  'trace-iterations': {
    type: 'string',
    describe: 'file for what each iteration of the reference engine ran, a JSON line each',
  },
  'on-bad-row': { type: 'string', default: 'fail', describe: 'fail or skip' },
  json: { type: 'boolean', default: false, describe: 'print summary.json rather than text' },
  quiet: { type: 'boolean', default: false, describe: 'no progress' },
};

/** The run that a command line asks for; `line` is that line. */
export function runSpec(options: RunOptions, line: readonly string[]): RunSpec {
  const isSample = options.workload === undefined;
  const sloText = options.slo ?? (isSample ? SAMPLE_SLO : undefined);
  return {
    workload: {
      path: resolveWorkload(options.workload ?? 'chat'),
      onBadRow: options['on-bad-row'],
      ...(options['block-tokens'] === undefined ? {} : { blockTokens: options['block-tokens'] }),
      transforms: transformNotes(options),
    },
    target: options.target,
    adapter: options.adapter,
    endpoint: options.endpoint ?? null,
    model: options.model ?? null,
    tokenizer: tokenizerOf(options.tokenizer),
    clock: options.clock,
    slo: sloText === undefined ? null : resolveSlo(sloText),
    warmupUs: options.warmup === undefined ? 0 : parseDurationUs(options.warmup, '--warmup'),
    cooldownUs: options.cooldown === undefined ? 0 : parseDurationUs(options.cooldown, '--cooldown'),
    warmupRequests: options['warmup-requests'],
    resetCache: options['reset-cache'],
    seed: options.seed,
    timeoutUs: patienceUs(options, 'timeout'),
    ttftTimeoutUs: patienceUs(options, 'ttft-timeout'),
    headers: headers(options),
    insecure: options.insecure,
    start: startSpec(options),
    traceIterations: options['trace-iterations'] === undefined ? null : resolve(options['trace-iterations']),
    out: options.out ?? null,
    command: ['reprise', ...withoutSecrets(line)],
  };
}

function patienceUs(options: RunOptions, name: 'timeout' | 'ttft-timeout' | 'start-timeout'): number {
  const us = parseDurationUs(options[name], `--${name}`);
  if (us > 0) return us;
  throw new UserError(`--${name}: ${options[name]} leaves no time to answer; for no limit give a long one, e.g. 24h`);
}

function tokenizerOf(asked: string | undefined): string | null {
  if (asked === undefined) return null;
  return asked === 'server' ? asked : resolve(asked);
}

function startSpec(options: RunOptions): RunSpec['start'] {
  const { start, ready } = options;
  const timeoutUs = patienceUs(options, 'start-timeout');
  if (start !== undefined) return { command: start, ready: ready ?? null, timeoutUs };
  if (ready !== undefined) throw new UserError('--ready: there is nothing to wait for without --start "COMMAND"');
  return null;
}

function headers(options: RunOptions): Record<string, string> {
  const all: Record<string, string> = {};
  for (const header of options.header) {
    const colon = header.indexOf(':');
    if (colon < 1) throw new UserError(`--header: "${header}" is not "Key: value"`);
    const key = header.slice(0, colon).trim().toLowerCase();
    if (OF_THE_CONNECTION.has(key))
      throw new UserError(`--header: "${key}" belongs to the connection, not to the user`);
    all[key] = checked(key, header.slice(colon + 1).trim(), '--header');
  }
  const name = options['api-key-env'];
  if (name === undefined) return all;
  const key = process.env[name];
  if (key === undefined || key === '')
    throw new UserError(`--api-key-env: the environment variable ${name} is not set`);
  return { ...all, authorization: checked('authorization', `Bearer ${key}`, '--api-key-env') };
}

/** The value of a header, which may be a key: it is in no message. */
function checked(name: string, value: string, option: string): string {
  try {
    validateHeaderName(name);
    validateHeaderValue(name, value);
    return value;
  } catch (thrown) {
    throw new UserError(`${option}: ${messageOf(thrown)}`, { cause: thrown });
  }
}

/** Without these a call would fail, or say what is not so. */
const OF_THE_CONNECTION: ReadonlySet<string> = new Set([
  'connection',
  'content-length',
  'expect',
  'keep-alive',
  'transfer-encoding',
  'upgrade',
]);

/** The command line as it may stand in a file: a header's value could be a key. */
function withoutSecrets(line: readonly string[]): string[] {
  return line.map((word, i) => {
    if (line[i - 1] === '--header') return word.replace(/:.*/s, ': ***');
    return word.replace(/^(--header=[^:]*):.*/s, '$1: ***');
  });
}
