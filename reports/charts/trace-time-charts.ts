import type { TraceInspection, TraceTimeBin } from '../../src/core/trace-inspection.ts';
import { threeFigures, withThousands } from '../../src/core/units.ts';
import { countText } from '../../src/core/words.ts';
import { secondsText } from '../format.ts';
import type { Chart } from './chart.ts';
import { COLOURS } from './theme.ts';
import { perSecond, timePanel } from './time-panel.ts';

/** Fewer bins make no course over time. */
const LEAST_BINS = 3;
const HEIGHT = 90;

/** Arrivals and tokens over time, under one another; none of a trace that is too short, or has no times. */
export function traceTimeCharts(found: TraceInspection): Chart[] {
  const bins = found.charts.over_time;
  const [first] = bins;
  if (first === undefined || bins.length < LEAST_BINS) return [];
  const timeline = { bin_s: first.to_s - first.from_s, bins, excluded: [] };
  const rate = found.rate_rps ?? 0;
  const panel = (series: readonly Quantity[], yTitle: string, isLast: boolean, level?: number): Chart['spec'] =>
    timePanel(
      timeline,
      {
        height: HEIGHT,
        yTitle,
        series: series.map(({ name, color, of, mark }) => ({
          name,
          color,
          mark,
          value: (bin) => of(bin) / (bin.to_s - bin.from_s),
          text: perSecond,
        })),
        ...(level === undefined ? {} : { level: { value: level, text: `mean ${perSecond(level)}` } }),
      },
      isLast,
    );
  const table = {
    columns: ['from (s)', 'to (s)', 'requests', 'input tokens', 'output tokens'],
    rows: bins.map(({ from_s, to_s, requests, input_tokens, output_tokens }) => [
      threeFigures(from_s),
      threeFigures(to_s),
      withThousands(requests),
      withThousands(input_tokens),
      withThousands(output_tokens),
    ]),
  };
  const note = `n = ${countText(found.rows, 'request')}; bins of ${secondsText(timeline.bin_s)}.`;
  const arrivals = arrivalsTitle(bins, rate, timeline.bin_s);
  const tokens = 'Tokens that arrive: input and output';
  return [
    {
      id: 'arrivals-over-time',
      title: arrivals,
      label: `Requests that arrive a second over ${secondsText(found.duration_s ?? 0)}. ${arrivals}.`,
      note,
      spec: panel([REQUESTS], 'requests/s', false, rate),
      table,
    },
    {
      id: 'tokens-over-time',
      title: tokens,
      label: `${tokens}, a second, over ${secondsText(found.duration_s ?? 0)}: ${withThousands(found.input_tokens.sum)} input and ${withThousands(found.output_tokens.sum)} output tokens in all.`,
      note,
      spec: panel(TOKENS, 'tokens/s', true),
      table,
    },
  ];
}

interface Quantity {
  readonly name: string;
  readonly color: string;
  readonly mark: 'area' | 'line';
  readonly of: (bin: TraceTimeBin) => number;
}

const REQUESTS: Quantity = { name: 'requests', color: COLOURS.first, mark: 'area', of: ({ requests }) => requests };
const TOKENS: readonly Quantity[] = [
  { name: 'input', color: COLOURS.first, mark: 'area', of: ({ input_tokens }) => input_tokens },
  { name: 'output', color: COLOURS.second, mark: 'line', of: ({ output_tokens }) => output_tokens },
];

function arrivalsTitle(bins: readonly TraceTimeBin[], rate: number, binS: number): string {
  // The last bin may be a longer one, and the first that is cut off a shorter one.
  const rates = bins.map(({ requests, from_s, to_s }) => requests / (to_s - from_s));
  const [least, most] = [Math.min(...rates), Math.max(...rates)];
  const range = `${threeFigures(least / rate)} to ${threeFigures(most / rate)} times the mean`;
  return `${threeFigures(rate)} requests/s on average, from ${range} in ${secondsText(binS)}`;
}
