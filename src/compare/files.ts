import { existsSync } from 'node:fs';
import { join, relative, resolve, sep } from 'node:path';
import type { FirstRun } from '../../reports/data/comparison-data.ts';
import { idPrefixOf } from '../../reports/data/report-data.ts';
import { comparisonMarkdown, requestAnchor, writeComparisonHtml } from '../../reports/index.ts';
import { MOST_PART_BYTES, readTextWithin } from '../core/read-within.ts';
import { readRecords } from '../runs/records.ts';
import { checkDirectory, checkTogether, makeDirectory, reportFile, writeWhole } from '../runs/run-directory.ts';
import type { Comparison } from '../schema/comparison.ts';
import type { LoadedRun } from './load-runs.ts';
import { changedRecords } from './most-changed.ts';
import { pageData } from './page-data.ts';

export const comparisonPage = (dir: string): string => join(dir, 'comparison.html');

/** A comparison with the runs of its sides, of which its page shows more. */
export interface Compared {
  readonly comparison: Comparison;
  readonly base: readonly LoadedRun[];
  readonly now: readonly LoadedRun[];
}

/** Throws a UserError where a comparison cannot be written to a folder, before anything is read. */
export function checkPlace(dir: string): void {
  checkDirectory(dir);
  checkTogether(dir, ['comparison.json', 'comparison.md', 'comparison.html'], 'base');
}

/** Writes `comparison.json`, `comparison.md` and `comparison.html`, which links to the runs' reports, into a folder. */
export async function writeComparison(dir: string, { comparison, base, now }: Compared): Promise<void> {
  const links = (runs: readonly LoadedRun[]): (string | null)[] => runs.map((run) => linkTo(reportFile(run.dir), dir));
  const [first, other] = [base[0], now[0]];
  if (first === undefined || other === undefined) throw new Error('there is no run to compare');
  const ids = comparison.most_changed.map(({ request_id }) => request_id);
  const page = await writeComparisonHtml(comparison, {
    ...pageData(comparison, base, now),
    most_changed: await changedRecords(ids, readRecords(first.dir), readRecords(other.dir)),
    first_runs: { base: firstRun(first, ids), new: firstRun(other, ids) },
    reports: { base: links(base), new: links(now) },
  });
  checkPlace(dir);
  makeDirectory(dir);
  writeWhole(join(dir, 'comparison.json'), `${JSON.stringify(comparison, null, 2)}\n`);
  writeWhole(join(dir, 'comparison.md'), comparisonMarkdown(comparison));
  writeWhole(comparisonPage(dir), page);
}

/** What its report shows is read from the report itself, so that no link leads to a record that is not there. */
function firstRun({ dir, manifest }: LoadedRun, ids: readonly string[]): FirstRun {
  const file = reportFile(dir);
  const report = existsSync(file) ? readTextWithin(file, MOST_PART_BYTES) : '';
  return {
    id_prefix: idPrefixOf(manifest),
    starts: manifest.imported?.starts ?? null,
    in_report: new Set(ids.filter((id) => report.includes(`id="${requestAnchor(id)}"`))),
  };
}

/** The file as a link of a page in the folder; null where there is none. */
function linkTo(file: string, dir: string): string | null {
  if (!existsSync(file)) return null;
  const path = relative(resolve(dir), resolve(file));
  return path.split(sep).map(encodeURIComponent).join('/');
}
