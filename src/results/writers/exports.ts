import { join } from 'node:path';
import { junitXml, runSuite, summaryCsv, summaryMarkdown } from '../../../reports/index.ts';
import { makeDirectory, writeWhole } from '../../runs/run-directory.ts';
import type { CountedRun } from '../counted-run.ts';
import { writeAiperf } from './aiperf.ts';
import { writeBmf } from './bmf.ts';
import { checkExports, noteExports } from './export-list.ts';
import { writeGithub } from './github.ts';
import { writeLlmd } from './llmd.ts';
import { appendStepSummary, writeStepSummary } from './step-summary.ts';
import { writeVllm } from './vllm.ts';

/** Where exports go. */
export interface ExportPlace {
  readonly folder: string;
  /** The folder is in the run directory: what is in it is ours. Any other may hold files that must not be replaced. */
  readonly isOurs: boolean;
  /** The file of GitHub's step summary, in a step of an action. */
  readonly stepSummary: string | null;
}

/** Writes one form of a run's results; returns the files. */
type Export = (run: CountedRun, place: ExportPlace) => Promise<string[]>;

/** The forms that `--export` takes. */
export const EXPORTS = {
  llmd: async (run, { folder }) => {
    const file = join(folder, 'llmd.json');
    await writeLlmd(run, file);
    return [file];
  },
  aiperf: (run, { folder }) => writeAiperf(run, join(folder, 'aiperf')),
  vllm: async (run, { folder }) => {
    const file = join(folder, 'vllm.json');
    await writeVllm(run, file);
    return [file];
  },
  junit: async ({ summary, manifest }, { folder }) => {
    const file = join(folder, 'junit.xml');
    writeWhole(file, junitXml({ name: 'reprise', suites: [runSuite(summary, manifest)] }));
    return [file];
  },
  github: async (run, { folder }) => {
    const files = { smaller: join(folder, 'github-smaller.json'), bigger: join(folder, 'github-bigger.json') };
    writeGithub(run, files);
    return [files.smaller, files.bigger];
  },
  bmf: async (run, { folder }) => {
    const file = join(folder, 'bmf.json');
    writeBmf(run, file);
    return [file];
  },
  csv: async ({ summary }, { folder }) => {
    const file = join(folder, 'summary.csv');
    writeWhole(file, `${summaryCsv([summary])}\n`);
    return [file];
  },
  'step-summary': async ({ summary, manifest }, { folder, stepSummary }) => {
    const markdown = summaryMarkdown(summary, manifest);
    const file = stepSummary ?? join(folder, 'step-summary.md');
    if (stepSummary === null) writeStepSummary(file, markdown);
    else appendStepSummary(stepSummary, markdown);
    return [file];
  },
} as const satisfies Record<string, Export>;
export type ExportName = keyof typeof EXPORTS;

/** The files of each form, from the folder. */
const FILES: Readonly<Record<ExportName, readonly string[]>> = {
  llmd: ['llmd.json'],
  aiperf: [join('aiperf', 'profile_export_aiperf.json'), join('aiperf', 'profile_export.jsonl')],
  vllm: ['vllm.json'],
  junit: ['junit.xml'],
  github: ['github-smaller.json', 'github-bigger.json'],
  bmf: ['bmf.json'],
  csv: ['summary.csv'],
  'step-summary': ['step-summary.md'],
};

/**
 * Writes a run's results in the forms of other tools; returns the files in their order. A UserError where it cannot, before
 * anything is written where a file of somebody else's is in the way.
 */
export async function exportRun(run: CountedRun, names: readonly ExportName[], place: ExportPlace): Promise<string[]> {
  const { folder, isOurs, stepSummary } = place;
  const written = names.flatMap((name) => (name === 'step-summary' && stepSummary !== null ? [] : FILES[name]));
  makeDirectory(folder);
  if (!isOurs) checkExports(folder, written);
  const files: string[] = [];
  for (const name of names) files.push(...(await EXPORTS[name](run, place)));
  if (!isOurs && written.length > 0) noteExports(folder, written);
  return files;
}
