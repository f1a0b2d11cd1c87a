import type { TopLevelSpec } from 'vega-lite';
import { plainPercent, threeFigures } from '../../src/core/units.ts';
import type { GoodputReport } from '../../src/schema/goodput.ts';
import { isWhole, nearProbes, pooled, type RateGroup, rateGroups, ratesText } from '../goodput-rates.ts';
import { shareOf, shareText } from '../goodput-share.ts';
import { letterOf } from '../goodputs-table.ts';
import { boundsOf, carriedText, type TargetGoodput } from '../goodputs-verdict.ts';
import type { Chart, Layers, Position } from './chart.ts';
import { rateAxis, rateDomain } from './rate-axis.ts';
import { markOf } from './target-marks.ts';
import { COLOURS, SHARE_LABEL } from './theme.ts';

interface Point {
  readonly letter: string;
  readonly rps: number;
  readonly share: number;
  readonly isWhole: boolean;
  readonly isLine: boolean;
  readonly text: string;
}

/** Attainment against load of all targets: runs, or segments pooled by rate; what is known of each goodput at the goal. */
export function attainmentOfAll(targets: readonly TargetGoodput[]): Chart {
  const seen = targets.map(({ report }, i) => ({ report, letter: letterOf(i), groups: nearGroups(report) }));
  const all = seen.flatMap(({ report, letter, groups }) => groups.map((group) => pointOf(report, letter, group)));
  const points = nearKnown(all, knownOf(targets));
  const at = targets[0]?.report.at ?? 0.9;
  const texts = targets.map(({ report }, i) => `${letterOf(i)} carries ${carriedText(report)}`);
  return {
    id: 'attainment-of-all',
    title: attainmentTitle(targets, at),
    label: `Share of requests that meet the SLO against the rate. ${texts.join('; ')}.`,
    note: `Each point a run, or segments of about one rate together; hollow: cut once it was decided, at the bound that settled it. Thick lines at ${plainPercent(at)} %, which is wanted: what is known of each goodput.${points.length < all.length ? ' Rates that are far from all of these are in the table alone.' : ''}`,
    spec: attainmentSpec(targets, points, at),
    table: {
      columns: ['', 'requests/s', 'meet the SLO'],
      rows: seen.flatMap(({ report, letter, groups }) =>
        groups.map((group) => [letter, ratesText(group), shareText(pooled(group), report.at)]),
      ),
    },
  };
}

function attainmentTitle(targets: readonly TargetGoodput[], at: number): string {
  const known = knownOf(targets).map(({ letter, rate }) => `${threeFigures(rate)} (${letter})`);
  return known.length === 0
    ? 'Share that meets the SLO, by rate'
    : `${plainPercent(at)} % is met up to about ${known.join(', ')} requests/s`;
}

interface KnownGoodput {
  readonly letter: string;
  readonly rate: number;
  readonly rps: number;
  readonly to: number;
  readonly text: string;
}

/** Those whose goodput is known from both sides. */
function knownOf(targets: readonly TargetGoodput[]): KnownGoodput[] {
  return targets.flatMap(({ report }, i) => {
    const { low, high, rps } = boundsOf(report);
    const text = `${letterOf(i)} carries ${carriedText(report)}`;
    return low === null || high === null || rps === null
      ? []
      : [{ letter: letterOf(i), rate: rps, rps: low, to: high, text }];
  });
}

/** Rates further off than by this factor would press the others together. */
const FAR = 4;

function nearKnown(points: readonly Point[], known: readonly KnownGoodput[]): readonly Point[] {
  if (known.length === 0) return points;
  const [low, high] = [Math.min(...known.map(({ rps }) => rps)) / FAR, Math.max(...known.map(({ to }) => to)) * FAR];
  return points.filter(({ rps }) => rps >= low && rps <= high);
}

function nearGroups(report: GoodputReport): RateGroup[] {
  const near = nearProbes(report);
  return rateGroups(report)
    .filter(({ probes }) => probes.every((each) => near.includes(each)))
    .toSorted((a, b) => a.rateRps - b.rateRps);
}

function pointOf(report: GoodputReport, letter: string, group: RateGroup): Point {
  const whole = isWhole(group);
  return {
    letter,
    rps: group.rateRps,
    share: shareOf(pooled(group), report.at).share,
    isWhole: whole,
    isLine: whole && group.kind !== 'probe',
    text: `${letter} at ${ratesText(group)} requests/s: ${shareText(pooled(group), report.at)} meet the SLO`,
  };
}

function attainmentSpec(targets: readonly TargetGoodput[], points: readonly Point[], at: number): TopLevelSpec {
  const known = knownOf(targets);
  const letters = targets.map((_, i) => letterOf(i));
  const marks = targets.map((_, i) => markOf(i));
  const x = rateAxis(rateDomain([...points.map(({ rps }) => rps), ...known.flatMap(({ rps, to }) => [rps, to])]));
  const lowest = Math.min(at, ...points.map(({ share }) => share)) - 0.05;
  const y: Position = {
    field: 'share',
    type: 'quantitative',
    scale: { domain: [Math.max(0, Math.floor(lowest * 10) / 10), 1], zero: false },
    axis: { title: 'share that meets the SLO', tickCount: 5, labelExpr: SHARE_LABEL },
  };
  const color = {
    field: 'letter',
    type: 'nominal',
    legend: { columns: 6 },
    scale: { domain: letters, range: marks.map((mark) => mark.color) },
  } as const;
  const shape = {
    field: 'letter',
    type: 'nominal',
    legend: { columns: 6 },
    scale: { domain: letters, range: marks.map((mark) => mark.shape) },
  } as const;
  const symbols = (whole: boolean): Layers[number] => ({
    data: { values: points.filter((point) => point.isWhole === whole) },
    mark: { type: 'point', filled: whole, size: 60, strokeWidth: 1.5, opacity: 1 },
    encoding: { x, y, color, shape, tooltip: { field: 'text', type: 'nominal' } },
  });
  return {
    width: 'container',
    height: 280,
    layer: [
      {
        data: { values: [{ at }] },
        mark: { type: 'rule', strokeDash: [6, 4], color: COLOURS.ink },
        encoding: { y: { ...y, field: 'at' } },
      },
      {
        data: { values: points.filter(({ isLine }) => isLine) },
        mark: { type: 'line', strokeWidth: 1.5 },
        encoding: { x, y, color },
      },
      ...known.map((each, i): Layers[number] => ({
        data: { values: [{ ...each, at }] },
        // Beside each other, that each is seen.
        mark: { type: 'rule', strokeWidth: 5, opacity: 0.7, yOffset: (i - (known.length - 1) / 2) * 6 },
        encoding: {
          x,
          x2: { field: 'to' },
          y: { ...y, field: 'at' },
          color,
          tooltip: { field: 'text', type: 'nominal' },
        },
      })),
      symbols(true),
      symbols(false),
    ],
  };
}
