import { comparisonJunit, comparisonMarkdown, comparisonText, junitXml } from '../../reports/index.ts';
import type { JudgedCompareGate } from '../compare/gates.ts';
import type { GateVerdict } from '../core/gate.ts';
import type { Comparison } from '../schema/comparison.ts';
import { hasColor } from './terminal.ts';

/** How a comparison is printed; of these, only JUnit has the gates in it. */
export const COMPARISON_FORMATS = ['text', 'markdown', 'json', 'junit'] as const;
export type ComparisonFormat = (typeof COMPARISON_FORMATS)[number];

/** What stdout gets, ending in a newline. `undecided`: what a gate that cannot be decided counts as. */
export function comparisonOutput(
  comparison: Comparison,
  judged: readonly JudgedCompareGate[],
  format: ComparisonFormat,
  undecided: GateVerdict,
): string {
  switch (format) {
    case 'text':
      return `${comparisonText(comparison, { color: hasColor(process.stdout) })}\n`;
    case 'markdown':
      return comparisonMarkdown(comparison);
    case 'json':
      return `${JSON.stringify(comparison, null, 2)}\n`;
    case 'junit': {
      const gates = judged.map(({ gate, verdict, why }) => ({ text: gate.text, verdict, why, counts: undecided }));
      return junitXml(comparisonJunit(comparison, gates));
    }
  }
}
