import { writeWhole } from '../../runs/run-directory.ts';
import type { CountedRun } from '../counted-run.ts';
import { ciFigures } from './ci-figures.ts';

/** As long as Bencher lets the name of a benchmark be. */
const MAX_NAME = 1024;

/** Bencher Metric Format: a benchmark for the workload on the target, a measure a figure, our interval as its bounds. */
export function writeBmf({ manifest: { workload, target }, summary }: CountedRun, file: string): void {
  const measures = ciFigures(summary).map(({ slug, value, ci95 }) => [
    slug,
    { value, ...(ci95 === null ? {} : { lower_value: ci95[0], upper_value: ci95[1] }) },
  ]);
  const name = `${workload.name} on ${target.spec}`.slice(0, MAX_NAME);
  writeWhole(file, `${JSON.stringify({ [name]: Object.fromEntries(measures) }, null, 2)}\n`);
}
