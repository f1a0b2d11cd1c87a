import type { TopLevelSpec } from 'vega-lite';
import { axisTimeText, formatShare, threeFigures, timeUnit, withThousands } from '../../src/core/units.ts';
import { MISS_KINDS, MISS_PHASES } from '../data/miss.ts';
import { ROUND_S, type MissBin, type Misses } from '../data/misses.ts';
import { listText } from '../../src/core/words.ts';
import { populationText, secondsText } from '../format.ts';
import type { Candidate, Chart } from './chart.ts';
import { KIND_NAMES, PHASE_NAMES, PHASE_VERBS } from './miss-kinds.ts';
import { lengthFinding, mainPhase, worstSpan } from './miss-findings.ts';
import { COLOURS } from './theme.ts';
import { binTable, stackedBars, type StackedBars } from './stacked-bars.ts';

/** Fewer misses are told by the sentence above the charts. */
const LEAST_MISSES = 5;

/** Missed requests by distance from the limit, phase, prompt length and time: four places to look for a reason. `hasTimes`: it is known when
 * requests were due. */
export function missCharts(misses: Misses, hasTimes = true): Candidate[] {
  const answered = misses.missed - misses.kinds.failed;
  const of = (name: string, n: number, noun: string, draw: () => Chart): Candidate => ({
    name,
    n,
    noun,
    least: LEAST_MISSES,
    draw,
  });
  return [
    of('how far', answered, 'missed and answered request', () => farChart(misses)),
    of('phase', answered, 'missed and answered request', () => phaseChart(misses)),
    ...(misses.lengths.length === 0
      ? []
      : [of('length of prompt', misses.missed, 'missed request', () => lengthChart(misses))]),
    ...(hasTimes ? [of('due time', misses.missed, 'missed request', () => timeChart(misses))] : []),
  ];
}

function farChart(misses: Misses): Chart {
  const near = misses.far.slice(0, 2).reduce((sum, bin) => sum + bin.requests, 0);
  const total = misses.far.reduce((sum, bin) => sum + bin.requests, 0);
  const bars: StackedBars = {
    bins: misses.far.map((bin) => ({
      ...bin,
      name: `${bin.to === Infinity ? `>${bin.from}` : `${bin.from}-${bin.to}`}`,
    })),
    xTitle: 'times the limit',
    as: 'count',
  };
  const which = misses.kinds.failed === 0 ? 'misses' : 'answered misses';
  const title = `${formatShare(near / total)} of ${withThousands(total)} ${which} are within 1.5 times the limit`;
  const by = `by how many times the limit; of the limit missed most${failedText(misses)}`;
  return chartOf('misses-far', title, by, misses, bars);
}

function phaseChart(misses: Misses): Chart {
  const main = mainPhase(misses);
  const known = MISS_PHASES.filter((phase) => misses.phases[phase] > 0);
  const title =
    main === null
      ? known.every((phase) => phase === 'unknown')
        ? 'The target does not tell where the time went'
        : 'Misses by the phase that took longest'
      : `${formatShare(main.count / misses.missed)} of misses ${PHASE_VERBS[main.phase]}`;
  return {
    id: 'misses-phase',
    title,
    label: `Missed requests by the phase that took longest. ${known.map((phase) => `${PHASE_NAMES[phase]} ${withThousands(misses.phases[phase])}`).join(', ')}.`,
    note: `n = ${missedText(misses)}; by the phase that took most of the time that the limit is about${failedText(misses)}.`,
    spec: phaseBars(misses),
    table: {
      columns: ['phase', 'missed (requests)'],
      rows: known.map((phase) => [PHASE_NAMES[phase], String(misses.phases[phase])]),
    },
  };
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
    height: 130,
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

function lengthChart(misses: Misses): Chart {
  const { lengths } = misses;
  const long = lengthFinding(misses);
  const title =
    long.kind === 'alike'
      ? 'Prompts of any length miss about as often'
      : long.kind === 'unclear'
        ? 'Misses by length of prompt'
        : `Prompts of ${withThousands(long.from)} tokens and more miss ${threeFigures(long.times)} times as often`;
  const bars: StackedBars = {
    bins: lengths.map((bin) => ({ ...bin, name: lengthName(bin) })),
    xTitle: 'input tokens',
    as: 'share',
  };
  return chartOf('misses-length', title, 'by planned input length', misses, bars);
}

/** Name of a bin by its beginning: `1k+` for 1,024 to 2,047 tokens. */
function lengthName({ from }: MissBin): string {
  return from < 1024 ? `${from}+` : `${from / 1024}k+`;
}

function timeChart(misses: Misses): Chart {
  const span = worstSpan(misses);
  const endS = misses.times.at(-1)?.to ?? 1;
  const title =
    span === null
      ? 'Misses by due time'
      : `${formatShare(span.share)} of misses and ${formatShare(span.of_requests)} of requests were due from ${axisTimeText(span.from, endS)} to ${axisTimeText(span.to, endS)}`;
  const widthS = misses.times[0]?.to ?? 1;
  const { unit, unitS } = timeUnit(endS);
  const stepS = roundStep(misses.times.length * widthS, widthS);
  const nameOf = ({ from }: MissBin): string => String(Number((from / unitS).toFixed(2)));
  const bars: StackedBars = {
    bins: misses.times.map((bin) => ({ ...bin, name: nameOf(bin) })),
    xTitle: `due (${unit} since start)`,
    named: misses.times.filter(({ from }) => isMultiple(from, stepS)).map(nameOf),
    as: 'count',
  };
  return chartOf('misses-time', title, `by due time, in bins of ${secondsText(widthS)}`, misses, bars);
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
    note: `n = ${missedText(misses)}; ${by}.`,
    spec: stackedBars(bars),
    table: binTable(bars, bars.xTitle),
  };
}

function missedText({ missed, requests, kinds }: Misses): string {
  return `${withThousands(missed)} missed of ${populationText(requests, 'request', kinds.failed)}`;
}

function failedText({ kinds }: Misses): string {
  return kinds.failed === 0 ? '' : `; without ${withThousands(kinds.failed)} failed`;
}
