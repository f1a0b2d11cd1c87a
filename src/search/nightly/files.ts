import { trendMarkdown, writeTrendHtml } from '../../../reports/index.ts';
import { makeDirectory, writeWhole } from '../../runs/run-directory.ts';
import { trendOf, type Trend } from '../../trend/trend.ts';
import { readHistory, trendFiles } from './history.ts';

/** Writes `trend.html` and `trend.md` of a branch beside its runs. */
export async function writeTrend(folder: string, trend: Trend): Promise<void> {
  const html = await writeTrendHtml(trend);
  const { page, markdown } = trendFiles(folder);
  makeDirectory(folder);
  writeWhole(page, html);
  writeWhole(markdown, trendMarkdown(trend));
}

/** The same from what the folder holds; returns what it shows. */
export async function rebuildTrend(folder: string): Promise<Trend> {
  const { nights, accepted } = readHistory(folder);
  const trend = trendOf(nights, accepted?.run_id ?? null);
  await writeTrend(folder, trend);
  return trend;
}
