import { html, type Markup } from './markup.ts';

/** Facts a line each, name and value. */
export function factLines(lines: readonly (readonly [name: Markup | string, value: Markup | string])[]): Markup {
  return html`<dl class="lines">
    ${lines.map(
      ([name, value]) =>
        html`<dt>${name}</dt>
          <dd>${value}</dd>`,
    )}
  </dl>`;
}
