import type { TopLevelSpec } from 'vega-lite';
import { formatShare, plainPercent, threeFigures, withThousands } from '../../src/core/units.ts';
import { countText } from '../../src/core/words.ts';
import type { GoodputProbe, GoodputReport } from '../../src/schema/goodput.ts';
import { shareOf, shareText } from '../goodput-share.ts';
import { probeText } from '../goodput-table.ts';
import { usableInterval } from '../goodput-verdict.ts';
import type { Chart, Layers, Position } from './chart.ts';
import { COLOURS, SHARE_LABEL } from './theme.ts';

/** Fewer segments have no course. */
const LEAST_SEGMENTS = 4;
/** Rates so near to the goodput have settled, as a share of it. */
const SETTLED = 0.15;

/** A segment of traffic, in order of time. */
interface Step {
  readonly probe: GoodputProbe;
  /** Requests that had come due by its end. */
  readonly requests: number;
  readonly side: 'below' | 'above';
}

/** The course of a search of traffic: shares and rates of its segments in order of time, so that drift is seen. */
export function courseCharts(report: GoodputReport): Chart[] {
  let requests = 0;
  const steps = report.probes.flatMap((probe): Step[] => {
    requests += probe.requests_used;
    const side = probe.rate_rps <= (report.goodput_rps ?? Infinity) ? 'below' : 'above';
    return probe.kind === 'segment' ? [{ probe, requests, side }] : [];
  });
  return steps.length < LEAST_SEGMENTS ? [] : [sharesInTime(report, steps), ratesInTime(report, steps)];
}

/** Of several goals the first. */
function goalText({ answers, at }: GoodputReport): string {
  return answers.length < 2 ? '' : ` of ${plainPercent(at)} %`;
}

function sidesNote(report: GoodputReport): string {
  return report.goodput_rps === null
    ? ''
    : ` Circle: at a rate below the goodput${goalText(report)}; triangle: above it.`;
}

function sharesInTime(report: GoodputReport, steps: readonly Step[]): Chart {
  const median = (side: Step['side']): number | null => {
    const shares = steps
      .filter((step) => step.side === side)
      .map(({ probe }) => probe.attainment)
      .filter((share) => share !== null)
      .toSorted((a, b) => a - b);
    return shares[Math.floor((shares.length - 1) / 2)] ?? null;
  };
  const [below, above] = [median('below'), median('above')];
  const title =
    below === null || above === null
      ? 'Share that meets the SLO, segment by segment'
      : `Segments below the goodput${goalText(report)} meet ${formatShare(below)} at the median, those above ${formatShare(above)}`;
  return {
    id: 'shares-in-time',
    title,
    label: `Share that meets the SLO of ${steps.length} segments in order of time. ${title}.`,
    note: `n = ${countText(steps.length, 'segment')}, in order of time.${sidesNote(report)} Shares that drift, or that stay low after a segment above the goodput, show that the system carries something over.`,
    spec: spec(steps, {
      y: {
        field: 'share',
        type: 'quantitative',
        scale: { domain: [0, 1] },
        axis: { title: 'share that meets the SLO', tickCount: 4, labelExpr: SHARE_LABEL },
      },
      at: report.at,
      behind: [
        {
          data: { values: [{ share: report.at }] },
          mark: { type: 'rule', strokeDash: [6, 4], color: COLOURS.ink },
          encoding: { y: { field: 'share', type: 'quantitative' } },
        },
      ],
    }),
    table: stepsTable(report, steps),
  };
}

function ratesInTime(report: GoodputReport, steps: readonly Step[]): Chart {
  const { goodput_rps: goodput } = report;
  const [answer] = report.answers;
  const interval = answer === undefined ? null : usableInterval(answer);
  const isFar = ({ probe }: Step): boolean => goodput === null || Math.abs(probe.rate_rps / goodput - 1) > SETTLED;
  const lastFar = steps.findLastIndex(isFar);
  const [from] = steps.slice(lastFar).map(({ requests }) => requests);
  const near = `within ${plainPercent(SETTLED)} % of the goodput`;
  const title =
    goodput === null || report.answers.length > 1 || lastFar === steps.length - 1
      ? 'The rates that were tried, segment by segment'
      : lastFar === -1
        ? `Every segment is ${near}`
        : `After ${withThousands(from ?? 0)} requests every segment is ${near}`;
  const y = (field: 'rate' | 'low'): Position => ({
    field,
    type: 'quantitative',
    scale: { zero: false },
    axis: { title: 'requests/s', tickCount: 4 },
  });
  return {
    id: 'rates-in-time',
    title,
    label: `Rate of ${steps.length} segments in order of time. ${title}.`,
    note: `n = ${countText(steps.length, 'segment')}.${sidesNote(report)} Each rate is chosen by the segments before it, in turn a little below and above where the goodput was thought to be${interval === null ? '' : '; shaded: the 95 % interval that was found'}.`,
    spec: spec(steps, {
      y: y('rate'),
      at: report.at,
      behind:
        interval === null
          ? []
          : [
              {
                data: { values: [{ low: interval[0], high: interval[1] }] },
                mark: { type: 'rect', color: COLOURS.second, opacity: 0.25 },
                encoding: { y: y('low'), y2: { field: 'high' } },
              },
            ],
    }),
    table: stepsTable(report, steps),
  };
}

function stepsTable({ at }: GoodputReport, steps: readonly Step[]): Chart['table'] {
  return {
    columns: ['requests so far', 'requests/s', 'meet the SLO'],
    rows: steps.map(({ probe, requests }) => [
      withThousands(requests),
      threeFigures(probe.rate_rps),
      shareText(probe, at),
    ]),
  };
}

interface Drawing {
  readonly y: Position;
  readonly at: number;
  readonly behind: Layers;
}

function spec(steps: readonly Step[], { y, at, behind }: Drawing): TopLevelSpec {
  const values = steps.map(({ probe, requests, side }) => ({
    requests,
    side,
    rate: probe.rate_rps,
    share: shareOf(probe, at).share,
    isCut: probe.attainment === null,
    text: `after ${withThousands(requests)} requests: ${probeText(probe, at)}`,
  }));
  const x: Position = {
    field: 'requests',
    type: 'quantitative',
    scale: { zero: true, nice: false },
    axis: { title: 'requests so far', tickCount: { expr: 'ceil(width / 90)' }, grid: false, format: ',d' },
  };
  const sides = ['below', 'above'];
  const color = {
    field: 'side',
    type: 'nominal',
    legend: null,
    scale: { domain: sides, range: [COLOURS.first, COLOURS.second] },
  } as const;
  const shape = {
    field: 'side',
    type: 'nominal',
    legend: null,
    scale: { domain: sides, range: ['circle', 'triangle-up'] },
  } as const;
  const marks = (isCut: boolean): Layers[number] => ({
    data: { values: values.filter((value) => value.isCut === isCut) },
    mark: { type: 'point', filled: !isCut, size: 40, strokeWidth: 1.5, opacity: 1 },
    encoding: { x, y, color, shape, tooltip: { field: 'text', type: 'nominal' } },
  });
  return {
    width: 'container',
    height: 180,
    layer: [
      ...behind,
      { data: { values }, mark: { type: 'line', strokeWidth: 1, opacity: 0.6 }, encoding: { x, y, color } },
      marks(false),
      marks(true),
    ],
  };
}
