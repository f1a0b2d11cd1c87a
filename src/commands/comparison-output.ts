import { comparisonJunit, comparisonMarkdown, comparisonText, junitXml, type GateResult } from '../../reports/index.ts';
import { countedVerdict, type JudgedCompareGate } from '../compare/gates.ts';
import type { Comparison } from '../schema/comparison.ts';
import { hasColor } from './terminal.ts';

/** How a comparison is printed; of these, only JUnit has the gates in it. */
export const COMPARISON_FORMATS = ['text', 'markdown', 'json', 'junit'] as const;
export type ComparisonFormat = (typeof COMPARISON_FORMATS)[number];

/** What stdout gets, ending in a newline. `undecided`: what the user lets an undecided gate count as. */
export function comparisonOutput(
  comparison: Comparison,
  judged: readonly JudgedCompareGate[],
  format: ComparisonFormat,
  undecided: 'fail' | 'pass' | undefined,
): string {
  switch (format) {
    case 'text':
      return `${comparisonText(comparison, { color: hasColor() })}\n`;
    case 'markdown':
      return comparisonMarkdown(comparison);
    case 'json':
      return `${JSON.stringify(comparison, null, 2)}\n`;
    case 'junit':
      return junitXml(comparisonJunit(comparison, gateResults(judged, undecided)));
  }
}

/** Gates for JUnit. */
export function gateResults(
  judged: readonly JudgedCompareGate[],
  undecided: 'fail' | 'pass' | undefined,
): GateResult[] {
  return judged.map((each) => ({
    text: each.gate.text,
    verdict: each.verdict,
    why: each.why,
    counts: countedVerdict(each, undecided),
  }));
}
