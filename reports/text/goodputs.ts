import type { GoodputsReport } from '../../src/schema/goodput.ts';
import { goodputText } from './goodput.ts';

/** The searches of several targets for a terminal, one under another. No newline at the end. */
export function goodputsText(targets: GoodputsReport['targets'], options: { color: boolean }): string {
  return targets.map(({ name, report }) => `${name}\n${goodputText(report, options)}`).join('\n\n');
}
