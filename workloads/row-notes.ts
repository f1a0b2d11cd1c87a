import { withThousands } from '../src/core/units.ts';
import type { RowSurvey } from './rows-alike.ts';

/** The notes on rows that are sound and no requests to replay, by reason, and on how others were read. */
export function rowNotes({ leftOut, remarks }: Pick<RowSurvey, 'leftOut' | 'remarks'>): string[] {
  const counts = [...leftOut].map(([reason, count]) => `${withThousands(count)} (${reason})`);
  return [
    ...[...remarks].map(([text, count]) => `${withThousands(count)} ${count === 1 ? 'row' : 'rows'}: ${text}`),
    ...(counts.length === 0 ? [] : [`rows left out: ${counts.join(', ')}`]),
  ];
}
