import { formatShare } from '../../src/core/units.ts';
import type { Timeline } from '../data/timeline.ts';
import { afterWords, countWords, secondsWords } from '../format.ts';
import type { Chart } from './chart.ts';
import { COLOURS, SHARE_LABEL } from './theme.ts';
import { shadeWords, timePanel } from './time-panel.ts';

/** Share of requests that met the SLO, by due time, in a window that moves over the run. */
export function attainmentChart(timeline: Timeline): Chart {
  const { bins } = timeline;
  const known = bins.flatMap(({ attainment, from_s }) => (attainment === null ? [] : [{ attainment, from_s }]));
  const worst = known.reduce((low, bin) => (bin.attainment < low.attainment ? bin : low), {
    attainment: 1,
    from_s: 0,
  });
  const title =
    known.length === 0
      ? 'Too few requests for attainment over time'
      : known.every(({ attainment }) => attainment === worst.attainment)
        ? `Attainment stays at ${formatShare(worst.attainment)}`
        : `Attainment is lowest, ${formatShare(worst.attainment)}, ${afterWords(worst.from_s)}`;
  return {
    id: 'attainment',
    title,
    label: `Share of requests that met the SLO over ${secondsWords(bins.at(-1)?.to_s ?? 0)}. ${title}.`,
    note: `n = ${countWords(timeline.measured_requests, timeline.left_out.length === 0 ? 'request' : 'measured request')}; by due time, in a moving window of ${secondsWords(timeline.window_s)}; no line where fewer than 10 requests were due${shadeWords(timeline)}.`,
    spec: timePanel(timeline, {
      height: 110,
      yTitle: 'share that meets the SLO',
      yDomain: [0, 1],
      yLabel: SHARE_LABEL,
      series: [
        {
          name: 'attainment',
          mark: 'line',
          color: COLOURS.first,
          value: (bin) => bin.attainment,
          words: formatShare,
        },
      ],
    }),
    table: {
      columns: ['from (s)', 'attainment (%)'],
      rows: bins.map((bin) => [String(bin.from_s), bin.attainment === null ? '-' : (bin.attainment * 100).toFixed(1)]),
    },
  };
}
