import { threeFigures } from '../../src/core/units.ts';
import type { Timeline } from '../data/timeline.ts';
import { afterWords, amountWords, countWords, secondsWords } from '../format.ts';
import type { Chart } from './chart.ts';
import { COLOURS } from './theme.ts';
import { binWords, timePanel } from './time-panel.ts';

/** Requests sent and not ended, over time: how much the server holds at once. */
export function inFlightChart(timeline: Timeline): Chart {
  const { bins } = timeline;
  const peak = Math.max(0, ...bins.map((bin) => bin.in_flight));
  const peakAt = bins.find((bin) => bin.in_flight === peak)?.from_s ?? 0;
  const title = peak === 0 ? 'Nothing was in flight' : `In flight peaks at ${amountWords(peak)} ${afterWords(peakAt)}`;
  return {
    id: 'in-flight',
    title,
    label: `Requests in flight over ${secondsWords(bins.at(-1)?.to_s ?? 0)}. ${title}.`,
    note: `n = ${countWords(timeline.requests, 'request')}; sent and not ended, averaged over ${binWords(timeline)}.`,
    spec: timePanel(timeline, {
      height: 110,
      yTitle: 'requests in flight',
      series: [
        {
          name: 'in flight',
          mark: 'area',
          color: COLOURS.first,
          value: (bin) => bin.in_flight,
          words: threeFigures,
        },
      ],
    }),
    table: {
      columns: ['from (s)', 'in flight (requests)'],
      rows: bins.map((bin) => [String(bin.from_s), threeFigures(bin.in_flight)]),
    },
  };
}
