import { join } from 'node:path';
import type { SloSpec } from '../../core/slo.ts';
import { judgedBy, judgedName, mendRun, reportRun } from '../../run/finish.ts';
import type { SweepReport } from '../../schema/sweep.ts';
import { readSweep } from './files.ts';
import { foldSweep, type MeasuredRun, sweepSlo } from './fold.ts';
import { measuredOf } from './point.ts';

/** How a sweep is to be judged; null: as it was. */
export interface SweepJudgement {
  readonly slo: SloSpec | null;
  readonly at: number | null;
  readonly sloScales: readonly number[] | null;
}

/** A sweep judged again from the records of its runs, each of which gets the report that says the same. */
export async function judgeSweep(
  dir: string,
  { slo, at, sloScales }: SweepJudgement,
  judged: (done: number, of: number) => void,
): Promise<{ readonly report: SweepReport; readonly name: string | null }> {
  const before = readSweep(dir);
  const scales = sloScales ?? before.slo_scales;
  const cells = before.points.filter(({ slo_scale }) => slo_scale === 1);
  const runs: MeasuredRun[] = [];
  let name: string | null = null;
  for (const { target, rate_rps, rate_rps_per_gpu, dir: under } of cells) {
    const run = join(dir, under);
    const manifest = judgedBy(await mendRun(run), slo, at);
    name = judgedName(manifest);
    const { requests, valid, scales: found, smallest } = measuredOf(await reportRun(run, manifest, scales), true);
    runs.push({ target, rate_rps, rate_rps_per_gpu, dir: under, requests, valid, scales: found, smallest });
    judged(runs.length, cells.length);
  }
  return {
    report: foldSweep(
      {
        ...before,
        at: at ?? before.at,
        slo: slo === null ? before.slo : sweepSlo(slo),
        slo_scales: scales,
      },
      runs,
    ),
    name,
  };
}
