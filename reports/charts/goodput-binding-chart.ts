import type { TopLevelSpec } from 'vega-lite';
import { latencyOf, type SloMetric } from '../../src/core/slo.ts';
import { formatShare, plainPercent, threeFigures } from '../../src/core/units.ts';
import { listText } from '../../src/core/words.ts';
import type { GoodputReport } from '../../src/schema/goodput.ts';
import { METRIC_NAMES } from '../definitions.ts';
import {
  isWhole,
  limited,
  missedMost,
  missedMostText,
  missShare,
  nearProbes,
  type RateGroup,
  rateGroups,
  ratesText,
} from '../goodput-rates.ts';
import type { Chart, Layers, Position } from './chart.ts';
import { KIND_COLOURS } from './miss-kinds.ts';
import { rateAxis, rateDomain } from './rate-axis.ts';
import { COLOURS, SHARE_LABEL } from './theme.ts';

/** What a few requests miss most may be chance. */
const LEAST_MISSES = 5;
const SHAPES: Readonly<Record<SloMetric, string>> = {
  ttft: 'circle',
  tpot: 'square',
  e2e: 'triangle-up',
  'itl.p50': 'diamond',
  'itl.p90': 'cross',
  'itl.p95': 'triangle-down',
  'itl.p99': 'triangle-right',
  'itl.max': 'triangle-left',
};

/** What binds at which rate: the share that misses each limit. None with a single limit, which alone can bind, or where hardly a request misses. */
export function bindingCharts(report: GoodputReport): Chart[] {
  const metrics = limited(report);
  const near = nearProbes(report);
  const groups = rateGroups(report)
    .filter(({ probes }) => probes.every((each) => near.includes(each)))
    .filter(({ probes }) => probes.some(({ met, missed }) => met + missed > 0))
    .toSorted((a, b) => a.rateRps - b.rateRps);
  // What an empty system does at a rate of a running one is not what that does.
  const lowest = groups.findIndex(({ kind }) => kind === 'segment');
  const told = groups.filter(({ kind }, i) => kind !== 'probe' || i < lowest || lowest === -1);
  const title = bindsText(told, metrics);
  if (metrics.length < 2 || groups.length < 2 || title === null) return [];
  const names = metrics.map((metric) => METRIC_NAMES[metric]);
  const cut = groups.some((group) => !isWhole(group))
    ? ' Hollow: of those that were seen before it was cut, of a run the limit alone that they miss most.'
    : '';
  return [
    {
      id: 'misses-by-rate',
      title,
      label: `Share of requests that miss ${listText(names)} against the rate. ${title}.`,
      note: `Share that misses each limit, alone or with others; failed requests miss all. What binds is said where ${LEAST_MISSES} requests or more miss. Thin line: as many may miss, for ${plainPercent(report.at)} % to meet.${cut}`,
      spec: spec(report, groups, metrics),
      table: {
        columns: ['requests/s', ...names.map((name) => `miss ${name}`), 'misses most'],
        rows: groups.map((group) => [
          ratesText(group),
          ...metrics.map((metric) => shareCell(missShare(group, metric))),
          missedMostText(group),
        ]),
      },
    },
  ];
}

function shareCell(share: number | null): string {
  return share === null ? '-' : formatShare(share);
}

/** `TPOT binds from 25.8 requests/s on, TTFT nowhere`; null: hardly a request misses. `groups`: in order of rate. */
function bindsText(groups: readonly RateGroup[], metrics: readonly SloMetric[]): string | null {
  const most = groups.map((group) => missedMost(group, LEAST_MISSES));
  const first = most.findIndex((each) => each !== null);
  if (first === -1) return null;
  const nowhere = metrics.filter((metric) => !most.includes(metric)).map((metric) => METRIC_NAMES[metric]);
  const others = nowhere.length === 0 ? '' : `, ${listText(nowhere)} nowhere`;
  const changes = most.flatMap((each, i) =>
    i > first && each === most[i - 1] ? [] : i < first ? [] : [{ each, at: i }],
  );
  const [one, two, three] = changes;
  if (one === undefined || three !== undefined || changes.some(({ each }) => each === null))
    return sentence(`${countsText(most)} of ${groups.length} rates${others}`);
  const rps = (i: number): string => threeFigures(groups[i]?.probes[0]?.rate_rps ?? 0);
  const start = first === 0 ? 'at every rate' : `from ${rps(first)} requests/s on`;
  return two === undefined
    ? sentence(`${bindText(one.each)} ${start}${others}`)
    : sentence(`${bindText(one.each)} below ${rps(two.at)} requests/s, ${bindText(two.each)} from there on${others}`);
}

type Most = ReturnType<typeof missedMost>;

function bindText(most: Most): string {
  return most === null || most === 'failures' ? 'failures bind' : `${METRIC_NAMES[most]} binds`;
}

/** `TPOT is missed most at 5, TTFT at 2`. */
function countsText(most: readonly Most[]): string {
  const counts = [...Map.groupBy(most, (each) => each)].flatMap(([each, all]) =>
    each === null ? [] : [{ name: each === 'failures' ? each : METRIC_NAMES[each], rates: all.length }],
  );
  const texts = counts
    .toSorted((a, b) => b.rates - a.rates)
    .map(({ name, rates }, i) => (i === 0 ? `most misses are of ${name} at ${rates}` : `of ${name} at ${rates}`));
  return listText(texts);
}

function sentence(text: string): string {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}`;
}

function spec(report: GoodputReport, groups: readonly RateGroup[], metrics: readonly SloMetric[]): TopLevelSpec {
  const values = groups.flatMap((group) =>
    metrics.flatMap((metric) => {
      const share = missShare(group, metric);
      if (share === null) return [];
      const name = METRIC_NAMES[metric];
      const text = `${formatShare(share)} miss ${name} at ${ratesText(group)} requests/s`;
      return [{ rps: group.rateRps, share, name, text, isWhole: isWhole(group), isLine: group.kind !== 'probe' }];
    }),
  );
  const most = Math.max(0.05, 1.2 * (1 - report.at), ...values.map(({ share }) => share));
  const x = rateAxis(rateDomain(values.map(({ rps }) => rps)));
  const y: Position = {
    field: 'share',
    type: 'quantitative',
    scale: { domain: [0, Math.min(1, most * 1.05)] },
    axis: { title: 'share that misses', tickCount: 4, labelExpr: SHARE_LABEL },
  };
  const names = metrics.map((metric) => METRIC_NAMES[metric]);
  const series = {
    color: {
      field: 'name',
      type: 'nominal',
      scale: { domain: names, range: metrics.map((metric) => KIND_COLOURS[latencyOf(metric)]) },
    },
    shape: { field: 'name', type: 'nominal', scale: { domain: names, range: metrics.map((metric) => SHAPES[metric]) } },
  } as const;
  const marks = (whole: boolean): Layers[number] => ({
    data: { values: values.filter((value) => value.isWhole === whole) },
    mark: { type: 'point', filled: whole, size: 46, strokeWidth: 1.5, opacity: 1 },
    encoding: { x, y, ...series, tooltip: { field: 'text', type: 'nominal' } },
  });
  return {
    width: 'container',
    height: 220,
    layer: [
      {
        data: { values: [{ share: 1 - report.at }] },
        mark: { type: 'rule', strokeWidth: 1, color: COLOURS.ink },
        encoding: { y },
      },
      {
        data: { values: values.filter(({ isLine }) => isLine) },
        mark: { type: 'line', strokeWidth: 1.5 },
        encoding: { x, y, color: series.color },
      },
      marks(true),
      marks(false),
    ],
  };
}
