import { z } from 'zod';
import { EXIT, UserError, type ExitCode } from '../core/errors.ts';
import { gateExit, gateText, type GateVerdict } from '../core/gate.ts';
import { expected, text } from '../core/option-fields.ts';
import { compareRuns } from '../compare/compare.ts';
import { judgeCompareGate, parseCompareGate, type JudgedCompareGate } from '../compare/gates.ts';
import { loadRuns } from '../compare/load-runs.ts';
import { sideNames } from '../compare/side-names.ts';
import { resolveSlo } from '../slos/index.ts';
import { comparisonText } from '../../reports/index.ts';
import { readOptions, type Command } from './command.ts';
import { hasColor, printGate } from './terminal.ts';

const FORMATS = ['text', 'json'] as const;
const UNDECIDED = ['fail', 'pass'] as const;

const schema = z.looseObject({
  base: text.optional(),
  new: text.optional(),
  slo: text.optional(),
  margin: text,
  gate: z.array(z.string()),
  undecided: z.enum(UNDECIDED, expected(UNDECIDED.join(' or '))).optional(),
  format: z.enum(FORMATS, expected(FORMATS.join(', '))).optional(),
  json: z.boolean(),
  quiet: z.boolean(),
});
type Options = z.infer<typeof schema>;

export const compareCommand: Command = {
  usage: 'compare [base] [new]',
  describe:
    'Two runs, or repeats of two systems, under the same load: better, worse, the same or undecided, a metric each',
  examples: [
    'reprise compare runs/before runs/after',
    'reprise compare ab/base ab/new --gate default --gate "ttft.p90<=+5%"',
  ],
  positionals: {
    base: { type: 'string', describe: 'a run directory, or a folder of them: the repeats of one system' },
    new: { type: 'string', describe: 'the same of the other system' },
  },
  options: {
    margin: { type: 'string', default: '2%', describe: 'changes up to this are the same' },
    slo: { type: 'string', describe: 'judge all runs by these limits [default: their own]' },
    gate: {
      type: 'string',
      array: true,
      default: [],
      nargs: 1,
      describe:
        'exit code 1 where missed, 4 where it cannot be told: default (no judged metric worse), or e.g. "ttft.p90<=+5%"; repeatable',
    },
    undecided: {
      type: 'string',
      choices: [...UNDECIDED],
      describe: 'an undecided gate counts as failed or passed [default: exit code 4]',
    },
    format: { type: 'string', describe: `${FORMATS.join(', ')} [default: text]` },
    json: { type: 'boolean', default: false, describe: 'the same as --format json' },
    quiet: { type: 'boolean', default: false, describe: 'no progress' },
  },
  run: (parsed) => compare(readOptions(schema, parsed)),
};

async function compare(options: Options): Promise<ExitCode> {
  const { base: basePath, new: newPath } = options;
  if (basePath === undefined || newPath === undefined)
    throw new UserError('compare: name two runs, or two folders of runs: compare BASE NEW');
  const gates = options.gate.map(parseCompareGate);
  const margin = marginOf(options.margin);
  const slo = options.slo === undefined ? null : resolveSlo(options.slo);
  const [base, now] = [await loadRuns(basePath, slo), await loadRuns(newPath, slo)];
  const comparison = compareRuns(base, now, { margin, names: sideNames(base, now, [basePath, newPath]) });
  const isJson = options.json || options.format === 'json';
  process.stdout.write(
    isJson
      ? `${JSON.stringify(comparison, null, 2)}\n`
      : `${comparisonText(comparison, { color: hasColor(process.stdout) })}\n`,
  );
  return sayGates(
    gates.map((gate) => judgeCompareGate(gate, comparison)),
    options,
    isJson,
  );
}

/** Prints each gate, and the exit code of all; what is undecided counts as the user said. */
function sayGates(judged: readonly JudgedCompareGate[], { undecided }: Options, isJson: boolean): ExitCode {
  for (const { gate, verdict, why } of judged) printGate(gateText(gate, verdict, why), isJson);
  const as: GateVerdict = undecided === 'pass' ? 'held' : undecided === 'fail' ? 'missed' : 'undecided';
  return judged.length === 0
    ? EXIT.ok
    : gateExit(judged.map(({ verdict }) => (verdict === 'undecided' ? as : verdict)));
}

function marginOf(given: string): number {
  const percent = Number(/^(\d+(?:\.\d+)?)\s*%$/.exec(given.trim())?.[1] ?? Number.NaN);
  if (percent >= 0 && percent < 100) return percent / 100;
  throw new UserError(`--margin: "${given}" is not a share from 0% to under 100%, e.g. 2%`);
}
