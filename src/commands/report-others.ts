import { join } from 'node:path';
import { z } from 'zod';
import { nearest } from '../core/did-you-mean.ts';
import { readRecords } from '../runs/records.ts';
import { countedRun, type CountedRun } from '../results/counted-run.ts';
import { PEERS, type PeerName } from '../results/peers/peers.ts';
import { comparedTo, type Compared } from '../results/views/compared.ts';
import { comparedCsv, comparedMarkdown, comparedText } from '../results/views/compared-text.ts';
import { EXPORTS, exportRun, type ExportName } from '../results/writers/exports.ts';
import type { Manifest } from '../schema/manifest.ts';
import type { Summary } from '../schema/summary.ts';
import type { Command } from './command.ts';

/** `vllm,aiperf`: each of them known; twice is once. */
function listOf<Name extends string>(known: Readonly<Record<Name, unknown>>) {
  const isKnown = (name: string): name is Name => Object.hasOwn(known, name);
  const names = Object.keys(known);
  return z.array(z.string()).transform((given, context): Name[] => {
    const asked = given.flatMap((text) => text.split(',')).map((name) => name.trim().toLowerCase());
    const wrong = asked.find((name) => !isKnown(name));
    if (wrong !== undefined) context.addIssue({ code: 'custom', message: wrongName(wrong, names) });
    return [...new Set(asked.filter(isKnown))];
  });
}

function wrongName(name: string, names: readonly string[]): string {
  if (name === '') return `a name is missing; write them without blanks, e.g. ${names.slice(0, 2).join(',')}`;
  const near = nearest(name, names);
  const meant = near === undefined ? '' : `; did you mean "${near}"?`;
  return `got "${name}", expected one or several of ${names.join(', ')}${meant}`;
}

export const OTHERS_SCHEMA = {
  as: listOf(PEERS).default([]),
  export: listOf(EXPORTS).default([]),
  out: z.string().optional(),
};

export const OTHERS_OPTIONS: Command['options'] = {
  as: {
    type: 'string',
    array: true,
    nargs: 1,
    describe: `print the run by the definitions of other tools, a column each: ${Object.keys(PEERS).join(', ')}`,
  },
  export: {
    type: 'string',
    array: true,
    nargs: 1,
    describe: `write the results for others: ${Object.keys(EXPORTS).join(', ')}`,
  },
  out: {
    type: 'string',
    describe:
      'folder of the exported files [default: export, in the run directory]; without --export, the run directory of a result file [default: runs/NAME-imported]',
  },
};

interface Reported {
  readonly dir: string;
  readonly manifest: Manifest;
  readonly summary: Summary;
}

function runOf({ dir, manifest, summary }: Reported): CountedRun {
  return countedRun(manifest, summary, () => readRecords(dir));
}

/** `--as`: what is printed of the runs, in one of the formats of `report`. */
export async function printedAs(
  reported: readonly Reported[],
  names: readonly PeerName[],
  format: 'text' | 'markdown' | 'csv' | 'json',
): Promise<string> {
  const all: Compared[] = [];
  for (const each of reported) all.push(await comparedTo(runOf(each), names));
  switch (format) {
    case 'text':
      return all.map(comparedText).join('\n\n');
    case 'markdown':
      return all.map(comparedMarkdown).join('\n');
    case 'csv':
      return comparedCsv(all);
    case 'json':
      return JSON.stringify(all.length === 1 ? all[0] : all, null, 2);
  }
}

/** `--export`: writes the files and returns their paths. Of several runs each has a folder of its own in `out`. */
export async function exportAll(
  reported: readonly Reported[],
  names: readonly ExportName[],
  out: string | undefined,
): Promise<string[]> {
  const stepSummary = process.env['GITHUB_STEP_SUMMARY'] ?? '';
  const files: string[] = [];
  for (const each of reported) {
    const own = reported.length === 1 ? (out ?? '') : join(out ?? '', each.manifest.run_id);
    const folder = out === undefined ? join(each.dir, 'export') : own;
    files.push(
      ...(await exportRun(runOf(each), names, {
        folder,
        isOurs: out === undefined,
        stepSummary: stepSummary === '' ? null : stepSummary,
      })),
    );
  }
  return files;
}
