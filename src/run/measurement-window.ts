import { UserError } from '../core/errors.ts';
import { isMeasured, type MeasurementWindow } from '../core/measurement-window.ts';
import type { PlanStats, Source } from '../core/plan.ts';
import { formatMs } from '../core/units.ts';
import type { Manifest } from '../schema/manifest.ts';
import type { RunSpec } from './run-spec.ts';

/**
 * What a run measures: warm-up counts from the replay's start, cool-down back from the last due time. Throws a
 * UserError where no request is due between them.
 */
export function measurementWindow(
  { warmupUs, cooldownUs }: RunSpec['measure'],
  source: Source,
  { lastDueUs, firstDueAfterWarmupUs }: PlanStats,
): MeasurementWindow | null {
  if (warmupUs === 0 && cooldownUs === 0) return null;
  const window = { fromUs: warmupUs, toUs: lastDueUs - cooldownUs };
  if (firstDueAfterWarmupUs !== null && isMeasured(window, firstDueAfterWarmupUs)) return window;
  const [warmup, cooldown, last] = [warmupUs, cooldownUs, lastDueUs].map((us) => formatMs(us / 1000));
  throw new UserError(
    `--warmup ${warmup}, --cooldown ${cooldown}: no request of ${source.name} is due between them, the last is due at ${last}; make them shorter, or replay more of the trace`,
  );
}

/** What a run measured, as its manifest has it. */
export function windowOf({ measured }: Manifest): MeasurementWindow | null {
  return measured === null ? null : { fromUs: measured.from_us, toUs: measured.to_us };
}
