import { join } from 'node:path';
import type { PlacementReport } from '../../schema/placement.ts';
import { makeDirectory, writeWhole } from '../../runs/run-directory.ts';
import { writePlacementHtml } from '../../../reports/index.ts';

/** Writes `place.json` and `place.html` to `dir`, which is empty or does not exist yet. */
export async function writePlacement(dir: string, report: PlacementReport): Promise<void> {
  const page = await writePlacementHtml(report);
  makeDirectory(dir);
  writeWhole(join(dir, 'place.json'), `${JSON.stringify(report, null, 2)}\n`);
  writeWhole(join(dir, 'place.html'), page);
}
