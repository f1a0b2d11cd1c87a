import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { messageOf, UserError } from '../core/errors.ts';
import type { PlacementReport } from '../core/placement.ts';
import { writePlacementHtml } from '../../reports/index.ts';

/** `place.json` and `place.html` in a folder that is empty or not there yet. */
export async function writePlacement(dir: string, report: PlacementReport): Promise<void> {
  const page = await writePlacementHtml(report);
  try {
    mkdirSync(dir, { recursive: true });
    writeFileSync(join(dir, 'place.json'), `${JSON.stringify(report, null, 2)}\n`);
    writeFileSync(join(dir, 'place.html'), page);
  } catch (error) {
    throw new UserError(`${dir}: cannot be written (${messageOf(error)}); choose another --out`, { cause: error });
  }
}
