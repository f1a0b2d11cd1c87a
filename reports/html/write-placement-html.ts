import type { Placement, PlacementReport } from '../../src/schema/placement.ts';
import { withThousands } from '../../src/core/units.ts';
import { placementSections } from '../charts/placement-sections.ts';
import { methodLines, placementVerdict, RANKING_COLUMNS, rankingRow } from '../placement-text.ts';
import { limitsText, sloText, typeset } from '../format.ts';
import { chartSection } from './chart-section.ts';
import { factLines, html, type Markup } from './markup.ts';
import { page } from './page.ts';

/** Rows of a ranking that are open at first, and that the page has in all; `place.json` has every row. */
const BEST = 12;
const ROWS = 500;

/** A placement search as one offline HTML file: the answer, its charts, every unit that was considered. */
export async function writePlacementHtml(report: PlacementReport): Promise<string> {
  const sections = placementSections(report);
  const { isFound, sentence, beside } = placementVerdict(report);
  const { model, gpu, gpus, slo, workload } = report;
  const body = html`
    <header>
      <div class="verdict ${isFound ? 'met' : 'missed'}">
        <h1><span class="glyph" aria-hidden="true">${isFound ? '✓' : '✗'}</span>${typeset(sentence)}</h1>
        <p>${typeset(beside)}</p>
      </div>
      ${facts([
        ['Model', model],
        ['GPUs', `${withThousands(gpus)} ${gpu}`],
        ['SLO', typeset(limitsText(slo.limits_ms))],
        ['Workload', workload.name],
      ])}
    </header>
    <main>
      ${sections.map(chartSection)} ${ranking('disaggregated', 'Every disaggregated unit', report.placements)}
      ${ranking('collocated', 'Every collocated unit', report.collocated)}
      <section aria-labelledby="method">
        <h2 id="method">How it was found</h2>
        ${factLines([
          ...methodLines(report).map(([name, value]): [string, string] => [name, typeset(value)]),
          ['SLO', typeset(sloText(slo))],
          ['workload SHA-256', html`<code>${workload.sha256}</code>`],
          ['version', `reprise ${report.versions.reprise}`],
        ])}
      </section>
    </main>
  `;
  const charts = sections.flatMap((section) => section.charts);
  return page({ title: `${model} on ${gpus} ${gpu} - Reprise`, body, charts, markdown: null });
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

function ranking(id: string, heading: string, placements: readonly Placement[]): Markup | null {
  if (placements.length === 0) return null;
  const [best, others] = [placements.slice(0, BEST), placements.slice(BEST, ROWS)];
  const more = placements.length - best.length - others.length;
  return html`<section aria-labelledby="${id}">
    <h2 id="${id}">${heading}</h2>
    <p class="lead">
      ${withThousands(placements.length)} of them, best first. One with &lt; was simulated once, at a rate at which it
      would be as good a GPU as another, and missed.
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
    }
  </section>`;
}

function rankingTable(placements: readonly Placement[]): Markup {
  const side = (column: number): string => (column === 0 ? 'left' : '');
  const hasReasons = placements.some(({ why }) => why !== null);
  return html`<table>
    <thead>
      <tr>
        ${RANKING_COLUMNS.map((name, i) => html`<th scope="col" class="${side(i)}">${name}</th>`)}
        ${hasReasons ? html`<th scope="col" class="left message">why not searched</th>` : null}
      </tr>
    </thead>
    <tbody>
      ${placements.map(
        (placement) =>
          html`<tr>
            ${rankingRow(placement).map((cell, i) => html`<td class="${side(i)}">${cell}</td>`)}
            ${hasReasons ? html`<td class="left message">${placement.why}</td>` : null}
          </tr>`,
      )}
    </tbody>
  </table>`;
}
