import { join } from 'node:path';
import { goodputMarkdown, writeGoodputHtml } from '../../../reports/index.ts';
import { makeDirectory, writeWhole } from '../../runs/run-directory.ts';
import type { GoodputReport } from '../../schema/goodput.ts';

/** Writes `goodput.json`, `goodput.md` and `goodput.html` beside the runs. */
export async function writeGoodput(dir: string, report: GoodputReport): Promise<void> {
  const page = await writeGoodputHtml(report);
  makeDirectory(dir);
  writeWhole(join(dir, 'goodput.json'), `${JSON.stringify(report, null, 2)}\n`);
  writeWhole(join(dir, 'goodput.md'), goodputMarkdown(report));
  writeWhole(join(dir, 'goodput.html'), page);
}
