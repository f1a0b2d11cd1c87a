import { existsSync, readdirSync, renameSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { MOST_JSON_BYTES, readTextWithin } from '../../core/read-within.ts';
import { reportRun, summaryOfRecords } from '../../run/finish.ts';
import { hasSummary, reportFile, UNFINISHED_SUFFIX } from '../../runs/run-directory.ts';
import type { Manifest } from '../../schema/manifest.ts';
import { summarySchema, type Summary } from '../../schema/summary.ts';

/** Whether a run stands in `dir`; what a client that was killed has left of one there is removed. */
export function hasRun(dir: string): boolean {
  rmSync(aside(dir), { recursive: true, force: true });
  if (!existsSync(dir)) return false;
  if (!isUnbegun(dir)) return true;
  rmSync(dir, { recursive: true });
  return false;
}

/** What a client that was killed as it made a run directory leaves: no run.json, and no records. */
function isUnbegun(dir: string): boolean {
  return (
    statSync(dir).isDirectory() &&
    readdirSync(dir, { recursive: true, encoding: 'utf8' }).every(
      (name) => name === 'requests' || /^run\.json\.\d+\.tmp$/.test(name),
    )
  );
}

/** Under another name first: a kill leaves no half of a run under its own. */
export function removeRun(dir: string): void {
  rmSync(aside(dir), { recursive: true, force: true });
  renameSync(dir, aside(dir));
  rmSync(aside(dir), { recursive: true });
}

const aside = (dir: string): string => dir + UNFINISHED_SUFFIX;

/**
 * The summary of a run that has ended, from its records, since its file has no seal; its report is made where it is missing
 * (its page is written last), or says anything else.
 */
export async function summaryOf(dir: string, manifest: Manifest, sloScales: readonly number[] = []): Promise<Summary> {
  const summary = await summaryOfRecords(dir, manifest, sloScales);
  return existsSync(reportFile(dir)) && hasSummary(dir, summary) ? summary : reportRun(dir, manifest, sloScales);
}

/** The summary of a run whose report is made. */
export function readSummary(dir: string): Summary {
  return summarySchema.parse(JSON.parse(readTextWithin(join(dir, 'summary.json'), MOST_JSON_BYTES)));
}
