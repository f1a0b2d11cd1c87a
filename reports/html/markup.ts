/** Text that is HTML already. Everything else is escaped when it is put into a template. */
export interface Markup {
  readonly html: string;
}

type Part = Markup | string | number | null | readonly Part[];

/** Tagged template: literal parts are HTML, strings put in are escaped, null is nothing, arrays are joined. */
export function html(literals: TemplateStringsArray, ...parts: readonly Part[]): Markup {
  return { html: literals.map((literal, i) => literal + (i < parts.length ? written(parts[i] ?? null) : '')).join('') };
}

/** A section of a page, which the page's contents list by its name. */
export interface Section extends Markup {
  readonly id: string;
  readonly name: string;
}

/** A section under its heading. `name` is for the contents, where the heading is long. */
export function section(
  { id, heading, name = heading }: { readonly id: string; readonly heading: string; readonly name?: string },
  body: Markup,
): Section {
  const whole = html`<section id="${id}" aria-labelledby="${id}-heading">
    <h2 id="${id}-heading">${heading}</h2>
    ${body}
  </section>`;
  return { id, name, html: whole.html };
}

/** Facts a line each, name and value; many of them in two columns where the page is wide. */
export function factLines(
  lines: readonly (readonly [name: Markup | string, value: Markup | string])[],
  layout: 'column' | 'columns' = 'column',
): Markup {
  return html`<dl class="lines ${layout}">
    ${lines.map(
      ([name, value]) =>
        html`<div>
          <dt>${name}</dt>
          <dd>${value}</dd>
        </div>`,
    )}
  </dl>`;
}

/** The text, as a link where there is something to lead to. */
export function link(url: string | null, text: string): Markup {
  return url === null ? html`${text}` : html`<a href="${url}">${text}</a>`;
}

/** JSON that can stand inside a script element, whatever strings are in it. */
export function json(value: unknown): Markup {
  return { html: JSON.stringify(value).replaceAll('<', '\\u003c').replaceAll('>', '\\u003e') };
}

/** Our own HTML, CSS or JavaScript, as it is. Never a string that came from a run. */
export function trusted(text: string): Markup {
  return { html: text };
}

function written(part: Part): string {
  if (part === null) return '';
  if (typeof part === 'string') return escaped(part);
  if (typeof part === 'number') return String(part);
  return 'html' in part ? part.html : part.map(written).join('');
}

/** Marks of writing direction become visible, as in a terminal: a name could make the page read otherwise than it is. */
function escaped(text: string): string {
  return text
    .replaceAll(/\p{Bidi_Control}/gu, '\u{FFFD}')
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
    .replaceAll("'", '&#39;');
}
