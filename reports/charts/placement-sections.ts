import type { TopLevelSpec } from 'vega-lite';
import { type PlacementReport, unitWords } from '../../src/schema/placement.ts';
import { threeFigures, withThousands } from '../../src/core/units.ts';
import {
  carries,
  type Carrying,
  percent,
  PHASE_COLUMNS,
  phaseRows,
  RANKING_COLUMNS,
  rankingRow,
  shapeText,
} from '../placement-text.ts';
import { METRIC_NAMES } from '../definitions.ts';
import type { Chart, ChartSection } from './chart.ts';
import { COLOURS } from './theme.ts';

/** At most so many bars of each kind. */
const MOST = 10;
const ROW_HEIGHT = 44;
const KINDS = ['disaggregated', 'collocated'] as const;

/** The charts of a placement search in the order of its page. */
export function placementSections(report: PlacementReport): ChartSection[] {
  const measured = [...report.placements, ...report.collocated].some(carries);
  const charts = [
    ...(measured ? [unitsChart(report)] : []),
    ...(report.phases.prefill.length === 0 ? [] : [phasesChart(report)]),
  ];
  return [{ id: 'carried', heading: 'What they carry', layout: 'column', charts }];
}

/** Goodput a GPU of the best units, the collocated ones under them. */
function unitsChart({ placements, collocated, slo, at }: PlacementReport): Chart {
  const disaggregated = placements.filter(carries).slice(0, MOST);
  const alternatives = collocated.filter(carries).slice(0, MOST);
  const bars = [
    ...disaggregated.map((unit, i) => unitBar('disaggregated', unit, i)),
    ...alternatives.map((unit, i) => unitBar('collocated', unit, i)),
  ];
  const title = unitsTitle(disaggregated[0], alternatives[0]);
  const best = bars.slice(0, 3).map(({ text }) => text);
  return {
    id: 'units',
    title,
    label: `${title}. ${best.join('. ')}.`,
    note: `Requests/s a GPU at which ${percent(at)} meet the SLO (${slo.text}), of units simulated whole: up to ${MOST} of each kind, of ${withThousands(placements.length)} and ${withThousands(collocated.length)}.`,
    spec: unitsSpec(bars),
    table: { columns: RANKING_COLUMNS, rows: [...disaggregated, ...alternatives].map(rankingRow) },
  };
}

function unitsTitle(best: Carrying | undefined, alternative: Carrying | undefined): string {
  if (best === undefined) return 'Only collocated units carry any rate';
  if (alternative === undefined) return 'Only disaggregated units carry any rate';
  const ratio = best.whole.goodput_rps_per_gpu / alternative.whole.goodput_rps_per_gpu;
  return `Disaggregated carries ${threeFigures(ratio)} times as much a GPU as collocated`;
}

interface UnitBar {
  readonly row: string;
  readonly kind: (typeof KINDS)[number];
  readonly name: string;
  readonly rps: number;
  /** At the bar's end. */
  readonly end: string;
  /** The bar as a sentence. */
  readonly text: string;
}

function unitBar(kind: UnitBar['kind'], { groups, gpus, whole }: Carrying, rank: number): UnitBar {
  const perGpu = threeFigures(whole.goodput_rps_per_gpu);
  return {
    row: `${kind} ${rank}`,
    kind,
    name: `${unitWords(groups)}, ${gpus} GPU${gpus === 1 ? '' : 's'}`,
    rps: whole.goodput_rps_per_gpu,
    end: `${perGpu}${whole.binding === null ? '' : `, ${METRIC_NAMES[whole.binding]} binds`}`,
    text: `${unitWords(groups)}: ${perGpu} requests/s a GPU, ${threeFigures(whole.goodput_rps)} in all`,
  };
}

/** A row a unit: its name, its bar under it, its rate and binding limit behind the bar. */
function unitsSpec(bars: readonly UnitBar[]): TopLevelSpec {
  const widest = Math.max(...bars.map(({ rps }) => rps));
  const y = { field: 'row', type: 'ordinal', sort: null, axis: null } as const;
  return {
    width: 'container',
    height: bars.length * ROW_HEIGHT,
    data: { values: [...bars] },
    layer: [
      {
        mark: { type: 'bar', height: 12, yOffset: 8 },
        encoding: {
          x: {
            field: 'rps',
            type: 'quantitative',
            // Room for the text behind the longest bar.
            scale: { zero: true, domainMax: widest * 1.5 },
            axis: { title: 'requests/s a GPU', tickCount: 5, grid: true },
          },
          y,
          color: {
            field: 'kind',
            type: 'nominal',
            scale: { domain: [...KINDS], range: [COLOURS.first, COLOURS.second] },
          },
          tooltip: { field: 'text', type: 'nominal' },
        },
      },
      {
        mark: { type: 'text', align: 'left', dy: -8, x: 0 },
        encoding: { y, text: { field: 'name', type: 'nominal' } },
      },
      {
        mark: { type: 'text', align: 'left', dx: 6, dy: 8, color: COLOURS.muted },
        encoding: { x: { field: 'rps', type: 'quantitative' }, y, text: { field: 'end', type: 'nominal' } },
      },
    ],
  };
}

/** Goodput a GPU of one instance of each shape, of one phase alone. */
function phasesChart(report: PlacementReport): Chart {
  const { prefill, decode } = report.phases;
  const phases = { prefill, decode };
  const values = (['prefill', 'decode'] as const).flatMap((phase) =>
    // A shape that carries any rate has no bar.
    phases[phase]
      .filter(({ missed_rps }) => missed_rps !== null)
      .map((shape) => ({
        shape: shapeText(shape).replace(',', ''),
        phase,
        rps: shape.goodput_rps_per_gpu,
        text: `${phase} alone, ${shapeText(shape)}: ${threeFigures(shape.goodput_rps_per_gpu)} requests/s a GPU`,
      })),
  );
  const bestOf = (phase: 'prefill' | 'decode'): string =>
    shapeText(
      phases[phase].reduce((most, each) => (each.goodput_rps_per_gpu > most.goodput_rps_per_gpu ? each : most)),
    );
  const title = `Alone, prefill carries most a GPU with ${bestOf('prefill')}, decode with ${bestOf('decode')}`;
  return {
    id: 'phases',
    title,
    label: `${title}.`,
    note: 'One instance; prefill judged by TTFT alone, decode by TPOT alone, with as many prefill instances before it as it takes that none has a queue. No bar: it carries any rate.',
    spec: {
      width: 'container',
      height: 180,
      data: { values },
      mark: { type: 'bar' },
      encoding: {
        x: {
          field: 'shape',
          type: 'ordinal',
          sort: null,
          axis: {
            title: 'shape of an instance',
            labelAngle: 0,
            labelExpr: "split(replace(datum.label, ' pp', '|pp'), '|')",
            ticks: false,
          },
        },
        xOffset: { field: 'phase', type: 'nominal', sort: ['prefill', 'decode'] },
        y: {
          field: 'rps',
          type: 'quantitative',
          scale: { zero: true },
          axis: { title: 'requests/s a GPU', tickCount: 4 },
        },
        color: {
          field: 'phase',
          type: 'nominal',
          scale: { domain: ['prefill', 'decode'], range: [COLOURS.first, COLOURS.third] },
        },
        tooltip: { field: 'text', type: 'nominal' },
      },
    },
    table: { columns: PHASE_COLUMNS, rows: phaseRows(report) },
  };
}
