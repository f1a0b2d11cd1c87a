import { GLOSSARY } from '../definitions.ts';
import { factLines, html, section, type Section } from './markup.ts';

/** The words of a report and what they mean, folded. */
export function glossary(): Section {
  return section(
    { id: 'glossary', heading: 'Glossary' },
    html`<details>
      <summary>what the ${GLOSSARY.length} words of this page mean</summary>
      <div class="dense">${factLines(GLOSSARY, 'columns')}</div>
    </details>`,
  );
}
