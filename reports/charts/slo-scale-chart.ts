import type { Slo } from '../../src/core/slo.ts';
import { formatShare, plainPercent, threeFiguresUp } from '../../src/core/units.ts';
import { countText } from '../../src/core/words.ts';
import { scaledSlo } from '../../src/metrics/slo-scales.ts';
import type { SloScale, SmallestScale } from '../../src/schema/attainment.ts';
import { METRIC_NAMES } from '../definitions.ts';
import { intervalText, limitsText } from '../format.ts';
import type { Chart } from './chart.ts';
import { shareCurves } from './share-curves.ts';
import { percentCell } from './time-chart.ts';

interface SloScaleData {
  readonly scales: readonly SloScale[];
  readonly smallest: SmallestScale;
  readonly limits_ms: Slo;
  readonly at: number;
  /** Requests that are judged. */
  readonly n: number;
}

/** Attainment against the scale of the SLO, of one run. */
export function sloScaleChart({ scales, smallest, limits_ms, at, n }: SloScaleData): Chart {
  const title = titleOf(smallest.scale, at);
  const crossing = pointOf(smallest, scales);
  const points = [...scales, ...(crossing === null ? [] : [crossing])].toSorted((a, b) => a.scale - b.scale);
  const withoutInterval = points.filter(({ ci95 }) => ci95 === null).length;
  return {
    id: 'slo-scales',
    title,
    label: `Share of requests that meet the SLO against its scale. ${title}.`,
    note: `n = ${countText(n, 'request')}; every limit times the scale, of the same requests; at the dashed upright the SLO itself, ${limitsText(limits_ms)}. Shaded: 95 % intervals${withoutInterval === 0 ? '' : `; hollow: without one`}.`,
    spec: shareCurves({
      targets: [''],
      points: points.map(({ scale, attainment, ci95, overloaded, binding }) => ({
        target: '',
        x: scale,
        share: attainment,
        low: ci95?.[0] ?? null,
        high: ci95?.[1] ?? null,
        text: `${formatShare(attainment)} meet ${limitsText(scaledSlo(limits_ms, scale))}${ci95 === null ? (overloaded ? ', overloaded' : '') : ` (${intervalText(ci95)})`}${binding === null ? '' : `; ${METRIC_NAMES[binding]} binds`}`,
      })),
      crossings: crossing === null ? [] : [{ target: '', x: crossing.scale, words: threeFiguresUp(crossing.scale) }],
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

type Point = Pick<SloScale, 'scale' | 'attainment' | 'ci95' | 'overloaded' | 'binding'>;

/** Where the curve reaches the goal, a point of its own: the line between two scales would cross it elsewhere. Null: beyond. */
function pointOf({ scale, attainment, ci95 }: SmallestScale, scales: readonly SloScale[]): Point | null {
  const [tightest = 0, loosest = 0] = [scales[0]?.scale, scales.at(-1)?.scale];
  if (scale === null || attainment === null || scale <= tightest || scale > loosest) return null;
  return { scale, attainment, ci95, overloaded: false, binding: null };
}

function titleOf(scale: number | null, at: number): string {
  const goal = `${plainPercent(at)} %`;
  if (scale === null) return `At no scale is the SLO met by ${goal}`;
  return scale <= 1
    ? `The SLO could be tightened to ${threeFiguresUp(scale)} times its limits`
    : `The SLO would have to be loosened to ${threeFiguresUp(scale)} times its limits`;
}
