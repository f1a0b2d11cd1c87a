import { plainPercent, threeFigures, threeFiguresUp } from '../src/core/units.ts';
import { judgedRequests } from '../src/metrics/stopped.ts';
import type { Summary } from '../src/schema/summary.ts';

/**
 * From which scale of the SLO on the wanted share meets it: `90 % meet it from 0.830 times the SLO on`; null where the run
 * was not judged by several.
 */
export function sloScaleText({ slo, requests }: Pick<Summary, 'slo' | 'requests'>): string | null {
  if (slo?.smallest_scale === undefined || judgedRequests(requests) === 0) return null;
  if ((slo.scales ?? []).length < 2) return null;
  const { scale, ci95_scale } = slo.smallest_scale;
  const goal = `${plainPercent(slo.at)} %`;
  if (scale === null)
    return `${goal} meet it at no scale of the SLO: too many requests failed, or have no known latency`;
  const [low, high] = ci95_scale;
  const range = low === null || high === null ? '' : ` (95 % interval ${threeFigures(low)}-${threeFigures(high)})`;
  return `${goal} meet it from ${threeFiguresUp(scale)} times the SLO on${range}`;
}
