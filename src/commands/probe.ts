import { z } from 'zod';
import { probeText } from '../../reports/index.ts';
import { EXIT, UserError, type ExitCode } from '../core/errors.ts';
import { parseNumbers } from '../core/number-list.ts';
import { text } from '../core/option-fields.ts';
import { checkOutputFile } from '../core/own-file.ts';
import { parseDurationUs, withThousands } from '../core/units.ts';
import { MAX_COMPLETIONS } from '../probe/front-end.ts';
import { probeServer, type ProbeSpec } from '../probe/probe.ts';
import { defineRun } from '../run/run-options.ts';
import { isOwnSource } from '../run/run-spec.ts';
import { newSalt } from '../run/salt.ts';
import { writeWhole } from '../runs/run-directory.ts';
import { camelOptions, grouped, readOptions, type Command, type Given } from './command.ts';
import { LISTED } from './listed.ts';
import { showSteps } from './progress.ts';
import { CUT_OPTIONS } from './cut-options.ts';
import { TRACE_OPTIONS } from './trace-options.ts';
import { RUN_OPTIONS } from './run-options.ts';
import { stopBySignal } from './signals.ts';
import { hasColor, print, terminalLog } from './terminal.ts';

/** Options that mean what they mean for a run. */
const OF_WORKLOAD = [...Object.keys(CUT_OPTIONS), 'speed', 'rate', 'rate-by', ...Object.keys(TRACE_OPTIONS)];
const OF_TARGET = ['adapter', 'endpoint', 'model', 'extra-body', 'header', 'api-key-env', 'insecure'];
const OF_RUN: readonly string[] = [...OF_WORKLOAD, 'seed', ...OF_TARGET];

const FRONT_END: Command['options'] = {
  'front-end': {
    type: 'string',
    default: '1,8,64,256',
    describe:
      'connections at which /health, /v1/models and completions of one token are loaded, e.g. 1,8 or 1..256x4; --no-front-end: none, for a hosted endpoint',
  },
  'load-time': { type: 'string', default: '2s', describe: 'length of each of these loads' },
};

const OUTPUT: Command['options'] = {
  out: { type: 'string', describe: 'file for the result as JSON, for run --probe' },
  json: { type: 'boolean', default: false, describe: 'print the result as JSON rather than text' },
  quiet: { type: 'boolean', default: false, describe: 'no progress' },
};

export const probeCommand: Command = {
  ...LISTED.probe,
  examples: [
    'reprise probe http://127.0.0.1:8000',
    'reprise probe http://127.0.0.1:8000 trace.csv --out probe.json',
    'reprise run trace.csv --target http://127.0.0.1:8000 --probe probe.json',
  ],
  positionals: {
    url: { type: 'string', demandOption: true, describe: 'base URL of a server, as --target of run' },
    workload: { type: 'string', describe: 'a trace file or a bundled sample: does its busiest second fit?' },
  },
  options: {
    ...Object.fromEntries(Object.entries(RUN_OPTIONS).filter(([name]) => OF_RUN.includes(name))),
    ...grouped('Front end:', FRONT_END),
    ...grouped('Output:', OUTPUT),
  },
  canLeaveOut: true,
  run: (all, given) => probe(readOptions(schema, all), given),
};

const schema = z.looseObject({
  url: text,
  workload: text.optional(),
  frontEnd: text.nullable(),
  loadTime: text,
  out: text.optional(),
  json: z.boolean(),
  quiet: z.boolean(),
});
type Options = z.infer<typeof schema>;

async function probe(options: Options, given: Given): Promise<ExitCode> {
  const spec = specOf(options, given);
  const { json, quiet, out } = options;
  if (out !== undefined) checkOutputFile(out, isProbeFile, '--out');
  const interruption = stopBySignal('nothing is told or written');
  const progress = showSteps(quiet);
  const above = (say: (line: string) => void) => (line: string) => {
    progress.end();
    say(line);
  };
  const { info, warn } = terminalLog(quiet);
  const hooks = {
    nowIso: () => new Date().toISOString(),
    newSalt,
    log: { info: above(info), warn: above(warn) },
    step: progress.step,
    stop: interruption.stop,
  };
  try {
    const report = await probeServer(spec, hooks);
    progress.end();
    const written = `${JSON.stringify(report, null, 2)}\n`;
    print(json ? written : `${probeText(report, { color: hasColor() })}\n`);
    if (out !== undefined) writeWhole(out, written);
    return report.endpoints.some(({ works }) => works) ? EXIT.ok : EXIT.unreachable;
  } catch (thrown) {
    throw interruption.errorOf(thrown);
  } finally {
    progress.end();
    interruption.end();
  }
}

function isProbeFile(head: string): boolean {
  return /^\{\s*"schema": 1,\s*"probed_at":/.test(head);
}

function specOf({ url, workload, frontEnd, loadTime }: Options, given: Given): ProbeSpec {
  const ofRun = Object.fromEntries(
    Object.entries(given).filter(([name, value]) => OF_RUN.includes(name) && value !== null),
  );
  const run = runOf({ ...camelOptions(ofRun), target: url, workload: workload ?? 'chat' });
  if (isOwnSource(run.workload)) throw new Error('a command has no source of a program');
  return {
    target: run.target,
    workload: workload === undefined ? null : run.workload,
    seed: run.seed,
    frontEnd: frontEnd === null ? null : { connections: connectionsOf(frontEnd), loadS: loadSecondsOf(loadTime) },
  };
}

/** A run with these options; what is wrong with its target is wrong with the URL. */
function runOf(options: Given): ReturnType<typeof defineRun> {
  try {
    return defineRun(options);
  } catch (thrown) {
    if (!(thrown instanceof UserError)) throw thrown;
    throw new UserError(thrown.message.replace(/^--target: /, 'probe: '), { exitCode: thrown.exitCode });
  }
}

function connectionsOf(given: string): number[] {
  const connections = parseNumbers(given, '--front-end');
  const wrong = connections.find((count) => !Number.isInteger(count) || count > MAX_COMPLETIONS);
  if (wrong !== undefined)
    throw new UserError(
      `--front-end: ${wrong} is not a number of connections from 1 to ${withThousands(MAX_COMPLETIONS)}`,
    );
  return connections;
}

function loadSecondsOf(given: string): number {
  const us = parseDurationUs(given, '--load-time');
  if (us < 100_000 || us > 600e6) throw new UserError(`--load-time: ${given} is not from 100ms to 10m; write e.g. 2s`);
  return us / 1e6;
}
