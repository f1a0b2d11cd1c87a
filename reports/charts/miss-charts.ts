import type { TopLevelSpec } from 'vega-lite';
import { formatShare, threeFigures, withThousands } from '../../src/core/units.ts';
import { MISS_KINDS, MISS_PHASES } from '../data/miss.ts';
import { ROUND_S, type MissBin, type Misses } from '../data/misses.ts';
import { countText, listText, secondsText } from '../format.ts';
import type { Chart } from './chart.ts';
import { KIND_NAMES, PHASE_NAMES, PHASE_VERBS } from './miss-kinds.ts';
import { ENOUGH_TO_PLACE, longPrompts, mainPhase, worstSpan } from './miss-findings.ts';
import { COLOURS } from './theme.ts';
import { timeUnit } from './time-panel.ts';
import { binTable, stackedBars, type StackedBars } from './stacked-bars.ts';

/** Missed requests by distance from the limit, phase, prompt length and time: four places to look for a reason. */
export function missCharts(misses: Misses): Chart[] {
  return [farChart, phaseChart, lengthChart, timeChart].flatMap((chart) => chart(misses));
}

function farChart(misses: Misses): Chart[] {
  const near = misses.far.slice(0, 2).reduce((sum, bin) => sum + bin.requests, 0);
  const total = misses.far.reduce((sum, bin) => sum + bin.requests, 0);
  if (total === 0) return [];
  const bars: StackedBars = {
    bins: misses.far.map((bin) => ({
      ...bin,
      name: `${bin.to === Infinity ? `>${bin.from}` : `${bin.from}-${bin.to}`}`,
    })),
    xTitle: 'times the limit',
    as: 'count',
  };
  const title = `${formatShare(near / total)} of misses are within 1.5 times the limit`;
  return [
    chartOf(
      'misses-far',
      title,
      `by how many times the limit; of the limit missed most${failedText(misses)}`,
      misses,
      bars,
    ),
  ];
}

function phaseChart(misses: Misses): Chart[] {
  const main = mainPhase(misses);
  if (main === null) return [];
  const known = MISS_PHASES.filter((phase) => misses.phases[phase] > 0);
  const title =
    main.phase === 'unknown'
      ? 'The target does not tell where the time went'
      : `${formatShare(main.count / misses.missed)} of misses ${PHASE_VERBS[main.phase]}`;
  return [
    {
      id: 'misses-phase',
      title,
      label: `Missed requests by the phase that took longest. ${known.map((phase) => `${PHASE_NAMES[phase]} ${withThousands(misses.phases[phase])}`).join(', ')}.`,
      note: `n = ${countText(misses.missed, 'missed request')}; by the phase that took most of the time that the limit is about${failedText(misses)}.`,
      spec: phaseBars(misses),
      table: {
        columns: ['phase', 'missed (requests)'],
        rows: known.map((phase) => [PHASE_NAMES[phase], String(misses.phases[phase])]),
      },
    },
  ];
}

/** Missed requests by the phase that took longest, in the order in which a request passes them. */
function phaseBars({ phases, missed }: Misses): TopLevelSpec {
  const values = MISS_PHASES.filter((phase) => phases[phase] > 0).map((phase) => ({
    name: PHASE_NAMES[phase],
    value: phases[phase],
    text: `${PHASE_NAMES[phase]}: ${withThousands(phases[phase])} of ${withThousands(missed)} (${formatShare(phases[phase] / missed)})`,
  }));
  return {
    width: 'container',
    height: 150,
    data: { values },
    mark: { type: 'bar', color: COLOURS.first, width: { band: 0.6 } },
    encoding: {
      x: {
        field: 'name',
        type: 'ordinal',
        sort: null,
        axis: {
          title: 'phase that took longest',
          labelAngle: 0,
          labelExpr: "split(datum.label, ' ')",
          labelOverlap: false,
          ticks: false,
        },
      },
      y: {
        field: 'value',
        type: 'quantitative',
        scale: { zero: true },
        axis: { title: 'missed requests', tickCount: 4, tickMinStep: 1 },
      },
      tooltip: { field: 'text', type: 'nominal' },
    },
  };
}

function lengthChart(misses: Misses): Chart[] {
  const { lengths } = misses;
  if (lengths.length === 0) return [];
  const long = longPrompts(misses);
  const title =
    long === null
      ? lengths.length === 1
        ? 'Misses by length of prompt'
        : 'Longer prompts do not miss clearly more often'
      : `Prompts of ${withThousands(long.from)} tokens and more miss ${threeFigures(long.times)} times as often`;
  const bars: StackedBars = {
    bins: lengths.map((bin) => ({ ...bin, name: lengthName(bin) })),
    xTitle: 'input tokens',
    as: 'share',
  };
  return [chartOf('misses-length', title, 'by planned input length', misses, bars)];
}

/** Name of a bin by its beginning: `1k+` for 1,024 to 2,047 tokens. */
function lengthName({ from }: MissBin): string {
  return from < 1024 ? `${from}+` : `${from / 1024}k+`;
}

function timeChart(misses: Misses): Chart[] {
  const span = worstSpan(misses);
  const title =
    span === null
      ? misses.missed < ENOUGH_TO_PLACE
        ? 'Too few misses to say when they come'
        : 'No short part of the run holds most misses'
      : `${formatShare(span.share)} of misses were due from ${secondsText(span.from)} to ${secondsText(span.to)}`;
  const widthS = misses.times[0]?.to ?? 1;
  const { unit, unitS } = timeUnit(misses.times.at(-1)?.to ?? 1);
  const stepS = roundStep(misses.times.length * widthS, widthS);
  const nameOf = ({ from }: MissBin): string => String(Number((from / unitS).toFixed(2)));
  const bars: StackedBars = {
    bins: misses.times.map((bin) => ({ ...bin, name: nameOf(bin) })),
    xTitle: `due (${unit} since start)`,
    named: misses.times.filter(({ from }) => isMultiple(from, stepS)).map(nameOf),
    as: 'count',
  };
  return [chartOf('misses-time', title, `by due time, in bins of ${secondsText(widthS)}`, misses, bars)];
}

/** Seconds between two names on an axis: a round number of bins, and at most eight names. */
function roundStep(lengthS: number, widthS: number): number {
  return ROUND_S.find((step) => isMultiple(step, widthS) && lengthS / step <= 8) ?? lengthS;
}

function isMultiple(value: number, of: number): boolean {
  return Math.abs(value / of - Math.round(value / of)) < 1e-6;
}

function chartOf(id: string, title: string, by: string, misses: Misses, bars: StackedBars): Chart {
  const kinds = MISS_KINDS.filter((kind) => misses.kinds[kind] > 0).map(
    (kind) => `${KIND_NAMES[kind]} ${withThousands(misses.kinds[kind])}`,
  );
  return {
    id,
    title,
    label: `Missed requests, ${by}. ${title}. By limit: ${listText(kinds)}.`,
    note: `n = ${withThousands(misses.missed)} missed of ${countText(misses.requests, 'request')}; ${by}.`,
    spec: stackedBars(bars),
    table: binTable(bars, bars.xTitle),
  };
}

function failedText({ kinds }: Misses): string {
  return kinds.failed === 0 ? '' : `; without ${withThousands(kinds.failed)} failed`;
}
