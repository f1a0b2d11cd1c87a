import { resolve } from 'node:path';
import {
  comparisonMarkdown,
  comparisonText,
  junitXml,
  nightJunit,
  plain,
  reasonText,
  trendVerdict,
} from '../../reports/index.ts';
import { nightPage, trendFiles } from '../search/nightly/history.ts';
import { untilJudged, type NightResult } from '../search/nightly/nightly.ts';
import { gateResults, type ComparisonFormat } from './comparison-output.ts';
import { hasColor } from './terminal.ts';

/** What stdout gets of a night, ending in a newline. `undecided`: what the user lets an undecided gate count as. */
export function nightOutput(
  result: NightResult,
  format: ComparisonFormat,
  undecided: 'fail' | 'pass' | undefined,
): string {
  const { night, comparison, measured, folder } = result;
  switch (format) {
    case 'text': {
      const color = hasColor();
      const page = nightPage(folder, night);
      return [
        comparison === null ? measured.text(color) : comparisonText(comparison, { color }),
        ...notesOf(result),
        ...(page === null ? [] : [`report: ${resolve(folder, page)}`]),
        `trend: ${resolve(trendFiles(folder).page)}`,
        '',
      ].join('\n');
    }
    case 'markdown':
      return [
        comparison === null ? measured.markdown() : comparisonMarkdown(comparison),
        ...notesOf(result).map((note) => `${plain(note)}\n`),
      ].join('\n');
    case 'json':
      return `${JSON.stringify({ night, comparison }, null, 2)}\n`;
    case 'junit':
      return junitXml(nightJunit(night, comparison, gateResults(result.gates, undecided)));
  }
}

function notesOf({ night, comparison, missing, trend }: NightResult): string[] {
  const { glyph, sentence } = trendVerdict(trend);
  return [
    ...(comparison?.provisional === true && missing > 0 ? [`Provisional: ${untilJudged(missing)}.`] : []),
    ...(night.valid ? [] : [`not valid: ${reasonText(night.reasons)}; the night is kept, and takes part in nothing`]),
    ...(night.accepted ? [`accepted as the baseline of ${night.branch}: its first valid night`] : []),
    `trend of ${night.branch}: ${glyph} ${sentence}`,
  ];
}
