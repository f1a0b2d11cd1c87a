import { existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { trendMarkdown, writeTrendHtml } from '../../../reports/index.ts';
import { UserError } from '../../core/errors.ts';
import { checkDirectory, checkTogether, makeDirectory, writeWhole } from '../../runs/run-directory.ts';
import type { Comparison } from '../../schema/comparison.ts';
import { trendOf, type Trend } from '../../trend/trend.ts';
import { hasHistory, nightPage, readHistory, trendFiles } from './history.ts';

/** Throws a UserError where the files of a branch cannot be written, or would replace others, before anything is sent. */
export function checkBranchFolder(folder: string): void {
  checkDirectory(folder);
  checkTogether(folder, ['comparison.json'], 'base', '--baseline');
  if (hasHistory(folder)) return;
  const { page, markdown } = trendFiles(folder);
  const foreign = [page, markdown].find((file) => existsSync(file));
  if (foreign !== undefined)
    throw new UserError(
      `--baseline: ${foreign} is there without a history.jsonl, so that Reprise has not written it; name another folder, or remove it`,
    );
}

/** Writes `trend.html` and `trend.md` of a branch beside its runs. */
export async function writeTrend(folder: string, trend: Trend): Promise<void> {
  const html = await writeTrendHtml(trend, (night) => nightPage(folder, night));
  const { page, markdown } = trendFiles(folder);
  makeDirectory(folder);
  writeWhole(page, html);
  writeWhole(markdown, trendMarkdown(trend));
}

/** Writes `comparison.json`, of the last night; without one it goes, as it would be of another. */
export function writeLastComparison(folder: string, comparison: Comparison | null): void {
  const file = join(folder, 'comparison.json');
  if (comparison === null) rmSync(file, { force: true });
  else writeWhole(file, `${JSON.stringify(comparison, null, 2)}\n`);
}

/** The trend from what the folder holds; returns what it shows. */
export async function rebuildTrend(folder: string): Promise<Trend> {
  const { nights, accepted } = readHistory(folder);
  const trend = trendOf(nights, accepted?.run_id ?? null);
  await writeTrend(folder, trend);
  return trend;
}
