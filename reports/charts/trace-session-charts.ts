import type { CountBin, DurationStatistics, TraceInspection } from '../../src/core/trace-inspection.ts';
import { formatMs, formatShare, threeFigures, withThousands } from '../../src/core/units.ts';
import { countText } from '../../src/core/words.ts';
import { amountText } from '../format.ts';
import type { Chart, Layers, Position } from './chart.ts';
import { logTicks, MS_LABEL } from './log-axis.ts';
import { COLOURS } from './theme.ts';

const HEIGHT = 160;
/** Fewer make no distribution. */
const LEAST = 5;

/** Turns of the sessions, and the times between them; none of a trace without sessions of several turns. */
export function traceSessionCharts({ sessions, session_details: details, charts }: TraceInspection): Chart[] {
  if (details === null || sessions < LEAST || (details.turns.max ?? 0) < 2) return [];
  const single = details.single_turn / sessions;
  const title = `${threeFigures(details.turns.mean ?? 0)} turns a session on average, ${formatShare(single)} of one turn`;
  const turns: Chart = {
    id: 'turns',
    title,
    label: `Sessions by their turns. ${title}.`,
    note: `n = ${countText(sessions, 'session')}; p50 ${amountText(details.turns.p50 ?? 0)}, p90 ${amountText(details.turns.p90 ?? 0)}, max ${amountText(details.turns.max ?? 0)} turns.`,
    spec: bars(charts.turns, 'turns (log scale)', 'sessions', turnsText),
    table: {
      columns: ['turns', 'sessions'],
      rows: charts.turns.map((bin) => [turnsText(bin), withThousands(bin.count)]),
    },
  };
  return [
    turns,
    ...durations('turn-gaps', 'Half of the turns start within % of the one before', details.gap, charts.gaps),
    ...durations('think-times', 'Half of the turns follow the answer within %', details.think, charts.think),
  ];
}

/** `titled`: the title, with % for the median. */
function durations(id: string, titled: string, found: DurationStatistics, bins: readonly CountBin[]): Chart[] {
  const { n, p50_s, p90_s, max_s } = found;
  if (n < LEAST || p50_s === null || p90_s === null || max_s === null) return [];
  const zeros = bins.find(({ from }) => from === 0)?.count ?? 0;
  const shown = bins
    .filter(({ from }) => from > 0)
    .map(({ from, to, count }) => ({ from: from * 1000, to: to * 1000, count }));
  if (shown.length === 0) return [];
  const title = titled.replace('%', formatMs(p50_s * 1000));
  return [
    {
      id,
      title,
      label: `Turns by the time since the one before. ${title}.`,
      note: `n = ${countText(n, 'turn')}; p50 ${formatMs(p50_s * 1000)}, p90 ${formatMs(p90_s * 1000)}, max ${formatMs(max_s * 1000)}${zeros === 0 ? '' : `; ${countText(zeros, 'turn')} at once, not drawn`}.`,
      spec: bars(shown, 'time (log scale)', 'turns', spanText, MS_LABEL),
      table: {
        columns: ['time', 'turns'],
        rows: [
          ...(zeros === 0 ? [] : [['0', withThousands(zeros)]]),
          ...shown.map((bin) => [spanText(bin), withThousands(bin.count)]),
        ],
      },
    },
  ];
}

function turnsText({ from, to }: CountBin): string {
  return to - from <= 1 ? withThousands(from) : `${withThousands(from)}-${withThousands(to - 1)}`;
}

/** Of milliseconds. */
function spanText({ from, to }: CountBin): string {
  return `${formatMs(from)} to ${formatMs(to)}`;
}

function bars(
  bins: readonly CountBin[],
  xTitle: string,
  yTitle: string,
  textOf: (bin: CountBin) => string,
  labelExpr?: string,
): Chart['spec'] {
  const domain: [number, number] = [Math.min(...bins.map(({ from }) => from)), Math.max(...bins.map(({ to }) => to))];
  const x: Position = {
    field: 'from',
    type: 'quantitative',
    scale: { type: 'log', domain, nice: false },
    axis: {
      title: xTitle,
      values: logTicks(domain),
      ...(labelExpr === undefined ? { format: ',~r' } : { labelExpr }),
    },
  };
  const values = bins.map((bin) => ({ ...bin, text: `${textOf(bin)}: ${withThousands(bin.count)} ${yTitle}` }));
  const layer: Layers = [
    {
      data: { values },
      mark: { type: 'rect', color: COLOURS.first, stroke: COLOURS.paper, strokeWidth: 1 },
      encoding: {
        x,
        x2: { field: 'to' },
        y: {
          field: 'count',
          type: 'quantitative',
          scale: { zero: true },
          axis: { title: yTitle, tickCount: 4, format: '~s' },
        },
        y2: { datum: 0 },
        tooltip: { field: 'text', type: 'nominal' },
      },
    },
  ];
  return { width: 'container', height: HEIGHT, layer };
}
