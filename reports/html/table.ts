import { html, type Markup } from './markup.ts';

/** A table of text and links, which scrolls sideways where it has to; `label` is read out. `cellClass`: besides `left`. */
export function wideTable(
  label: string,
  columns: readonly string[],
  rows: readonly (readonly (string | Markup)[])[],
  cellClass: (cell: string | Markup) => string = () => '',
): Markup {
  return html`<div class="wide" tabindex="0" role="region" aria-label="${label}">
    <table>
      <thead>
        <tr>
          ${columns.map((name) => html`<th scope="col" class="left">${name}</th>`)}
        </tr>
      </thead>
      <tbody>
        ${rows.map(
          (cells) =>
            html`<tr>
              ${cells.map((cell) => html`<td class="left ${cellClass(cell)}">${cell}</td>`)}
            </tr>`,
        )}
      </tbody>
    </table>
  </div>`;
}
