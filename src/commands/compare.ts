import { z } from 'zod';
import { EXIT, UserError, type ExitCode } from '../core/errors.ts';
import { gateExit, gateText, type GateVerdict } from '../core/gate.ts';
import { expected, text } from '../core/option-fields.ts';
import { compareRuns } from '../compare/compare.ts';
import { writeComparison } from '../compare/files.ts';
import { judgeCompareGate, parseCompareGate, type JudgedCompareGate } from '../compare/gates.ts';
import { loadRuns } from '../compare/load-runs.ts';
import { comparisonPage, writeComparisonPage } from '../compare/page-files.ts';
import { sideNames } from '../compare/side-names.ts';
import { resolveSlo } from '../slos/index.ts';
import { readOptions, type Command } from './command.ts';
import { COMPARISON_FORMATS, comparisonOutput, type ComparisonFormat } from './comparison-output.ts';
import { OPEN_OPTION, openInBrowser } from './open-report.ts';
import { printGate } from './terminal.ts';

const UNDECIDED = ['fail', 'pass'] as const;

const schema = z.looseObject({
  base: text.optional(),
  new: text.optional(),
  slo: text.optional(),
  margin: text,
  gate: z.array(z.string()),
  undecided: z.enum(UNDECIDED, expected(UNDECIDED.join(' or '))).optional(),
  format: z.enum(COMPARISON_FORMATS, expected(COMPARISON_FORMATS.join(', '))).optional(),
  json: z.boolean(),
  out: text.optional(),
  open: z.boolean(),
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
    format: { type: 'string', describe: `${COMPARISON_FORMATS.join(', ')} [default: text]` },
    json: { type: 'boolean', default: false, describe: 'the same as --format json' },
    out: {
      type: 'string',
      describe: 'folder for comparison.json, comparison.md and comparison.html [default: nothing is written]',
    },
    open: { ...OPEN_OPTION, describe: 'open the page in the browser; needs --out' },
    quiet: { type: 'boolean', default: false, describe: 'no progress' },
  },
  run: (parsed) => compare(readOptions(schema, parsed)),
};

async function compare(options: Options): Promise<ExitCode> {
  const { base: basePath, new: newPath } = options;
  if (basePath === undefined || newPath === undefined)
    throw new UserError('compare: name two runs, or two folders of runs: compare BASE NEW');
  if (options.open && options.out === undefined)
    throw new UserError('--open: there is no page without --out; name a folder, e.g. --out comparison');
  const gates = options.gate.map(parseCompareGate);
  const margin = marginOf(options.margin);
  const slo = options.slo === undefined ? null : resolveSlo(options.slo);
  const [base, now] = [await loadRuns(basePath, slo), await loadRuns(newPath, slo)];
  const comparison = compareRuns(base, now, { margin, names: sideNames(base, now, [basePath, newPath]) });
  const format = options.json ? 'json' : (options.format ?? 'text');
  const judged = gates.map((gate) => judgeCompareGate(gate, comparison));
  process.stdout.write(comparisonOutput(comparison, judged, format, undecidedAs(options)));
  if (options.out !== undefined) {
    await writeComparison(options.out, comparison);
    await writeComparisonPage(options.out, comparison, base, now);
    if (format === 'text') process.stdout.write(`comparison: ${comparisonPage(options.out)}\n`);
    if (options.open) await openInBrowser(comparisonPage(options.out));
  }
  return sayGates(judged, options, format);
}

/** What an undecided gate counts as. */
function undecidedAs({ undecided }: Options): GateVerdict {
  return undecided === 'pass' ? 'held' : undecided === 'fail' ? 'missed' : 'undecided';
}

/** Prints each gate, and the exit code of all. */
function sayGates(judged: readonly JudgedCompareGate[], options: Options, format: ComparisonFormat): ExitCode {
  for (const { gate, verdict, why } of judged) printGate(gateText(gate, verdict, why), format !== 'text');
  const as = undecidedAs(options);
  return judged.length === 0
    ? EXIT.ok
    : gateExit(judged.map(({ verdict }) => (verdict === 'undecided' ? as : verdict)));
}

function marginOf(given: string): number {
  const percent = Number(/^(\d+(?:\.\d+)?)\s*%$/.exec(given.trim())?.[1] ?? Number.NaN);
  if (percent >= 0 && percent < 100) return percent / 100;
  throw new UserError(`--margin: "${given}" is not a share from 0% to under 100%, e.g. 2%`);
}
