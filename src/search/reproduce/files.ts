import { join } from 'node:path';
import { writeReproduceHtml, writeReproducedHtml } from '../../../reports/index.ts';
import { makeDirectory, writeWhole } from '../../runs/run-directory.ts';
import type { ReproduceReport } from '../../schema/reproduce.ts';

/** Writes `reproduce.json`, `index.html` and a page for each experiment to `dir`, which is empty or does not exist yet. */
export async function writeReproduced(dir: string, report: ReproduceReport): Promise<void> {
  makeDirectory(dir);
  writeWhole(join(dir, 'reproduce.json'), `${JSON.stringify(report, null, 2)}\n`);
  for (const experiment of report.experiments)
    writeWhole(join(dir, `${experiment.name}.html`), await writeReproducedHtml(experiment, report.versions));
  writeWhole(join(dir, 'index.html'), await writeReproduceHtml(report));
}
