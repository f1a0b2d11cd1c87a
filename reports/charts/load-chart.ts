import { threeFigures } from '../../src/core/units.ts';
import type { Timeline } from '../data/timeline.ts';
import { afterWords, countWords, secondsWords } from '../format.ts';
import type { Chart } from './chart.ts';
import { COLOURS } from './theme.ts';
import { binWords, timePanel, type TimeSeries } from './time-panel.ts';

/** The rate of fewer requests has no peak to speak of. */
const ENOUGH = 10;

const perSecond = (value: number): string => `${threeFigures(value)}/s`;

const ARRIVALS: TimeSeries = {
  name: 'arrivals',
  mark: 'area',
  color: COLOURS.first,
  value: (bin) => bin.arrivals_per_s,
  words: perSecond,
};
const COMPLETIONS: TimeSeries = {
  name: 'completions',
  mark: 'line',
  color: COLOURS.second,
  value: (bin) => bin.completions_per_s,
  words: perSecond,
};
const FAILURES: TimeSeries = {
  name: 'failures',
  mark: 'bar',
  color: COLOURS.bad,
  value: (bin) => (bin.failures_per_s === 0 ? null : bin.failures_per_s),
  words: perSecond,
};

/** Arrivals as an area, completions as a line, failures as bars: told apart without colour too. */
export function loadChart(timeline: Timeline): Chart {
  const { bins } = timeline;
  const failed = bins.some((bin) => bin.failures_per_s > 0);
  const durationS = bins.at(-1)?.to_s ?? 0;
  const title = titleOf(timeline, durationS);
  return {
    id: 'load',
    title,
    label: `Arrivals, completions${failed ? ' and failures' : ''} per second over ${secondsWords(durationS)}. ${title}.`,
    note: `n = ${countWords(timeline.requests, 'request')}; arrivals as an area, completions as a line${failed ? ', failures as bars' : ''}; ${binWords(timeline)}.`,
    spec: timePanel(timeline, {
      height: 150,
      yTitle: 'requests/s',
      series: failed ? [ARRIVALS, FAILURES, COMPLETIONS] : [ARRIVALS, COMPLETIONS],
    }),
    table: {
      columns: ['from (s)', 'arrivals (1/s)', 'completions (1/s)', 'failures (1/s)'],
      rows: bins.map((bin) => [
        String(bin.from_s),
        ...[bin.arrivals_per_s, bin.completions_per_s, bin.failures_per_s].map(threeFigures),
      ]),
    },
  };
}

function titleOf({ bins, requests }: Timeline, durationS: number): string {
  if (requests < ENOUGH) return requests === 0 ? 'No request arrived' : `${countWords(requests, 'request')} arrived`;
  const peak = Math.max(...bins.map((bin) => bin.arrivals_per_s));
  const peakAt = bins.find((bin) => bin.arrivals_per_s === peak)?.from_s ?? 0;
  const times = threeFigures((peak * durationS) / requests);
  return `Arrivals peak at ${perSecond(peak)} ${afterWords(peakAt)}, ${times} times the mean`;
}
