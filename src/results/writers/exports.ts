import { join } from 'node:path';
import { junitXml, runSuite, summaryCsv, summaryMarkdown } from '../../../reports/index.ts';
import { makeDirectory, writeWhole } from '../../runs/run-directory.ts';
import type { CountedRun } from '../counted-run.ts';
import { writeAiperf } from './aiperf.ts';
import { writeBmf } from './bmf.ts';
import { writeGithub } from './github.ts';
import { writeLlmd } from './llmd.ts';
import { appendStepSummary, writeStepSummary } from './step-summary.ts';
import { writeVllm } from './vllm.ts';

/** Where exports go. */
export interface ExportPlace {
  readonly folder: string;
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

/** Writes a run's results in the forms of other tools; returns the files in their order. A UserError where it cannot. */
export async function exportRun(run: CountedRun, names: readonly ExportName[], place: ExportPlace): Promise<string[]> {
  const files: string[] = [];
  makeDirectory(place.folder);
  for (const name of names) files.push(...(await EXPORTS[name](run, place)));
  return files;
}
