import {
  type Arrivals,
  type Kind,
  type Placement,
  type PlacementReport,
  rankedBy,
  rankingOf,
} from '../../src/schema/placement.ts';
import { withThousands } from '../../src/core/units.ts';
import { placementSections } from '../charts/placement-sections.ts';
import { contenderTable, kindsInOrder, methodLines, RANKING_COLUMNS, rankingRow } from '../placement-text.ts';
import { ARRIVALS, placementVerdict } from '../placement-verdict.ts';
import { limitsText, sloText, typeset } from '../format.ts';
import { chartSection } from './chart-section.ts';
import { factLines, html, type Markup, section, type Section } from './markup.ts';
import { page } from './page.ts';

/** Rows of a ranking that are open at first, and that the page has in all; `place.json` has every row. */
const BEST = 12;
const ROWS = 500;

/** A placement search as one offline HTML file: the answer, its charts, every placement that was considered. */
export async function writePlacementHtml(report: PlacementReport): Promise<string> {
  const sections = placementSections(report);
  const { tone, glyph, sentence, notes } = placementVerdict(report);
  const { model, gpu, gpus, slo, workload } = report;
  const header = html`<header>
    <div class="verdict ${tone}">
      <h1><span class="glyph" aria-hidden="true">${glyph}</span>${typeset(sentence)}</h1>
      ${notes.map((note) => html`<p>${typeset(note)}</p>`)}
    </div>
    ${facts([
      ['Model', model],
      ['GPUs', `${withThousands(gpus)} ${gpu}`],
      ['SLO', typeset(limitsText(slo.limits_ms))],
      ['Workload', workload.name],
    ])}
  </header>`;
  const method = factLines([
    ...methodLines(report).map(([name, value]): [string, string] => [name, typeset(value)]),
    ['SLO', typeset(sloText(slo))],
    ['workload SHA-256', html`<code>${workload.sha256}</code>`],
    ['version', `reprise ${report.versions.reprise}`],
  ]);
  const shown = [
    ...sections.map(chartSection),
    contenders(report),
    ...kindsInOrder(report).map((kind) => ranking(kind, rankingOf(report, kind), rankedBy(report))),
    section({ id: 'method', heading: 'How it was found', name: 'Method' }, method),
  ];
  const charts = sections.flatMap((each) => each.charts);
  return page({
    title: `${model} on ${gpus} ${gpu} - Reprise`,
    header,
    sections: shown.filter((each) => each !== null),
    charts,
    markdown: null,
  });
}

function facts(pairs: readonly (readonly [string, string])[]): Markup {
  return html`<dl class="facts">
    ${pairs.map(
      ([name, value]) =>
        html`<div>
          <dt>${name}</dt>
          <dd>${value}</dd>
        </div>`,
    )}
  </dl>`;
}

function contenders(report: PlacementReport): Section | null {
  if (report.contenders.length === 0) return null;
  const { columns, rows } = contenderTable(report);
  const by = ARRIVALS[rankedBy(report)];
  const isBoth = report.arrivals.length === 2;
  const heading = 'The best of both kinds';
  return section(
    { id: 'contenders', heading, name: 'The best' },
    html`<p class="lead">
        Those that carry most with ${by}${isBoth ? `, tried with ${ARRIVALS.trace} too` : ''}. From the highest rate
        that met the SLO to the lowest that missed
        it${isBoth ? '; one with < missed it at a rate at which it would be as good as another' : ''}.
      </p>
      <div class="wide" tabindex="0" role="region" aria-label="${heading}">${table(columns, rows)}</div>`,
  );
}

function ranking(id: Kind, placements: readonly Placement[], by: Arrivals): Section | null {
  if (placements.length === 0) return null;
  const [best, others] = [placements.slice(0, BEST), placements.slice(BEST, ROWS)];
  const more = placements.length - best.length - others.length;
  const heading = `Every ${id} placement`;
  return section(
    { id, heading, name: `${id.charAt(0).toUpperCase()}${id.slice(1)}` },
    html`<p class="lead">
        ${withThousands(placements.length)} of them, best first, with ${ARRIVALS[by]}. One with &lt; was simulated once,
        at a rate at which it would be as good per GPU as another, and missed.
      </p>
      <div class="wide" tabindex="0" role="region" aria-label="${heading}, the best">${rankingTable(best)}</div>
      ${
        others.length === 0
          ? null
          : html`<details>
              <summary>
                show ${withThousands(others.length)}
                more${more === 0 ? '' : `; place.json has the last ${withThousands(more)}`}
              </summary>
              <div class="data" tabindex="0" role="region" aria-label="${heading}, the others">
                ${rankingTable(others)}
              </div>
            </details>`
      }`,
  );
}

/** What was beaten says so by its rate; what was skipped has its reason in a column of its own. */
function rankingTable(placements: readonly Placement[]): Markup {
  if (!placements.some(({ state }) => state === 'skipped')) return table(RANKING_COLUMNS, placements.map(rankingRow));
  const reason = ({ state, why }: Placement): string => (state === 'skipped' && why !== null ? why : '');
  return table(
    [...RANKING_COLUMNS, 'why not simulated'],
    placements.map((each) => [...rankingRow(each), reason(each)]),
  );
}

function table(columns: readonly string[], rows: readonly (readonly string[])[]): Markup {
  const side = (column: number): string =>
    column === 0 ? 'left' : column === RANKING_COLUMNS.length ? 'left message' : '';
  return html`<table>
    <thead>
      <tr>
        ${columns.map((name, i) => html`<th scope="col" class="${side(i)}">${name}</th>`)}
      </tr>
    </thead>
    <tbody>
      ${rows.map(
        (row) =>
          html`<tr>
            ${row.map((cell, i) => html`<td class="${side(i)}">${cell}</td>`)}
          </tr>`,
      )}
    </tbody>
  </table>`;
}
