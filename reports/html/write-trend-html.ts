import type { Night } from '../../src/schema/history.ts';
import type { Trend } from '../../src/trend/trend.ts';
import { trendSections } from '../charts/trend-chart.ts';
import { typeset } from '../format.ts';
import { trendMarkdown } from '../markdown/trend.ts';
import {
  CHANGE_COLUMNS,
  changeRow,
  changesOf,
  measuredText,
  NIGHT_COLUMNS,
  nightRow,
  RUN_COLUMN,
  TREND_COLUMNS,
  trendRow,
  trendVerdict,
} from '../trend-words.ts';
import { chartSection } from './chart-section.ts';
import { factLines, html, type Markup, section } from './markup.ts';
import { page } from './page.ts';
import { wideTable } from './table.ts';

/** Nights in the table, the newest first; the charts and their data have all. */
const ROWS = 400;

/**
 * The nights of a branch as one offline HTML file beside what they measured; `pageOf`: the page of it, from there; null: there
 * is none.
 */
export async function writeTrendHtml(trend: Trend, pageOf: (night: Night) => string | null): Promise<string> {
  const { tone, glyph, sentence, notes } = trendVerdict(trend);
  const { nights, metrics } = trend;
  const last = nights.at(-1);
  const header = html`<header>
    <div class="verdict ${tone}">
      <h1><span class="glyph" aria-hidden="true">${glyph}</span>${typeset(sentence)}</h1>
      ${notes.map((note) => html`<p>${typeset(note)}.</p>`)}
    </div>
    <button id="copy" type="button" hidden>Copy summary as markdown</button>
  </header>`;
  const changes = changesOf(trend);
  const sections = trendSections(trend);
  const shown = [
    metrics.length === 0
      ? null
      : section(
          { id: 'metrics', heading: 'The last night, and the level' },
          wideTable(
            'The metrics',
            TREND_COLUMNS,
            metrics.map((metric) => trendRow(metric, nights)),
          ),
        ),
    ...sections.map(chartSection),
    changes.length === 0
      ? null
      : section(
          { id: 'changes', heading: 'Changes' },
          wideTable(
            'The changes',
            CHANGE_COLUMNS,
            changes.map((change) => changeRow(change, nights)),
          ),
        ),
    section({ id: 'nights', heading: 'The nights' }, nightTable(trend, pageOf)),
    section({ id: 'method', heading: 'How it is decided', name: 'Method' }, method(trend)),
  ];
  return page({
    title: `Nights of ${last?.branch ?? 'a branch'} - Reprise`,
    header,
    sections: shown.filter((each) => each !== null),
    charts: sections.flatMap(({ charts }) => charts),
    markdown: trendMarkdown(trend),
  });
}

function method({ nights }: Trend): Markup {
  const last = nights.at(-1);
  return factLines([
    ['branch', last?.branch ?? '-'],
    ['target of the last night', last?.target ?? '-'],
    ['each night', last === undefined ? '-' : measuredText(last.measured)],
    [
      'a change',
      'is raised by a two-sided CUSUM over the logarithms (slack 1, threshold 4, a night counting 3 spreads at most); level and spread are median and 1.1 times the robust deviation of the first 20 nights since the last change, later 40',
    ],
    ['its date', 'by E-divisive over the whole history, with a permutation test'],
    [
      'a night alone',
      "is compared with the accepted level by Student's t, with the spread of earlier nights and Holm's adjustment; provisional before the twentieth night",
    ],
    ['version', `reprise ${last?.versions['reprise'] ?? '-'}`],
  ]);
}

/** Each night with a link to what it measured. */
function nightTable({ nights }: Trend, pageOf: (night: Night) => string | null): Markup {
  const first = Math.max(0, nights.length - ROWS);
  const rows = nights.slice(first).map((night, i) => {
    const link = pageOf(night);
    return nightRow(night, first + i).map((cell, at) =>
      at === RUN_COLUMN && link !== null ? html`<a href="${link}">${cell}</a>` : cell,
    );
  });
  return wideTable('The nights', NIGHT_COLUMNS, rows.toReversed());
}
