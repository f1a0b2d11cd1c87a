import { join } from 'node:path';
import { goodputMarkdown, writeGoodputHtml } from '../../../reports/index.ts';
import { checkTogether, makeDirectory, writeWhole } from '../../runs/run-directory.ts';
import type { GoodputReport } from '../../schema/goodput.ts';
import { type Keep, keptOf, removeOthers } from './keep.ts';

/**
 * Writes what a search has found, then removes the runs that do not stay: what was interrupted before needs them.
 * Returns what was written.
 */
export async function leaveGoodput(dir: string, report: GoodputReport, keep: Keep): Promise<GoodputReport> {
  const kept = keptOf(report, keep);
  await writeGoodput(dir, kept);
  removeOthers(dir, report, kept);
  return kept;
}

/** Throws a UserError where the files of a search would replace others. */
export function checkGoodputFiles(dir: string): void {
  checkTogether(dir, ['goodput.json', 'goodput.md', 'goodput.html'], 'of');
}

/** Writes `goodput.json`, `goodput.md` and `goodput.html` beside the runs. */
async function writeGoodput(dir: string, report: GoodputReport): Promise<void> {
  const page = await writeGoodputHtml(report);
  makeDirectory(dir);
  writeWhole(join(dir, 'goodput.json'), `${JSON.stringify(report, null, 2)}\n`);
  writeWhole(join(dir, 'goodput.md'), goodputMarkdown(report));
  writeWhole(join(dir, 'goodput.html'), page);
}
