import { z } from 'zod';
import { EXIT, UserError, type ExitCode } from '../core/errors.ts';
import { gateExit, gateText, type GateVerdict } from '../core/gate.ts';
import { expected, text } from '../core/option-fields.ts';
import type { SloSpec } from '../core/slo.ts';
import { compareRuns } from '../compare/compare.ts';
import { judgeCompareGate, parseCompareGate, type CompareGate, type JudgedCompareGate } from '../compare/gates.ts';
import { loadRuns } from '../compare/load-runs.ts';
import { sideNames } from '../compare/side-names.ts';
import type { Comparison } from '../schema/comparison.ts';
import { resolveSlo } from '../slos/index.ts';
import { comparisonText } from '../../reports/index.ts';
import { readOptions, type Command } from './command.ts';
import { hasColor, printGate } from './terminal.ts';

const FORMATS = ['text', 'json'] as const;
const UNDECIDED = ['fail', 'pass'] as const;

/** What `ab` takes as well: how two sides are judged, and how that is said. */
export const JUDGING_FIELDS = {
  margin: text,
  gate: z.array(z.string()),
  undecided: z.enum(UNDECIDED, expected(UNDECIDED.join(' or '))).optional(),
  format: z.enum(FORMATS, expected(FORMATS.join(', '))).optional(),
  json: z.boolean(),
  quiet: z.boolean(),
};
const judgingSchema = z.looseObject(JUDGING_FIELDS);
type JudgingOptions = z.infer<typeof judgingSchema>;

const schema = z.looseObject({
  base: text.optional(),
  new: text.optional(),
  slo: text.optional(),
  ...JUDGING_FIELDS,
});

export const JUDGING_OPTIONS: Command['options'] = {
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
  format: { type: 'string', describe: `${FORMATS.join(', ')} [default: text]` },
  json: { type: 'boolean', default: false, describe: 'the same as --format json' },
  quiet: { type: 'boolean', default: false, describe: 'no progress' },
};

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
    slo: { type: 'string', describe: 'judge all runs by these limits [default: their own]' },
    ...JUDGING_OPTIONS,
  },
  run: (parsed) => compare(readOptions(schema, parsed)),
};

async function compare(options: z.infer<typeof schema>): Promise<ExitCode> {
  const { base, new: now } = options;
  if (base === undefined || now === undefined)
    throw new UserError('compare: name two runs, or two folders of runs: compare BASE NEW');
  const judging = judgingOf(options);
  const slo = options.slo === undefined ? null : resolveSlo(options.slo);
  return sayComparison(await compareFolders([base, now], judging, slo), judging);
}

/** How two sides are judged, and how that is said. */
export interface Judging {
  readonly gates: readonly CompareGate[];
  readonly margin: number;
  readonly undecided: JudgingOptions['undecided'];
  readonly isJson: boolean;
}

/** Throws a UserError for a wrong option, before anything is read or run. */
export function judgingOf({ gate, margin, undecided, json, format }: JudgingOptions): Judging {
  return {
    gates: gate.map(parseCompareGate),
    margin: marginOf(margin),
    undecided,
    isJson: json || format === 'json',
  };
}

/** Compares the runs in two places; `slo`: all are judged by it rather than by their own. */
export async function compareFolders(
  paths: readonly [string, string],
  { margin }: Judging,
  slo: SloSpec | null,
): Promise<Comparison> {
  const [base, now] = [await loadRuns(paths[0], slo), await loadRuns(paths[1], slo)];
  return compareRuns(base, now, { margin, names: sideNames(base, now, paths) });
}

/** Prints a comparison and its gates; the exit code of these. */
export function sayComparison(comparison: Comparison, judging: Judging): ExitCode {
  const { gates, isJson } = judging;
  process.stdout.write(
    isJson
      ? `${JSON.stringify(comparison, null, 2)}\n`
      : `${comparisonText(comparison, { color: hasColor(process.stdout) })}\n`,
  );
  return sayGates(
    gates.map((gate) => judgeCompareGate(gate, comparison)),
    judging,
  );
}

/** Prints each gate, and the exit code of all; what is undecided counts as the user said. */
function sayGates(judged: readonly JudgedCompareGate[], { undecided, isJson }: Judging): ExitCode {
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
