import { join } from 'node:path';
import type { PlacementReport } from '../../schema/placement.ts';
import { makeDirectory, writeWhole } from '../../runs/run-directory.ts';
import { writePlacementHtml } from '../../../reports/index.ts';

/** `place.json` and `place.html` in a folder that is empty or not there yet. */
export async function writePlacement(dir: string, report: PlacementReport): Promise<void> {
  const page = await writePlacementHtml(report);
  makeDirectory(dir);
  writeWhole(join(dir, 'place.json'), `${JSON.stringify(report, null, 2)}\n`);
  writeWhole(join(dir, 'place.html'), page);
}
