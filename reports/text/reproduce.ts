import type { ReproduceReport } from '../../src/schema/reproduce.ts';
import { withThousands } from '../../src/core/units.ts';
import {
  CHECK_COLUMNS,
  checkRow,
  checksOf,
  countsOf,
  countsText,
  DISTANCE_COLUMNS,
  distanceRow,
  reproduceVerdict,
} from '../reproduce-words.ts';
import { aligned } from './table.ts';

const COLOURS = { met: 32, missed: 31, none: 1 } as const;
/** What was seen may be a long list: all of it stands on the page. */
const SEEN_CHARACTERS = 120;

/** A gallery for a terminal: the answer, then each experiment with its shapes and distances. No newline at the end. */
export function reproduceText(report: ReproduceReport, { color }: { color: boolean }): string {
  const { tone, glyph, sentence } = reproduceVerdict(report);
  const paint = (text: string): string => (color ? `\u001B[${COLOURS[tone]}m${text}\u001B[0m` : text);
  const experiments = report.experiments.flatMap((experiment) => [
    '',
    `${experiment.name}: ${countsText(countsOf(checksOf(experiment)))}`,
    ...experiment.parts.flatMap(({ title, checks, distances }) => [
      `  ${title}`,
      ...indented([CHECK_COLUMNS, ...checks.map(checkRow).map((cells) => cells.map(shortened))]),
      ...(distances.length === 0 ? [] : indented([DISTANCE_COLUMNS, ...distances.map(distanceRow)])),
    ]),
  ]);
  return [paint(`${glyph} ${sentence}`), `${withThousands(report.simulations)} simulations`, ...experiments].join('\n');
}

function indented(rows: readonly (readonly string[])[]): string[] {
  return aligned(rows, 'left').map((line) => `    ${line}`);
}

function shortened(cell: string): string {
  return cell.length <= SEEN_CHARACTERS ? cell : `${cell.slice(0, SEEN_CHARACTERS - 3)}...`;
}
