import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { trendMarkdown, writeTrendHtml } from '../../../reports/index.ts';
import { makeDirectory, writeWhole } from '../../runs/run-directory.ts';
import type { Comparison } from '../../schema/comparison.ts';
import { trendOf, type Trend } from '../../trend/trend.ts';
import { nightPage, readHistory, trendFiles } from './history.ts';

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
