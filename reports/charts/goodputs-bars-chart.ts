import type { TopLevelSpec } from 'vega-lite';
import { threeFigures, withThousands } from '../../src/core/units.ts';
import type { GoodputReport } from '../../src/schema/goodput.ts';
import { goodputsTable, letterOf } from '../goodputs-table.ts';
import { bestOf, boundsOf, carriedText, type TargetGoodput } from '../goodputs-verdict.ts';
import type { Chart, Position } from './chart.ts';
import { markOf } from './target-marks.ts';
import { COLOURS } from './theme.ts';

const ROW_HEIGHT = 34;

interface Bar {
  readonly letter: string;
  readonly rps: number;
  readonly low: number;
  readonly high: number;
  readonly furthest: number;
  readonly isValid: boolean;
  readonly end: string;
  readonly text: string;
}

/** Goodput bars with their intervals, of the whole target or for each GPU. */
export function barsChart(targets: readonly TargetGoodput[], per: 'whole' | 'gpu'): Chart {
  const bars = targets.map(({ report }, i) => barOf(report, letterOf(i), per === 'gpu' ? report.gpus : 1));
  const best = bestOf(targets);
  const unit = per === 'gpu' ? 'requests/s a GPU' : 'requests/s';
  const most = best === null ? null : letterOf(targets.indexOf(best));
  const title =
    per === 'gpu' ? 'For each GPU' : most === null ? 'Which carries most is not known' : `${most} carries most`;
  const isTrace = targets.every(({ report: { of } }) => of === 'trace');
  return {
    id: per === 'gpu' ? 'goodput-per-gpu' : 'goodput-bars',
    title,
    label: `Goodput in ${unit}. ${bars.map(({ letter, text }) => `${letter}: ${text}`).join('; ')}.`,
    note: `n = ${targets.map(({ report }) => withThousands(report.requests_used)).join(', ')} requests. Line across a bar: ${isTrace ? 'from the highest rate that met to the lowest that missed' : 'its 95 % interval'}. No bar: it carries less than the lowest rate tried, or nothing is known; pale: not valid, or a bound.`,
    spec: barsSpec(bars, unit),
    table: goodputsTable(targets),
  };
}

function barOf(report: GoodputReport, letter: string, by: number | null): Bar {
  const { low, high, rps, isValid } = boundsOf(report);
  const per = (rate: number | null): number => (rate === null || by === null ? 0 : rate / by);
  const text = carriedText(report);
  const whole = rps ?? low;
  const isBounded = rps !== null && low !== null && high !== null;
  return {
    letter,
    rps: per(whole),
    low: isBounded ? per(low) : per(whole),
    high: isBounded ? per(high) : per(whole),
    furthest: Math.max(per(whole), isBounded ? per(high) : 0),
    isValid: isValid && isBounded,
    end: by === null ? 'GPUs not told' : endText(report, by),
    text,
  };
}

/** Behind a bar: `28.4 (27.0 to 29.8)`, `less than 0.00566`. */
function endText(report: GoodputReport, by: number): string {
  const { low, high, rps, isValid } = boundsOf(report);
  const per = (rate: number): string => threeFigures(rate / by);
  const doubt = isValid ? '' : ' (not valid)';
  if (low === null) return high === null ? 'not known' : `less than ${per(high)}${doubt}`;
  if (high === null) return `at least ${per(low)}${doubt}`;
  if (rps === null) return `${per(low)} to ${per(high)}${doubt}`;
  return `${per(rps)} (${report.of === 'trace' ? `${per(high)} missed` : `${per(low)} to ${per(high)}`})${doubt}`;
}

function barsSpec(bars: readonly Bar[], unit: string): TopLevelSpec {
  const widest = Math.max(...bars.map(({ furthest }) => furthest)) || 1;
  const letters = bars.map(({ letter }) => letter);
  const y: Position = {
    field: 'letter',
    type: 'ordinal',
    sort: null,
    axis: { title: null, ticks: false, domain: false, labelFontSize: 14 },
  };
  const x: Position = {
    field: 'rps',
    type: 'quantitative',
    // Room for the words behind the longest bar.
    scale: { domain: [0, widest * 1.9], nice: false },
    axis: { title: unit, grid: false, tickCount: { expr: 'ceil(width / 90)' } },
  };
  const fill = {
    field: 'letter',
    type: 'nominal',
    legend: null,
    scale: { domain: letters, range: letters.map((_, i) => markOf(i).color) },
  } as const;
  return {
    width: 'container',
    height: bars.length * ROW_HEIGHT,
    data: { values: [...bars] },
    layer: [
      {
        mark: { type: 'bar', height: 16 },
        encoding: {
          x,
          y,
          color: fill,
          opacity: { condition: { test: 'datum.isValid', value: 1 }, value: 0.35 },
          tooltip: { field: 'text', type: 'nominal' },
        },
      },
      {
        mark: { type: 'rule', strokeWidth: 2.5, color: COLOURS.ink },
        encoding: { x: { ...x, field: 'low' }, x2: { field: 'high' }, y },
      },
      {
        mark: { type: 'text', align: 'left', dx: 8 },
        encoding: { x: { ...x, field: 'furthest' }, y, text: { field: 'end', type: 'nominal' } },
      },
    ],
  };
}
