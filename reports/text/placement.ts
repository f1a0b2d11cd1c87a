import type { Placement, PlacementReport } from '../../src/schema/placement.ts';
import {
  methodLines,
  PHASE_COLUMNS,
  phaseRows,
  placementVerdict,
  RANKING_COLUMNS,
  rankingRow,
} from '../placement-text.ts';
import { aligned, printable } from './table.ts';

const ROWS = 10;

/** A placement search for a terminal: the answer first, then the tables. No newline at the end. */
export function placementText(report: PlacementReport, { color }: { color: boolean }): string {
  const { isFound, sentence, beside } = placementVerdict(report);
  const paint = (text: string): string => (color ? `\u001B[${isFound ? 32 : 31}m${text}\u001B[0m` : text);
  return [
    paint(`${isFound ? '✓' : '✗'} ${sentence}`),
    beside,
    '',
    ...ranking('disaggregated', report.placements),
    ...ranking('collocated', report.collocated),
    ...(report.phases.prefill.length === 0 ? [] : [...aligned([PHASE_COLUMNS, ...phaseRows(report)], 'right'), '']),
    ...aligned(
      methodLines(report).map(([name, value]) => [name, printable(value)]),
      'left',
    ),
  ].join('\n');
}

function ranking(what: string, placements: readonly Placement[]): string[] {
  if (placements.length === 0) return [];
  const [, ...columns] = RANKING_COLUMNS;
  const shown = placements.slice(0, ROWS);
  const more = placements.length - shown.length;
  return [
    ...aligned([[what, ...columns], ...shown.map(rankingRow)], 'right'),
    ...(more === 0 ? [] : [`... and ${more} more`]),
    '',
  ];
}
