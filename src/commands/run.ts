import { resolve } from 'node:path';
import { z } from 'zod';
import { ENDPOINTS } from '../../adapters/index.ts';
import { runOnce, type RunResult } from '../compose/run-once.ts';
import type { RunSpec } from '../compose/run-spec.ts';
import { EXIT, UserError, type ExitCode } from '../core/errors.ts';
import { parseDurationUs } from '../core/units.ts';
import { reportFile } from '../runs/run-directory.ts';
import { summaryText } from '../../reports/index.ts';
import { resolveSlo, resolveWorkload } from '../../workloads/index.ts';
import { readOptions, wholeNumber, type Command } from './command.ts';
import { showProgress } from './progress.ts';
import { sloList } from './slo-list.ts';
import { hasColor, printWarning } from './terminal.ts';
import { transformNotes } from './transform-options.ts';

const text = z.string({ error: (issue) => (Array.isArray(issue.input) ? 'is given more than once' : 'needs a value') });
const schema = z.looseObject({
  workload: text.optional(),
  target: text,
  adapter: text,
  endpoint: z
    .enum(ENDPOINTS, { error: (issue) => `got "${String(issue.input)}", expected ${ENDPOINTS.join(', ')}` })
    .optional(),
  model: text.optional(),
  tokenizer: text.optional(),
  slo: text.optional(),
  clock: z.enum(['real', 'virtual'], { error: (issue) => `got "${String(issue.input)}", expected real or virtual` }),
  speed: z
    .number({ error: 'expected a number above 0, e.g. 1.5' })
    .positive({ error: (issue) => `got ${String(issue.input)}, expected a number above 0` }),
  rate: z
    .number({ error: 'expected requests a second, e.g. 7.5' })
    .positive({ error: (issue) => `got ${String(issue.input)}, expected a number above 0` })
    .optional(),
  window: text.optional(),
  'clip-input': wholeNumber.optional(),
  'clip-output': wholeNumber.optional(),
  limit: wholeNumber.optional(),
  'block-tokens': wholeNumber.optional(),
  warmup: text.optional(),
  cooldown: text.optional(),
  timeout: text,
  'ttft-timeout': text,
  seed: z.int({ error: (issue) => `got ${String(issue.input)}, expected a whole number` }),
  out: text.optional(),
  header: z.array(z.string()),
  'api-key-env': text.optional(),
  insecure: z.boolean(),
  'trace-iterations': z.string().optional(),
  'on-bad-row': z.enum(['fail', 'skip'], { error: (issue) => `got "${String(issue.input)}", expected fail or skip` }),
  json: z.boolean(),
  quiet: z.boolean(),
});
type Options = z.infer<typeof schema>;

/** SLO of the bundled sample, so that a first run ends in a verdict. */
const SAMPLE_SLO = 'ttft=100ms,tpot=12ms';

export const runCommand: Command = {
  usage: 'run [workload]',
  describe: 'Replay a trace; without arguments a bundled sample against the bundled engine',
  examples: [
    'reprise run trace.csv --target http://127.0.0.1:8000 --slo ttft=500ms,tpot=50ms',
    'reprise run trace.csv --window 600s..660s --target reference:vllm-v1,model=llama-3.1-8b,gpu=h100-sxm --clock virtual',
  ],
  positionals: {
    workload: {
      type: 'string',
      describe:
        'a trace file (Azure 2023 and 2024 CSV, Mooncake JSONL, plain CSV, .rtrace.jsonl) or a bundled sample: chat, code',
    },
  },
  options: {
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
    window: { type: 'string', describe: 'part of the trace, e.g. 60s..120s' },
    'clip-input': { type: 'number', describe: 'cut prompts, and their prefix blocks, to N tokens' },
    'clip-output': { type: 'number', describe: 'cut answers to N tokens' },
    limit: { type: 'number', describe: 'first N requests' },
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
    timeout: { type: 'string', default: '600s', describe: 'from sent to last byte' },
    'ttft-timeout': { type: 'string', default: '60s', describe: 'from sent to first token' },
    seed: { type: 'number', default: 1, describe: 'of everything random' },
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
  },
  run: (parsed, line) => runAndReport(readOptions(schema, parsed), line),
};

