import type { TopLevelSpec } from 'vega-lite';
import {
  goodputOf,
  type Kind,
  KINDS,
  type PlacementReport,
  rankedBy,
  unitWords,
  rankingOf,
} from '../../src/schema/placement.ts';
import { threeFigures, withThousands } from '../../src/core/units.ts';
import {
  carries,
  type Carrying,
  kindsInOrder,
  PHASE_COLUMNS,
  phaseRows,
  RANKING_COLUMNS,
  rankingRow,
  shapeText,
} from '../placement-text.ts';
import { ARRIVALS, percent, timesText } from '../placement-verdict.ts';
import { METRIC_NAMES } from '../definitions.ts';
import { attainmentCharts } from './attainment-charts.ts';
import type { Chart, ChartSection } from './chart.ts';
import { COLOURS } from './theme.ts';

/** At most so many bars of each kind. */
const MOST = 10;
const ROW_HEIGHT = 44;

/** The charts of a placement search in the order of its page. */
export function placementSections(report: PlacementReport): ChartSection[] {
  const measured = [...report.placements, ...report.collocated].some(carries);
  const charts = [
    ...(measured ? [unitsChart(report)] : []),
    ...(report.phases.prefill.length === 0 ? [] : [phasesChart(report)]),
  ];
  return [
    { id: 'carried', heading: 'What they carry', layout: 'column', charts },
    {
      id: 'attainment',
      heading: 'Requests that meet the SLO',
      name: 'Attainment',
      layout: 'pairs',
      charts: attainmentCharts(report),
    },
  ];
}

/** Goodput per GPU of the best placements, those of the best one's kind first. */
function unitsChart(report: PlacementReport): Chart {
  const kinds = kindsInOrder(report).map((kind) => ({
    kind,
    units: rankingOf(report, kind).filter(carries).slice(0, MOST),
  }));
  const bars = kinds.flatMap(({ kind, units }) => units.map((unit, i) => unitBar(report, kind, unit, i)));
  const title =
    timesText(report) ?? `Only ${kinds.find(({ units }) => units.length > 0)?.kind} placements carry any rate`;
  const best = bars.slice(0, 3).map(({ text }) => text);
  const counts = kinds.map(({ kind }) => `${withThousands(rankingOf(report, kind).length)} ${kind}`);
  return {
    id: 'units',
    title,
    label: `${title}. ${best.join('. ')}.`,
    note:
      `Requests/s per GPU at which ${percent(report.at)} meet the SLO (${report.slo.text}). Bar: with ${ARRIVALS[rankedBy(report)]}` +
      `${isTriedTwice(report) ? `; line across it: with ${ARRIVALS.trace}, where that was searched` : ''}. Up to ${MOST} of each kind, of ${counts.join(' and ')}.`,
    spec: unitsSpec(bars),
    table: {
      columns: [...RANKING_COLUMNS, ...(isTriedTwice(report) ? ["per GPU, trace's timing"] : [])],
      rows: kinds.flatMap(({ kind, units }) =>
        units.map((unit) => {
          if (!isTriedTwice(report)) return rankingRow(unit);
          const byTrace = perGpuByTrace(report, kind, unit);
          return [...rankingRow(unit), byTrace === null ? '-' : threeFigures(byTrace)];
        }),
      ),
    },
  };
}

/** Whether the best of the ranking are tried with the trace's own timing too. */
function isTriedTwice({ arrivals }: PlacementReport): boolean {
  return arrivals.length === 2;
}

/** Null where it was not searched with the trace's own timing too. */
function perGpuByTrace(report: PlacementReport, kind: Kind, { groups }: Carrying): number | null {
  if (!isTriedTwice(report)) return null;
  const words = unitWords(groups);
  const same = report.contenders.find((each) => each.kind === kind && unitWords(each.groups) === words);
  return same === undefined ? null : (goodputOf(same, 'trace')?.goodput_rps_per_gpu ?? null);
}

interface UnitBar {
  readonly row: string;
  readonly kind: Kind;
  readonly name: string;
  readonly rps: number;
  /** With the trace's own timing. */
  readonly byTrace: number | null;
  /** The higher of both. */
  readonly furthest: number;
  /** At the bar's end. */
  readonly end: string;
  /** The bar as a sentence. */
  readonly text: string;
}

function unitBar(report: PlacementReport, kind: Kind, unit: Carrying, rank: number): UnitBar {
  const { groups, gpus, whole } = unit;
  const perGpu = threeFigures(whole.goodput_rps_per_gpu);
  const byTrace = perGpuByTrace(report, kind, unit);
  const traced = byTrace === null ? '' : `, ${threeFigures(byTrace)} with ${ARRIVALS.trace}`;
  return {
    row: `${kind} ${rank}`,
    kind,
    name: `${unitWords(groups)}, ${gpus} GPU${gpus === 1 ? '' : 's'}`,
    rps: whole.goodput_rps_per_gpu,
    byTrace,
    furthest: Math.max(whole.goodput_rps_per_gpu, byTrace ?? 0),
    end: `${perGpu}${whole.binding === null ? '' : `, ${METRIC_NAMES[whole.binding]} binds`}`,
    text: `${unitWords(groups)}: ${perGpu} requests/s per GPU with ${ARRIVALS[rankedBy(report)]}${traced}`,
  };
}

/** A row a placement: its name, its bar under it, its rate and binding limit behind the bar. */
function unitsSpec(bars: readonly UnitBar[]): TopLevelSpec {
  const widest = Math.max(...bars.map(({ furthest }) => furthest));
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
            axis: { title: 'requests/s per GPU', values: ticksTo(widest), grid: true, domain: false },
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
        transform: [{ filter: 'datum.byTrace !== null' }],
        mark: { type: 'tick', orient: 'vertical', size: 18, thickness: 3, yOffset: 8, color: COLOURS.ink },
        encoding: {
          x: { field: 'byTrace', type: 'quantitative' },
          y,
          tooltip: { field: 'text', type: 'nominal' },
        },
      },
      {
        mark: { type: 'text', align: 'left', dy: -8, x: 0 },
        encoding: { y, text: { field: 'name', type: 'nominal' } },
      },
      {
        mark: { type: 'text', align: 'left', dx: 6, dy: 8, color: COLOURS.muted },
        encoding: { x: { field: 'furthest', type: 'quantitative' }, y, text: { field: 'end', type: 'nominal' } },
      },
    ],
  };
}

/** Round steps from 0 to the first at or above `most`: the room behind the bars is for text and has no axis. */
function ticksTo(most: number): number[] {
  const step =
    [0.1, 0.2, 0.5, 1, 2, 5, 10]
      .map((each) => each * 10 ** Math.floor(Math.log10(most)))
      .find((each) => most / each <= 5) ?? most;
  return Array.from({ length: Math.ceil(most / step) + 1 }, (_, i) => Number((i * step).toPrecision(6)));
}

/** Goodput per GPU of one instance of each shape, of one phase alone. */
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
        text: `${phase} alone, ${shapeText(shape)}: ${threeFigures(shape.goodput_rps_per_gpu)} requests/s per GPU`,
      })),
  );
  const bestOf = (phase: 'prefill' | 'decode'): string =>
    shapeText(
      phases[phase].reduce((most, each) => (each.goodput_rps_per_gpu > most.goodput_rps_per_gpu ? each : most)),
    );
  const title = `Alone, prefill carries most per GPU with ${bestOf('prefill')}, decode with ${bestOf('decode')}`;
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
          axis: { title: 'requests/s per GPU', tickCount: 4 },
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
