import { formatMs } from '../../src/core/units.ts';
import type { Timeline } from '../data/timeline.ts';
import { afterWords, countWords, secondsWords } from '../format.ts';
import type { Chart } from './chart.ts';
import { COLOURS } from './theme.ts';
import { binWords, timePanel } from './time-panel.ts';

/** How late the client sent, by due time: where it fell behind, and so where latencies are not the server's alone. */
export function latenessChart(timeline: Timeline): Chart {
  const { bins } = timeline;
  const worst = bins.reduce<{ ms: number; from_s: number } | null>(
    (most, { lateness_ms, from_s }) =>
      lateness_ms !== null && lateness_ms > (most?.ms ?? -1) ? { ms: lateness_ms, from_s } : most,
    null,
  );
  const title =
    worst === null
      ? 'Nothing was sent'
      : `The client is late by at most ${formatMs(worst.ms)}, ${afterWords(worst.from_s)}`;
  return {
    id: 'lateness',
    title,
    label: `How long after their due time requests were sent, over ${secondsWords(bins.at(-1)?.to_s ?? 0)}. ${title}.`,
    note: `n = ${countWords(timeline.requests, 'request')}; by due time, the latest in each of ${binWords(timeline)}.`,
    spec: timePanel(timeline, {
      height: 110,
      yTitle: 'client lateness (ms)',
      series: [
        {
          name: 'lateness',
          mark: 'area',
          color: COLOURS.first,
          value: (bin) => bin.lateness_ms,
          words: formatMs,
        },
      ],
    }),
    table: {
      columns: ['from (s)', 'latest (ms)'],
      rows: bins.map((bin) => [
        String(bin.from_s),
        bin.lateness_ms === null ? '-' : String(Number(bin.lateness_ms.toPrecision(6))),
      ]),
    },
  };
}
