import { existsSync, rmdirSync } from 'node:fs';
import { join } from 'node:path';
import type { GoodputReport } from '../../schema/goodput.ts';
import { removeRun } from './run-folders.ts';

/** Which runs of a search stay: all; the two at the ends of the first bracket, or those of traffic; none. */
export const KEEP = ['all', 'last', 'none'] as const;
export type Keep = (typeof KEEP)[number];

/** What is said of a search once only the runs stay that are to be kept. */
export function keptOf(report: GoodputReport, keep: Keep): GoodputReport {
  const isKept = ({ kind, rate_rps }: GoodputReport['probes'][number]): boolean =>
    keep === 'all' || (keep === 'last' && (kind !== 'run' || report.bracket_rps.includes(rate_rps)));
  return { ...report, probes: report.probes.map((probe) => (isKept(probe) ? probe : { ...probe, dir: null })) };
}

/** Removes the runs that `kept` does not name any more; `dir`: the folder of goodput.json. */
export function removeOthers(dir: string, report: GoodputReport, kept: GoodputReport): void {
  const stay = new Set(namesOf(kept));
  for (const name of new Set(namesOf(report))) if (!stay.has(name)) removeRun(join(dir, name));
  const probes = join(dir, 'probes');
  if (!existsSync(probes)) return;
  try {
    rmdirSync(probes);
  } catch {
    // It holds runs.
  }
}

function namesOf({ probes }: GoodputReport): string[] {
  return probes.flatMap(({ dir }) => dir ?? []);
}
