import { threeFigures } from '../../src/core/units.ts';
import type { Timeline } from '../data/timeline.ts';
import { countWords, secondsWords } from '../format.ts';
import type { Chart } from './chart.ts';
import { COLOURS } from './theme.ts';
import { binWords, timePanel } from './time-panel.ts';

/** The tokens of fewer requests have no peak to speak of. */
const ENOUGH = 10;

/** Output tokens per second as they reached the client. */
export function tokensChart(timeline: Timeline): Chart {
  const { bins, tokens } = timeline;
  const durationS = bins.at(-1)?.to_s ?? 0;
  const peak = Math.max(0, ...bins.map((bin) => bin.output_tokens_per_s));
  const title =
    tokens === 0
      ? 'No token came'
      : timeline.requests < ENOUGH
        ? `${countWords(tokens, 'token')} came`
        : `Output peaks at ${threeFigures(peak)} tokens/s, ${threeFigures((peak * durationS) / tokens)} times the mean`;
  return {
    id: 'tokens',
    title,
    label: `Output tokens per second over ${secondsWords(durationS)}. ${title}.`,
    note: `n = ${countWords(tokens, 'token')}; ${binWords(timeline)}.`,
    spec: timePanel(timeline, {
      height: 110,
      yTitle: 'output tokens/s',
      series: [
        {
          name: 'output',
          mark: 'area',
          color: COLOURS.first,
          value: (bin) => bin.output_tokens_per_s,
          words: (value) => `${threeFigures(value)} tokens/s`,
        },
      ],
    }),
    table: {
      columns: ['from (s)', 'output (tokens/s)'],
      rows: bins.map((bin) => [String(bin.from_s), threeFigures(bin.output_tokens_per_s)]),
    },
  };
}
