import type { TraceInspection, TraceTimeBin } from '../../src/core/trace-inspection.ts';
import { threeFigures, withThousands } from '../../src/core/units.ts';
import { countText } from '../../src/core/words.ts';
import { secondsText } from '../format.ts';
import type { Chart } from './chart.ts';
import { COLOURS } from './theme.ts';
import { perSecond, timePanel } from './time-panel.ts';

/** Fewer bins make no course over time. */
const LEAST_BINS = 3;
const HEIGHT = 70;

/** Arrivals and tokens over time, under one another; none of a trace that is too short, or has no times. */
export function traceTimeCharts(found: TraceInspection): Chart[] {
  const bins = found.charts.over_time;
  const [first] = bins;
  const durationS = found.duration_s;
  if (first === undefined || durationS === null || bins.length < LEAST_BINS) return [];
  const timeline = { bin_s: first.to_s - first.from_s, bins, excluded: [] };
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
  return QUANTITIES.map(({ id, noun, color, of, meanOf }, i) => {
    const mean = meanOf(found, durationS);
    const title = titleOf(bins, of, { noun, mean, binS: timeline.bin_s });
    return {
      id,
      title,
      label: `Arriving ${noun} a second over ${secondsText(durationS)}. ${title}.`,
      note: `n = ${countText(found.rows, 'request')}; bins of ${secondsText(timeline.bin_s)}.`,
      spec: timePanel(
        timeline,
        {
          height: HEIGHT,
          yTitle: `${noun}/s`,
          series: [
            { name: noun, mark: 'area', color, value: (bin) => of(bin) / (bin.to_s - bin.from_s), text: perSecond },
          ],
          level: { value: mean, text: `mean ${perSecond(mean)}` },
        },
        i === QUANTITIES.length - 1,
      ),
      table,
    };
  });
}

interface Quantity {
  readonly id: string;
  readonly noun: string;
  readonly color: string;
  readonly of: (bin: TraceTimeBin) => number;
  /** A second. */
  readonly meanOf: (found: TraceInspection, durationS: number) => number;
}

const QUANTITIES: readonly Quantity[] = [
  {
    id: 'arrivals-over-time',
    noun: 'requests',
    color: COLOURS.first,
    of: ({ requests }) => requests,
    meanOf: ({ rate_rps }) => rate_rps ?? 0,
  },
  {
    id: 'input-over-time',
    noun: 'input tokens',
    color: COLOURS.second,
    of: ({ input_tokens }) => input_tokens,
    meanOf: ({ input_tokens }, durationS) => input_tokens.sum / durationS,
  },
  {
    id: 'output-over-time',
    noun: 'output tokens',
    color: COLOURS.third,
    of: ({ output_tokens }) => output_tokens,
    meanOf: ({ output_tokens }, durationS) => output_tokens.sum / durationS,
  },
];

interface Course {
  readonly noun: string;
  readonly mean: number;
  readonly binS: number;
}

function titleOf(bins: readonly TraceTimeBin[], of: Quantity['of'], { noun, mean, binS }: Course): string {
  const rates = bins.map((bin) => of(bin) / (bin.to_s - bin.from_s));
  const [least, most] = [Math.min(...rates), Math.max(...rates)];
  return `${threeFigures(mean)} ${noun}/s on average, ${threeFigures(least / mean)} to ${threeFigures(most / mean)} times that in ${secondsText(binS)}`;
}
