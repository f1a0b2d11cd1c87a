import { intervalText } from '../../../reports/index.ts';
import { countText, listText } from '../../core/words.ts';
import { writeWhole } from '../../runs/run-directory.ts';
import type { CountedRun } from '../counted-run.ts';
import { ciFigures, failingOf, type CiFigure } from './ci-figures.ts';

/** The two files of github-action-benchmark: `customSmallerIsBetter` and `customBiggerIsBetter`. */
export function writeGithub({ manifest, summary }: CountedRun, files: Record<CiFigure['better'], string>): void {
  const { workload, target, run_id } = manifest;
  const failing = failingOf(summary);
  const lost = failing.length === 0 ? '' : `; no value, by failed requests: ${listText(failing)}`;
  const extra = `${workload.name} on ${target.spec}, ${run_id}, ${countText(summary.requests.scheduled, 'request')}${lost}`;
  const figures = ciFigures(summary);
  for (const better of ['smaller', 'bigger'] as const) {
    const entries = figures
      .filter((figure) => figure.better === better)
      .map(({ slug, unit, value, ci95 }) => ({
        name: slug,
        unit,
        value,
        ...(ci95 === null ? {} : { range: intervalText(ci95) }),
        extra,
      }));
    writeWhole(files[better], `${JSON.stringify(entries, null, 2)}\n`);
  }
}
