import type { Placement, PlacementReport } from '../../src/core/placement.ts';
import { withThousands } from '../../src/core/units.ts';
import { placementCharts } from '../charts/placement-charts.ts';
import { methodLines, placementVerdict, RANKING_COLUMNS, rankingRow } from '../placement-words.ts';
import { limitsWords, sloWords, typeset } from '../wording.ts';
import { factLines } from './fact-lines.ts';
import { html, type Markup } from './markup.ts';
import { chartSection, page } from './page.ts';

/** Rows of a ranking that the page has; `place.json` has all. */
const ROWS = 500;

/** A placement search as one offline HTML file: the answer, its charts, every unit that was looked at. */
export async function writePlacementHtml(report: PlacementReport): Promise<string> {
  const charts = placementCharts(report);
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
        ['SLO', typeset(limitsWords(slo.limits_ms))],
        ['Workload', workload.name],
      ])}
    </header>
    <main>
      ${chartSection('carried', 'What they carry', 'charts', charts)}
      ${ranking('disaggregated', 'Every disaggregated unit', report.placements)}
      ${ranking('collocated', 'Every collocated unit', report.collocated)}
      <section aria-labelledby="method">
        <h2 id="method">How it was found</h2>
        ${factLines([
          ...methodLines(report).map(([name, value]): [string, string] => [name, typeset(value)]),
          ['SLO', typeset(sloWords(slo))],
          ['workload SHA-256', html`<code>${workload.sha256}</code>`],
          ['version', `reprise ${report.versions.reprise}`],
        ])}
      </section>
    </main>
  `;
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
  const shown = placements.slice(0, ROWS);
  const state = ({ why }: Placement): string => why ?? '';
  return html`<section aria-labelledby="${id}">
    <h2 id="${id}">${heading}</h2>
    <p class="lead">
      ${
        shown.length === placements.length
          ? `${withThousands(placements.length)} of them, best first.`
          : `The first ${withThousands(ROWS)} of ${withThousands(placements.length)}, best first; place.json has all.`
      }
      One with &lt; was simulated once, at the rate at which it would be as good a GPU as the best, and missed.
    </p>
    <div class="data wide" tabindex="0" role="region" aria-label="${heading}">
      <table>
        <thead>
          <tr>
            ${RANKING_COLUMNS.map((name, i) => html`<th scope="col" class="${i === 0 ? 'left' : ''}">${name}</th>`)}
            <th scope="col">why not searched</th>
          </tr>
        </thead>
        <tbody>
          ${shown.map(
            (placement) =>
              html`<tr>
                ${rankingRow(placement).map((cell, i) => html`<td class="${i === 0 ? 'left' : ''}">${cell}</td>`)}
                <td>${state(placement)}</td>
              </tr>`,
          )}
        </tbody>
      </table>
    </div>
  </section>`;
}
