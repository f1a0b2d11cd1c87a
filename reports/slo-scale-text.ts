import { plainPercent, threeFigures } from '../src/core/units.ts';
import { smallestScale } from '../src/metrics/slo-scales.ts';
import { judgedRequests } from '../src/metrics/stopped.ts';
import type { Summary } from '../src/schema/summary.ts';

/**
 * From which scale of the SLO on the wanted share meets it: `90 % meet 0.83 times the SLO and more`; null where the run was
 * not judged by several.
 */
export function sloScaleText({ slo, requests }: Pick<Summary, 'slo' | 'requests'>): string | null {
  const scales = slo?.scales ?? [];
  if (slo === null || scales.length < 2 || judgedRequests(requests) === 0) return null;
  const { at, state, ci95 } = smallestScale(scales, slo.at);
  const goal = `${plainPercent(slo.at)} %`;
  if (at === null) return `${goal} do not meet it up to ${scales.at(-1)?.scale} times the SLO, the loosest tried`;
  if (state === 'all') return `${goal} meet it from ${at} times the SLO on at least, the tightest tried`;
  const [low, high] = ci95;
  const range = low === null || high === null ? '' : ` (95 % interval ${threeFigures(low)}-${threeFigures(high)})`;
  return `${goal} meet it from ${threeFigures(at)} times the SLO on${range}`;
}
