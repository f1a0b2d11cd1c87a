import { formatMs, formatShare } from '../../src/core/units.ts';
import type { Slo } from '../../src/core/slo.ts';
import { LEVELS_PERCENT, type SloPlane } from '../data/slo-plane.ts';
import { countText, listText } from '../../src/core/words.ts';
import { plainMs } from '../format.ts';
import type { Chart } from './chart.ts';
import { sloPlaneLayers } from './slo-plane-layers.ts';

export interface SloPlaneData {
  readonly plane: SloPlane;
  /** Null: no SLO was given, and no cross is drawn. */
  readonly slo: Slo | null;
}

const HEIGHT = 210;

/** Limits that could be promised: attainment over limits on TTFT and TPOT, as contours, with the SLO as a cross. */
export function sloPlaneChart({ plane, slo }: SloPlaneData): Chart {
  const title = titleOf(plane, slo);
  const strictest = strictestText(plane, slo);
  const reached = plane.contours.filter(({ points }) => points.length > 0);
  const beyond = [...new Set([...plane.contours.map(({ percent }) => percent), ...LEVELS_PERCENT])]
    .filter((level) => reached.every(({ percent }) => percent !== level))
    .map((percent) => `${percent} %`);
  const limits = [...new Set(reached.flatMap(({ points }) => points.map(({ ttft_ms }) => ttft_ms)))];
  return {
    id: 'slo-plane',
    title,
    label: `Share of requests that would meet each pair of limits on TTFT and TPOT. ${strictest}`,
    note: [
      `n = ${countText(plane.requests, 'request')}`,
      'above and to the right of a line, at least its share of requests meets both limits',
      slo === null ? '' : 'dashed: the SLO',
      plane.never === 0
        ? ''
        : `${countText(plane.never, 'request')} failed${slo?.e2e === undefined ? '' : ` or missed E2E <= ${plainMs(slo.e2e)}`} and meet${plane.never === 1 ? 's' : ''} no pair`,
      beyond.length === 0 ? '' : `no limits reach ${listText(beyond)}`,
    ]
      .filter((part) => part !== '')
      .join('; ')
      .concat(`. ${strictest}`),
    spec: { width: 'container', height: HEIGHT, layer: sloPlaneLayers(plane, slo) },
    table: {
      columns: ['TTFT limit (ms)', ...reached.map(({ percent }) => `TPOT limit that ${percent} % meet (ms)`)],
      rows: limits
        .sort((a, b) => a - b)
        .map((ttft_ms) => [
          String(ttft_ms),
          ...reached.map(({ points }) => {
            const point = points.find((each) => each.ttft_ms === ttft_ms);
            return point === undefined ? '-' : String(Number(point.tpot_ms.toPrecision(6)));
          }),
        ]),
    },
  };
}

/** What these requests would have met: whether others would too is for the interval of the verdict. */
function titleOf(plane: SloPlane, slo: Slo | null): string {
  const { at_percent, share_at_slo, contours, strictest_ttft_ms, strictest_tpot_ms } = plane;
  if (!contours.some(({ percent, points }) => percent >= 50 && points.length > 0))
    return 'No limits on TTFT and TPOT are met by half of the requests';
  if (slo === null || share_at_slo === null) return 'Which limits on TTFT and TPOT could be promised';
  if (share_at_slo * 100 >= at_percent - 1e-9)
    return `The SLO was met by ${formatShare(share_at_slo)} of these requests, ${at_percent} % wanted`;
  const lever =
    strictest_ttft_ms !== null && strictest_tpot_ms === null
      ? ': a looser TTFT limit alone would have'
      : strictest_tpot_ms !== null && strictest_ttft_ms === null
        ? ': a looser TPOT limit alone would have'
        : strictest_ttft_ms === null
          ? ', and one looser limit alone would not have'
          : ': a looser limit on either would have';
  return `The SLO did not reach ${at_percent} %${lever}`;
}

/** The strictest limit along each axis, as a sentence. */
function strictestText({ at_percent, strictest_ttft_ms, strictest_tpot_ms }: SloPlane, slo: Slo | null): string {
  const along = (name: string, ms: number | null, other: string, otherMs: number | undefined): string => {
    const given = otherMs === undefined ? `whatever the ${other}` : `with ${other} <= ${plainMs(otherMs)}`;
    if (ms === null) return `no limit on ${name} was met by ${at_percent} % ${given}`;
    // Of one token, or of tokens that came at once.
    return ms === 0
      ? `${at_percent} % met any limit on ${name} ${given}`
      : `${at_percent} % met ${name} <= ${formatMs(ms)} ${given}`;
  };
  const text = `${along('TTFT', strictest_ttft_ms, 'TPOT', slo?.tpot)}; ${along('TPOT', strictest_tpot_ms, 'TTFT', slo?.ttft)}.`;
  return text.replace(/^n/, 'N');
}
