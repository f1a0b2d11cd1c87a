import { z } from 'zod';
import { EXIT, UserError, type ExitCode } from '../core/errors.ts';
import { gateExit, gateText } from '../core/gate.ts';
import { expected, text } from '../core/option-fields.ts';
import type { SloSpec } from '../core/slo.ts';
import { compareRuns } from '../compare/compare.ts';
import { checkPlace, comparisonPage, writeComparison, type Compared } from '../compare/files.ts';
import {
  countedVerdict,
  judgeCompareGate,
  parseCompareGate,
  type CompareGate,
  type JudgedCompareGate,
} from '../compare/gates.ts';
import { loadRuns } from '../compare/load-runs.ts';
import { sideNames } from '../compare/side-names.ts';
import type { Comparison } from '../schema/comparison.ts';
import { resolveSlo } from '../slos/index.ts';
import { readOptions, type Command } from './command.ts';
import { LISTED } from './listed.ts';
import { COMPARISON_FORMATS, comparisonOutput, type ComparisonFormat } from './comparison-output.ts';
import { importedOf } from './import-argument.ts';
import { OPEN_OPTION, openInBrowser } from './open-report.ts';
import { sloList } from './slo-list.ts';
import { print, printGate } from './terminal.ts';

const UNDECIDED = ['fail', 'pass'] as const;

/** What `nightly` takes as well: how two sides are judged. */
export const GATE_FIELDS = {
  margin: text,
  gate: z.array(z.string()),
  undecided: z.enum(UNDECIDED, expected(UNDECIDED.join(' or '))).optional(),
};

/** What `ab` takes as well: how two sides are judged, and how that is said. */
export const JUDGING_FIELDS = {
  ...GATE_FIELDS,
  format: z.enum(COMPARISON_FORMATS, expected(COMPARISON_FORMATS.join(', '))).optional(),
  json: z.boolean(),
  quiet: z.boolean(),
};
const judgingSchema = z.looseObject(JUDGING_FIELDS);
type JudgingOptions = z.infer<typeof judgingSchema>;

const schema = z.looseObject({
  base: text.optional(),
  new: text.optional(),
  slo: text.optional(),
  out: text.optional(),
  open: z.boolean(),
  ...JUDGING_FIELDS,
});

export const GATE_OPTIONS: Command['options'] = {
  margin: { type: 'string', default: '2%', describe: 'changes up to this are the same' },
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
};

export const JUDGING_OPTIONS: Command['options'] = {
  ...GATE_OPTIONS,
  format: { type: 'string', describe: `${COMPARISON_FORMATS.join(', ')} [default: text]` },
  json: { type: 'boolean', default: false, describe: 'the same as --format json' },
  quiet: { type: 'boolean', default: false, describe: 'no progress' },
};

export const compareCommand: Command = {
  ...LISTED.compare,
  examples: [
    'reprise compare runs/before runs/after',
    'reprise compare ab/base ab/new --gate default --gate "ttft.p90<=+5%"',
  ],
  positionals: {
    base: {
      type: 'string',
      describe: 'a run directory, a folder of them (the repeats of one system), or a result file of another tool',
    },
    new: { type: 'string', describe: 'the same of the other system' },
  },
  options: {
    slo: { type: 'string', describe: 'judge all runs by these limits [default: their own]' },
    ...JUDGING_OPTIONS,
    out: {
      type: 'string',
      describe: 'folder for comparison.json, comparison.md and comparison.html [default: nothing is written]',
    },
    open: { ...OPEN_OPTION, describe: 'open the page in the browser; needs --out' },
  },
  run: (parsed) => compare(readOptions(schema, parsed)),
};

async function compare(options: z.infer<typeof schema>): Promise<ExitCode> {
  if (options.slo === 'list') {
    print(sloList(options.json));
    return EXIT.ok;
  }
  const { base, new: now } = options;
  if (base === undefined || now === undefined)
    throw new UserError('compare: name two runs, or two folders of runs: compare BASE NEW');
  const { out, open } = options;
  if (open && out === undefined)
    throw new UserError('--open: there is no page without --out; name a folder, e.g. --out comparison');
  if (out !== undefined) checkPlace(out);
  const judging = judgingOf(options);
  const slo = options.slo === undefined ? null : resolveSlo(options.slo);
  const compared = await compareFolders([base, now], judging, slo);
  if (out !== undefined) await writeComparison(out, compared);
  const code = sayComparison(compared.comparison, judging);
  if (out !== undefined && judging.format === 'text') print(`comparison: ${comparisonPage(out)}\n`);
  if (out !== undefined && open) await openInBrowser(comparisonPage(out));
  return code;
}

/** How two sides are judged, and how that is said. */
export interface Judging {
  readonly gates: readonly CompareGate[];
  readonly margin: number;
  readonly undecided: JudgingOptions['undecided'];
  readonly format: ComparisonFormat;
}

/** Throws a UserError for a wrong option, before anything is read or run. */
export function judgingOf({ gate, margin, undecided, json, format }: JudgingOptions): Judging {
  if (undecided !== undefined && gate.length === 0)
    throw new UserError(`--undecided ${undecided}: there is no gate to leave undecided; add e.g. --gate default`);
  if (json && format !== undefined && format !== 'json')
    throw new UserError(`--json and --format ${format} are two formats; leave one out`);
  return {
    gates: gate.map(parseCompareGate),
    margin: marginOf(margin),
    undecided,
    format: json ? 'json' : (format ?? 'text'),
  };
}

/** Compares the runs in two places; `slo`: all are judged by it rather than by their own. */
export async function compareFolders(
  paths: readonly [string, string],
  { margin }: Judging,
  slo: SloSpec | null,
): Promise<Compared> {
  const [base, now] = [
    await loadRuns(await placeOf(paths[0], slo), slo),
    await loadRuns(await placeOf(paths[1], slo), slo),
  ];
  return { comparison: compareRuns(base, now, { margin, names: sideNames(base, now, paths) }), base, now };
}

/** Of a result file of another tool, the run directory that is made of it. */
async function placeOf(given: string, slo: SloSpec | null): Promise<string> {
  return (await importedOf(given, { slo, at: null, out: undefined }, 1))?.dir ?? given;
}

/** Prints a comparison and its gates; the exit code of these. */
export function sayComparison(comparison: Comparison, judging: Judging): ExitCode {
  const judged = judging.gates.map((gate) => judgeCompareGate(gate, comparison));
  print(comparisonOutput(comparison, judged, judging.format, judging.undecided));
  return sayGates(judged, judging);
}

/** Prints each gate, and the exit code of all. */
function sayGates(judged: readonly JudgedCompareGate[], judging: Judging): ExitCode {
  for (const { gate, verdict, why } of judged) printGate(gateText(gate, verdict, why), judging.format !== 'text');
  return gateExit(judged.map((each) => countedVerdict(each, judging.undecided)));
}

export function marginOf(given: string): number {
  const percent = Number(/^(\d+(?:\.\d+)?)\s*%$/.exec(given.trim())?.[1] ?? Number.NaN);
  if (percent >= 0 && percent < 100) return percent / 100;
  throw new UserError(`--margin: "${given}" is not a share from 0% to under 100%, e.g. 2%`);
}
