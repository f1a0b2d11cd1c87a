import { UserError } from '../core/errors.ts';
import { isMeasured, type MeasurementWindow } from '../core/measurement-window.ts';
import type { PlanStats, Source } from '../core/plan.ts';
import { formatMs } from '../core/units.ts';
import type { Manifest } from '../schema/manifest.ts';
import type { RunSpec } from './run-spec.ts';

/**
 * The measurement window of a run: warm-up counts from the start of the replay, cool-down back from the last due time.
 * Null: the whole run. `dependsOnAnswers`: due times do, so that the end is not known. Throws a UserError if no request is due in the window.
 */
export function measurementWindow(
  { warmupUs, cooldownUs }: RunSpec['measure'],
  source: Source,
  { lastDueUs, firstDueAfterWarmupUs }: PlanStats,
  dependsOnAnswers: boolean,
): MeasurementWindow | null {
  if (warmupUs === 0 && cooldownUs === 0) return null;
  if (dependsOnAnswers) {
    if (cooldownUs === 0) return { fromUs: warmupUs, toUs: Number.MAX_SAFE_INTEGER };
    throw new UserError(
      '--cooldown: when the last request is due depends on the answers; leave it out, or give --sessions trace',
    );
  }
  const window = { fromUs: warmupUs, toUs: lastDueUs - cooldownUs };
  if (firstDueAfterWarmupUs !== null && isMeasured(window, firstDueAfterWarmupUs)) return window;
  const [warmup, cooldown, last] = [warmupUs, cooldownUs, lastDueUs].map((us) => formatMs(us / 1000));
  throw new UserError(
    `--warmup ${warmup}, --cooldown ${cooldown}: no request of ${source.name} is due between them, the last is due at ${last}; make them shorter, or replay more of the trace`,
  );
}

/** The measurement window in a run's manifest; null: the whole run was measured. */
export function windowOf({ measured }: Manifest): MeasurementWindow | null {
  return measured === null ? null : { fromUs: measured.from_us, toUs: measured.to_us };
}
