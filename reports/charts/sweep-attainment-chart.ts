import { formatShare, plainPercent, threeFigures } from '../../src/core/units.ts';
import { countText, listText } from '../../src/core/words.ts';
import type { SweepPoint, SweepReport } from '../../src/schema/sweep.ts';
import { METRIC_NAMES } from '../definitions.ts';
import { intervalText } from '../format.ts';
import { FEW, goodputIn, goodputText, ownGoodputs, rateOf, rateUnit, runPage } from '../sweep-verdict.ts';
import type { Chart } from './chart.ts';
import { shareCurves, type SharePoint } from './share-curves.ts';
import { percentCell } from './time-chart.ts';

/** Attainment against the rate at the SLO itself: a curve a target, a point a run, which a click opens. */
export function attainmentByRate(report: SweepReport, judged: string | null): Chart {
  const { at, per_gpu, targets, workload } = report;
  const names = targets.map(({ name }) => name);
  const own = report.points.filter(({ slo_scale }) => slo_scale === 1);
  const goodputs = ownGoodputs(report);
  const goal = `${plainPercent(at)} %`;
  const upTo = goodputs.map(
    (each) =>
      `${targets.length === 1 ? '' : `${each.target} `}${each.state === 'none' ? '' : 'up to '}${goodputText(each, per_gpu)}`,
  );
  const isFew = targets.length <= FEW;
  const title = isFew
    ? `${goal} meet the SLO: ${listText(upTo)} (${rateUnit(report)})`
    : 'Share that meets the SLO, by rate';
  const withoutInterval = own.filter(({ ci95 }) => ci95 === null).length;
  return {
    id: 'attainment-by-rate',
    title,
    label: `Share of requests that meet the SLO against the rate, of ${countText(own.length, 'run')}. ${title}.`,
    note: `A point is a run of ${countText(workload.requests, 'request')}; click it to open its report. Shaded: its 95 % interval${withoutInterval === 0 ? '' : `; hollow, ${withoutInterval} of ${own.length}: without one, overloaded or of too few independent requests`}. The uprights stand where the curves cross what is wanted, on straight lines between runs.`,
    spec: shareCurves({
      targets: names,
      points: own.map((point) => pointOf(point, report, judged)),
      crossings: goodputs.flatMap((each) => {
        const { rate } = goodputIn(each, per_gpu);
        return rate === null || each.state !== 'between'
          ? []
          : [{ target: each.target, x: rate, words: isFew ? threeFigures(rate) : '' }];
      }),
      goal: at,
      x: {
        scale: { type: 'log', nice: false },
        axis: {
          title: `${rateUnit(report)} (log scale)`,
          tickCount: { expr: 'ceil(width / 90)' },
          grid: false,
          format: '~g',
        },
      },
      sloAt: null,
    }),
    table: {
      columns: ['target', rateUnit(report), 'meet the SLO (%)', '95 % interval', 'TTFT (%)', 'TPOT (%)', 'E2E (%)'],
      rows: own.map((point) => [
        point.target,
        threeFigures(rateOf(point, report)),
        percentCell(point.attainment),
        point.ci95 === null ? '-' : intervalText(point.ci95),
        ...[point.ttft, point.tpot, point.e2e].map((share) => (share === null ? '-' : percentCell(share))),
      ]),
    },
  };
}

function pointOf(point: SweepPoint, report: SweepReport, judged: string | null): SharePoint {
  const { target, attainment, ci95, overloaded, binding, valid, dir } = point;
  const rate = rateOf(point, report);
  const interval = ci95 === null ? (overloaded ? ', overloaded' : '') : ` (${intervalText(ci95)})`;
  const binds = binding === null ? '' : `; most miss ${METRIC_NAMES[binding]}`;
  return {
    target,
    x: rate,
    share: attainment,
    low: ci95?.[0] ?? null,
    high: ci95?.[1] ?? null,
    text: `${target} at ${threeFigures(rate)} ${rateUnit(report)}: ${formatShare(attainment)} meet the SLO${interval}${binds}${valid ? '' : '; not valid'}`,
    href: runPage(dir, judged),
  };
}
