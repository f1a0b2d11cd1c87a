import type { TopLevelSpec } from 'vega-lite';
import { formatMs, threeFigures, timeUnit, withThousands } from '../../src/core/units.ts';
import { countText } from '../../src/core/words.ts';
import type { LatencyBin, LatencyTimeline, TimedLatency } from '../data/latency-timeline.ts';
import { METRIC_NAMES } from '../definitions.ts';
import { plainMs, populationText } from '../format.ts';
import type { Layers, Position } from './chart.ts';
import { cellLayer, domainUnderStrip, failedStrip } from './density.ts';
import { latencyTitle } from './latency-time-findings.ts';
import { logDomain, logTicks, MS_LABEL } from './log-axis.ts';
import { COLOURS, SLO_LINE } from './theme.ts';
import { binsTable, overText, type PanelCandidate } from './time-chart.ts';
import { durationS, hoverLayer, timeFrame, wordsAbove, Y_AXIS } from './time-panel.ts';

export interface LatencyTimeData {
  readonly metric: TimedLatency;
  readonly line: LatencyTimeline;
  readonly limit_ms: number | null;
}

const HEIGHT = 112;
/** Fewer requests make no course over time. */
const LEAST_REQUESTS = 5;
/** Percentiles are drawn of bins of at least so many requests. */
export const ENOUGH_TO_DRAW = 5;
/** Finer than a hundredth of a pixel: the page is full of these numbers. */
const FIGURES = 5;

/** A latency by due time, on a log axis: the more requests the stronger, with two percentiles; failures in a strip on top. */
export function latencyTimeChart(data: LatencyTimeData): PanelCandidate {
  const { metric, line } = data;
  const name = METRIC_NAMES[metric];
  return {
    name: `${name} over time`,
    n: line.count,
    noun: 'answered request',
    ...(line.not_drawn > 0 ? { per: 'of several tokens' } : {}),
    least: LEAST_REQUESTS,
    draw: (hasTimeLabels) => {
      const title = latencyTitle(metric, line);
      return {
        id: `${metric}-over-time`,
        title,
        label: `${name} by due time ${overText(line)}. ${title}.`,
        note: noteOf(data),
        spec: specOf(data, hasTimeLabels),
        table: binsTable(line, {
          requests: ({ count, failed }) => withThousands(count + failed),
          failed: ({ failed }) => withThousands(failed),
          [`${name} p50 (ms)`]: (bin) => percentileCell(bin, bin.p50_ms),
          [`${name} p90 (ms)`]: (bin) => percentileCell(bin, bin.p90_ms),
          [`${name} p99 (ms)`]: (bin) => percentileCell(bin, bin.p99_ms),
        }),
      };
    },
  };
}

function noteOf({ line }: LatencyTimeData): string {
  const { bins, count, failed, not_drawn, tail } = line;
  return [
    `n = ${populationText(count + not_drawn + failed, 'request', failed)}`,
    ...(not_drawn === 0 ? [] : [`${countText(not_drawn, 'request')} of a single token not drawn, counted as met`]),
    ...(bins.some(isEnoughToDraw) ? [`thick: p50, thin: ${tail}`] : []),
  ]
    .join('; ')
    .concat('.');
}

function isEnoughToDraw({ count, failed }: LatencyBin): boolean {
  return count + failed >= ENOUGH_TO_DRAW;
}

function percentileCell({ count, failed }: LatencyBin, ms: number | null): string {
  if (ms !== null) return threeFigures(ms);
  return count + failed === 0 ? '-' : 'fails';
}

function specOf(data: LatencyTimeData, hasTimeLabels: boolean): TopLevelSpec {
  const { metric, line, limit_ms } = data;
  const { bins, tail } = line;
  const cells = bins.flatMap((bin) => bin.cells);
  const limits = limit_ms === null ? [] : [limit_ms];
  const domain = logDomain([...cells.flatMap(({ from_ms, to_ms }) => [from_ms, to_ms]), ...limits], []);
  const y: Position = {
    field: 'ms',
    type: 'quantitative',
    // The vertical grid has the length of the scale's range, which therefore is the whole plot.
    scale: { type: 'log', domain: domainUnderStrip(domain, HEIGHT, line.failed), nice: false },
    axis: { ...Y_AXIS, values: logTicks(domain), labelExpr: MS_LABEL, title: `${METRIC_NAMES[metric]} (log scale)` },
  };
  const { unitS } = timeUnit(durationS(bins));
  return timeFrame(line, { height: HEIGHT, hasTimeLabels }, (x) => [
    densityLayer(bins, unitS, domain[0], { x, y }),
    percentileLayer(bins, `${tail}_ms`, 1, { x, y, unitS, least: domain[0] }),
    percentileLayer(bins, 'p50_ms', 2.5, { x, y, unitS, least: domain[0] }),
    ...(limit_ms === null
      ? []
      : [
          { data: { values: [{ ms: limit_ms }] }, mark: { ...SLO_LINE, clip: true }, encoding: { y } },
          wordsAbove(`dashed: the SLO, ${plainMs(limit_ms)}`),
        ]),
    ...failedStrip(
      bins
        .filter(({ failed }) => failed > 0)
        .map(({ from_s, to_s, count, failed }) => ({
          at: round(from_s / unitS),
          to: round(to_s / unitS),
          share: failed / (count + failed),
        })),
      { x, to: 'to', clip: true },
    ),
    hoverLayer(bins, x, (bin) => binText(data, bin)),
  ]);
}

/** `least`: where values of 0 are drawn, for which a log axis has no place. */
function densityLayer(
  bins: readonly LatencyBin[],
  unitS: number,
  least: number,
  { x, y }: { readonly x: Position; readonly y: Position },
): Layers[number] {
  const cells = bins.flatMap((bin) =>
    bin.cells.map(({ from_ms, to_ms, count }) => ({
      at: round(bin.from_s / unitS),
      to: round(bin.to_s / unitS),
      ms: round(Math.max(least, from_ms)),
      to_ms: round(Math.max(least, to_ms)),
      count,
    })),
  );
  return cellLayer(cells, { x, to: 'to', clip: true }, { y, yTo: 'to_ms' });
}

interface LineAxes {
  readonly x: Position;
  readonly y: Position;
  readonly unitS: number;
  readonly least: number;
}

/** A percentile of each bin, from its start to its end. */
function percentileLayer(
  bins: readonly LatencyBin[],
  key: 'p50_ms' | 'p90_ms' | 'p99_ms',
  strokeWidth: number,
  { x, y, unitS, least }: LineAxes,
): Layers[number] {
  const values = bins.flatMap((bin) => {
    const value = isEnoughToDraw(bin) ? bin[key] : null;
    const ms = value === null ? null : round(Math.max(least, value));
    return [bin.from_s, bin.to_s].map((seconds) => ({ at: round(seconds / unitS), ms }));
  });
  return { data: { values }, mark: { type: 'line', strokeWidth, color: COLOURS.ink, clip: true }, encoding: { x, y } };
}

function binText({ metric, line: { tail } }: LatencyTimeData, bin: LatencyBin): string {
  const { count, failed } = bin;
  if (count + failed === 0) return 'no request was due';
  const percentiles = (['p50', tail] as const).map((name) => {
    const ms = bin[`${name}_ms`];
    return `${name} ${ms === null ? 'fails' : formatMs(ms)}`;
  });
  return `${populationText(count + failed, 'request', failed)}, ${METRIC_NAMES[metric]} ${percentiles.join(', ')}`;
}

function round(value: number): number {
  return Number(value.toPrecision(FIGURES));
}
