import type { Slo } from '../../src/core/slo.ts';
import { formatShare, plainPercent, threeFigures } from '../../src/core/units.ts';
import { countText } from '../../src/core/words.ts';
import { scaledSlo, smallestScale } from '../../src/metrics/slo-scales.ts';
import type { SloScale } from '../../src/schema/attainment.ts';
import { METRIC_NAMES } from '../definitions.ts';
import { intervalText, limitsText } from '../format.ts';
import type { Chart } from './chart.ts';
import { shareCurves } from './share-curves.ts';
import { percentCell } from './time-chart.ts';

interface SloScaleData {
  readonly scales: readonly SloScale[];
  readonly limits_ms: Slo;
  readonly at: number;
  /** Requests that are judged. */
  readonly n: number;
}

/** Attainment against the scale of the SLO, of one run. */
export function sloScaleChart({ scales, limits_ms, at, n }: SloScaleData): Chart {
  const found = smallestScale(scales, at);
  const title = titleOf(found, scales, at);
  const withoutInterval = scales.filter(({ ci95 }) => ci95 === null).length;
  return {
    id: 'slo-scales',
    title,
    label: `Share of requests that meet the SLO against its scale. ${title}.`,
    note: `n = ${countText(n, 'request')}; every limit times the scale, of the same requests; at the dashed upright the SLO itself, ${limitsText(limits_ms)}. Shaded: 95 % intervals${withoutInterval === 0 ? '' : `; hollow: without one`}.`,
    spec: shareCurves({
      targets: [''],
      points: scales.map(({ scale, attainment, ci95, overloaded, binding }) => ({
        target: '',
        x: scale,
        share: attainment,
        low: ci95?.[0] ?? null,
        high: ci95?.[1] ?? null,
        text: `${formatShare(attainment)} meet ${limitsText(scaledSlo(limits_ms, scale))}${ci95 === null ? (overloaded ? ', overloaded' : '') : ` (${intervalText(ci95)})`}${binding === null ? '' : `; ${METRIC_NAMES[binding]} binds`}`,
      })),
      crossings:
        found.at === null || found.state !== 'between'
          ? []
          : [{ target: '', x: found.at, words: threeFigures(found.at) }],
      goal: at,
      x: {
        scale: { zero: false, nice: false },
        axis: { title: 'SLO scale', grid: false, tickCount: { expr: 'ceil(width / 80)' } },
      },
      sloAt: 1,
    }),
    table: {
      columns: ['SLO scale', 'limits', 'meet it (%)', '95 % interval', 'TTFT (%)', 'TPOT (%)', 'E2E (%)'],
      rows: scales.map(({ scale, attainment, ci95, ttft, tpot, e2e }) => [
        String(scale),
        limitsText(scaledSlo(limits_ms, scale)),
        percentCell(attainment),
        ci95 === null ? '-' : intervalText(ci95),
        ...[ttft, tpot, e2e].map((share) => (share === null ? '-' : percentCell(share))),
      ]),
    },
  };
}

function titleOf(
  { at: scale, state }: ReturnType<typeof smallestScale>,
  scales: readonly SloScale[],
  at: number,
): string {
  const goal = `${plainPercent(at)} %`;
  if (scale === null) return `Not even ${scales.at(-1)?.scale} times the SLO is met by ${goal}`;
  if (state === 'all') return `The SLO could be as tight as ${scale} times its limits, and perhaps tighter`;
  return scale <= 1
    ? `The SLO could be tightened to ${threeFigures(scale)} times its limits`
    : `The SLO would have to be loosened to ${threeFigures(scale)} times its limits`;
}
