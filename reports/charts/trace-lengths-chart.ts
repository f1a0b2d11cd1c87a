import type { LengthCell, TraceInspection } from '../../src/core/trace-inspection.ts';
import { threeFigures, withThousands } from '../../src/core/units.ts';
import { countText } from '../../src/core/words.ts';
import { amountText } from '../format.ts';
import type { Chart, Layers, Position } from './chart.ts';
import { cellLayer } from './density.ts';
import { logTicks } from './log-axis.ts';
import { COLOURS } from './theme.ts';

const HEIGHT = 260;
/** A rank correlation above it is said to be one. */
const CORRELATED = 0.2;

/** Input and output lengths together, both on log axes: the more requests, the stronger. */
export function traceLengthsChart(found: TraceInspection): Chart {
  const { charts, joint, input_tokens: input, output_tokens: output, rows } = found;
  const title = titleOf(found);
  const [x, y] = [
    axis('from_x', 'input tokens', charts.lengths, 'input'),
    axis('from_y', 'output tokens', charts.lengths, 'output'),
  ];
  const cells = charts.lengths.map((cell) => ({
    from_x: cell.input[0],
    to_x: cell.input[1],
    from_y: cell.output[0],
    to_y: cell.output[1],
    count: cell.requests,
    text: `${countText(cell.requests, 'request')}: ${rangeText(cell.input)} input and ${rangeText(cell.output)} output tokens`,
  }));
  const most = cells.reduce((high, { count }) => Math.max(high, count), 1);
  return {
    id: 'lengths',
    title,
    label: `Requests by input and output tokens. ${title}.`,
    note: `n = ${countText(rows, 'request')}; stronger colour: more requests, at most ${withThousands(most)} a cell; lines: the medians, ${amountText(input.p50 ?? 0)} and ${amountText(output.p50 ?? 0)} tokens. Correlation of the ranks ${joint.spearman === null ? 'unknown' : threeFigures(joint.spearman)}.`,
    spec: {
      width: 'container',
      height: HEIGHT,
      layer: [
        cellLayer(cells, { x, to: 'to_x', clip: true }, { y, yTo: 'to_y' }),
        median('from_x', input.p50, x),
        median('from_y', output.p50, y),
      ],
    },
    table: {
      columns: ['input tokens', 'output tokens', 'requests'],
      rows: charts.lengths.map((cell) => [rangeText(cell.input), rangeText(cell.output), withThousands(cell.requests)]),
    },
  };
}

function median(field: 'from_x' | 'from_y', value: number | null, position: Position): Layers[number] {
  return {
    data: { values: value === null ? [] : [{ [field]: value }] },
    mark: { type: 'rule', strokeWidth: 1, color: COLOURS.ink, clip: true },
    encoding: field === 'from_x' ? { x: position } : { y: position },
  };
}

/** The last token that a cell holds is one below its end. */
function rangeText([from, to]: LengthCell['input']): string {
  const [first, last] = [Math.ceil(from), Math.ceil(to) - 1];
  return first >= last ? withThousands(first) : `${withThousands(first)}-${withThousands(last)}`;
}

function axis(field: string, title: string, cells: readonly LengthCell[], of: 'input' | 'output'): Position {
  const domain: [number, number] = [
    Math.min(...cells.map((cell) => cell[of][0])),
    Math.max(...cells.map((cell) => cell[of][1])),
  ];
  return {
    field,
    type: 'quantitative',
    scale: { type: 'log', domain, nice: false },
    axis: { title: `${title} (log scale)`, values: logTicks(domain), format: '~s' },
  };
}

function titleOf({ input_tokens: input, output_tokens: output, joint: { spearman } }: TraceInspection): string {
  const halves = `Half of the prompts have up to ${amountText(input.p50 ?? 0)} tokens, half of the answers up to ${amountText(output.p50 ?? 0)}`;
  if (spearman === null || Math.abs(spearman) < CORRELATED) return halves;
  return `${halves}; longer prompts get ${spearman > 0 ? 'longer' : 'shorter'} answers`;
}
