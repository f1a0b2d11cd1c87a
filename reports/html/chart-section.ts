import type { Chart, ChartDetail, ChartSection } from '../charts/chart.ts';
import { typeset } from '../format.ts';
import { requestAnchor } from './request-anchor.ts';
import { factLines, html, type Markup, section, type Section } from './markup.ts';

/** A heading with charts under it, and why others are not there; null without any of these. */
export function chartSection(shown: ChartSection): Section | null {
  const { layout, lead = null, hint, charts, left_out = null } = shown;
  if (charts.length === 0 && lead === null && left_out === null) return null;
  const anchors = anchorsOf(charts);
  return section(
    shown,
    html`${lead === null ? null : html`<p class="lead">${typeset(lead)}</p>`}
    ${hint === undefined || charts.length === 0 ? null : html`<p class="lead"><span class="screen">${hint}</span></p>`}
    ${charts.length === 0 ? null : html`<div class="charts ${layout}">${charts.map((chart) => chartMarkup(chart, anchors))}</div>`}
    ${left_out === null ? null : html`<p class="left-out">${left_out}</p>`}`,
  );
}

type Anchors = ReadonlyMap<ChartDetail, string>;

/** A request that several charts have is found where the first has it: an id stands once in a page. */
function anchorsOf(charts: readonly Chart[]): Anchors {
  const details = charts.flatMap(({ details: each = [] }) => each);
  const firsts = new Map(details.toReversed().map((detail) => [requestAnchor(detail.request_id), detail]));
  return new Map([...firsts].map(([anchor, detail]) => [detail, anchor]));
}

/** A chart's place in the page: the page's script draws into `.plot`, the table has the same data without a script. */
function chartMarkup({ id, title, label, note, table, details = [] }: Chart, anchors: Anchors): Markup {
  return html`<figure class="chart" id="${id}">
    <figcaption><h3>${typeset(title)}</h3></figcaption>
    <div class="plot" role="img" aria-label="${typeset(label)}"></div>
    <div class="foot">
      <details class="table">
        <summary>show data</summary>
        <div class="data" tabindex="0" role="region" aria-label="Data of: ${typeset(title)}">
          <table>
            <thead>
              <tr>
                ${table.columns.map((name) => html`<th scope="col">${name}</th>`)}
              </tr>
            </thead>
            <tbody>
              ${table.rows.map(
                (row) =>
                  html`<tr>
                    ${row.map((cell) => html`<td>${cell}</td>`)}
                  </tr>`,
              )}
            </tbody>
          </table>
        </div>
      </details>
      ${details.length === 0 ? null : records(details, anchors)}
      <p class="note">${typeset(note)}</p>
    </div>
  </figure>`;
}

/** Records of single rows, closed at first: opened by keyboard here, or by a click on the row in the drawing. */
function records(details: readonly ChartDetail[], anchors: Anchors): Markup {
  return html`<details class="records">
    <summary>show requests</summary>
    ${details.map((detail) => {
      const { row, title, words, fields } = detail;
      const anchor = anchors.get(detail);
      return html`<details data-row="${row}" ${anchor === undefined ? null : html` id="${anchor}"`}>
        <summary>${title}</summary>
        <div class="words">${words.map((sentence) => html`<p>${typeset(sentence)}</p>`)}</div>
        <details>
          <summary>raw record</summary>
          ${factLines(fields)}
        </details>
      </details>`;
    })}
  </details>`;
}
