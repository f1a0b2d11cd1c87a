import { join } from 'node:path';
import { makeDirectory, writeWhole } from '../runs/run-directory.ts';
import type { Comparison } from '../schema/comparison.ts';

export const comparisonFile = (dir: string): string => join(dir, 'comparison.json');

/** Writes `comparison.json` into a folder. */
export async function writeComparison(dir: string, comparison: Comparison): Promise<void> {
  makeDirectory(dir);
  writeWhole(comparisonFile(dir), `${JSON.stringify(comparison, null, 2)}\n`);
}