async function runAndReport(options: Options, line: readonly string[]): Promise<ExitCode> {
  if (options.slo === 'list') {
    process.stdout.write(sloList(options.json));
    return EXIT.ok;
  }
  const spec = runSpec(options, line);
  const stop = new AbortController();
  const cut = new AbortController();
  let signalled: ExitCode | null = null;
  const onSignal = (name: NodeJS.Signals): void => {
    if (signalled === null)
      process.stderr.write(
        '\nstopping: nothing more is sent; what is in flight may end within 5 s (again: cut it now)\n',
      );
    else cut.abort();
    signalled = name === 'SIGTERM' ? EXIT.sigterm : EXIT.sigint;
    stop.abort(new Error(`interrupted by ${name}`));
  };
  process.on('SIGINT', onSignal).on('SIGTERM', onSignal);
  let endProgress = (): void => undefined;
  try {
    const result = await runOnce(spec, {
      nowIso: () => new Date().toISOString(),
      warn: (warning) => {
        if (!options.quiet) printWarning(warning);
      },
      say: (found) => {
        if (!options.quiet) process.stderr.write(`${found}\n`);
      },
      started: (_dir, facts, look) => {
        if (!options.quiet && spec.clock === 'real') endProgress = showProgress(facts, look);
      },
      stop: stop.signal,
      cut: cut.signal,
    });
    endProgress();
    print(result, options.json);
    return signalled ?? exitCode(result);
  } finally {
    endProgress();
    process.off('SIGINT', onSignal).off('SIGTERM', onSignal);
  }
}

function print({ dir, summary, manifest }: RunResult, json: boolean): void {
  if (json) {
    process.stdout.write(`${JSON.stringify(summary, null, 2)}\n`);
    return;
  }
  process.stdout.write(
    `${summaryText(summary, manifest, { color: hasColor(process.stdout) })}\nreport: ${resolve(reportFile(dir))}\n`,
  );
}

/** 3 when the target went away or nothing it said was understood: then there is no result to speak of. */
function exitCode({ summary }: RunResult): ExitCode {
  const answered = summary.requests.ok + (summary.left_out?.ok ?? 0);
  if (answered === 0 && summary.requests.sent + (summary.requests.by_outcome.connect_error ?? 0) > 0)
    return EXIT.unreachable;
  return summary.status === 'failed' ? EXIT.unreachable : EXIT.ok;
}

function runSpec(options: Options, line: readonly string[]): RunSpec {
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
    seed: options.seed,
    timeoutUs: parseDurationUs(options.timeout, '--timeout'),
    ttftTimeoutUs: parseDurationUs(options['ttft-timeout'], '--ttft-timeout'),
    headers: headers(options),
    insecure: options.insecure,
    traceIterations: options['trace-iterations'] === undefined ? null : resolve(options['trace-iterations']),
    out: options.out ?? null,
    command: ['reprise', ...withoutSecrets(line)],
  };
}

function tokenizerOf(asked: string | undefined): string | null {
  if (asked === undefined) return null;
  return asked === 'server' ? asked : resolve(asked);
}

function headers(options: Options): Record<string, string> {
  const all: Record<string, string> = {};
  for (const header of options.header) {
    const colon = header.indexOf(':');
    if (colon < 1) throw new UserError(`--header: "${header}" is not "Key: value"`);
    all[header.slice(0, colon).trim().toLowerCase()] = header.slice(colon + 1).trim();
  }
  const name = options['api-key-env'];
  if (name === undefined) return all;
  const key = process.env[name];
  if (key === undefined || key === '')
    throw new UserError(`--api-key-env: the environment variable ${name} is not set`);
  return { ...all, authorization: `Bearer ${key}` };
}

/** The command line as it may stand in a file: a header's value could be a key. */
function withoutSecrets(line: readonly string[]): string[] {
  return line.map((word, i) => {
    if (line[i - 1] === '--header') return word.replace(/:.*/s, ': ***');
    return word.replace(/^(--header=[^:]*):.*/s, '$1: ***');
  });
}
