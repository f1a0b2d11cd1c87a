import { html, type Markup, type Section } from './markup.ts';

/** Links to every section, in a bar that stays at the top of the window. */
export function contents(sections: readonly Section[]): Markup {
  const links = [{ id: 'top', name: 'Summary' }, ...sections];
  return html`<nav class="contents" aria-label="Contents">
    <ul>
      ${links.map(({ id, name }) => html`<li><a href="#${id}">${name}</a></li>`)}
    </ul>
  </nav>`;
}
