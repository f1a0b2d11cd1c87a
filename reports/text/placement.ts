import { type Kind, type PlacementReport, rankedBy, rankingOf } from '../../src/schema/placement.ts';
import {
  contenderTable,
  kindsInOrder,
  methodLines,
  PHASE_COLUMNS,
  phaseRows,
  RANKING_COLUMNS,
  rankingRow,
} from '../placement-text.ts';
import { ARRIVALS, placementVerdict } from '../placement-verdict.ts';
import { visibleLine } from '../../src/core/visible-text.ts';
import { aligned } from './table.ts';

const ROWS = 10;
const COLOURS = { none: 0, unsure: 33, missed: 31 } as const;

/** A placement search for a terminal: the answer first, then the tables. No newline at the end. */
export function placementText(report: PlacementReport, { color }: { color: boolean }): string {
  const { tone, glyph, sentence, notes } = placementVerdict(report);
  const paint = (text: string): string => (color ? `\u001B[${COLOURS[tone]}m${text}\u001B[0m` : text);
  return [
    paint(`${glyph} ${sentence}`),
    ...notes,
    '',
    ...contenders(report),
    ...kindsInOrder(report).flatMap((kind) => ranking(kind, report)),
    ...(report.phases.prefill.length === 0 ? [] : [...aligned([PHASE_COLUMNS, ...phaseRows(report)], 'right'), '']),
    ...aligned(
      methodLines(report).map(([name, value]) => [name, visibleLine(value)]),
      'left',
    ),
  ].join('\n');
}

function contenders(report: PlacementReport): string[] {
  if (report.contenders.length === 0) return [];
  const { columns, rows } = contenderTable(report);
  const isBoth = rankedBy(report) === 'poisson' && report.trace_timing !== null;
  return [
    `Best of both kinds, with ${isBoth ? 'both arrivals' : ARRIVALS[rankedBy(report)]}`,
    ...aligned([columns, ...rows], 'right'),
    '',
  ];
}

function ranking(kind: Kind, report: PlacementReport): string[] {
  const placements = rankingOf(report, kind);
  if (placements.length === 0) return [];
  const shown = placements.slice(0, ROWS);
  const more = placements.length - shown.length;
  return [
    `All ${kind}, with ${ARRIVALS[rankedBy(report)]}`,
    ...aligned([RANKING_COLUMNS, ...shown.map(rankingRow)], 'right'),
    ...(more === 0 ? [] : [`... and ${more} more`]),
    '',
  ];
}
