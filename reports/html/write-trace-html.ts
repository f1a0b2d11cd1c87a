import type { TraceInspection } from '../../src/core/trace-inspection.ts';
import { withThousands } from '../../src/core/units.ts';
import { countText } from '../../src/core/words.ts';
import { traceSections } from '../charts/trace-sections.ts';
import { typeset } from '../format.ts';
import {
  LENGTH_COLUMNS,
  lengthRow,
  traceFigures,
  traceSentence,
  watchOuts,
  type CacheReading,
} from '../trace-words.ts';
import { chartSection } from './chart-section.ts';
import { factLines, html, section, type Section } from './markup.ts';
import { page } from './page.ts';
import { wideTable } from './table.ts';

/** What is in a trace, as one offline HTML file. `reading`: a cache of a known size; `version`: of Reprise. */
export async function writeTraceHtml(
  found: TraceInspection,
  { reading, version }: { readonly reading: CacheReading | null; readonly version: string },
): Promise<string> {
  const sections = traceSections(found, reading);
  const name = found.file.split(/[\\/]/).at(-1) ?? found.file;
  const header = html`<header>
    <div class="verdict none">
      <h1><span class="glyph" aria-hidden="true">●</span>${typeset(traceSentence(found))}</h1>
    </div>
    <dl class="facts">
      <div>
        <dt>Trace</dt>
        <dd>${name}</dd>
      </div>
      <div>
        <dt>Format</dt>
        <dd>${found.format}</dd>
      </div>
      <div>
        <dt>Requests</dt>
        <dd>
          ${withThousands(found.rows)}${found.bad_rows === 0 ? '' : `, and ${countText(found.bad_rows, 'bad row')}`}
        </dd>
      </div>
    </dl>
  </header>`;
  const shown = [
    watchSection(found, reading),
    ...sections.map(chartSection),
    section(
      { id: 'figures', heading: 'Figures' },
      html`${wideTable('Lengths', LENGTH_COLUMNS, [
          lengthRow('input', found.input_tokens),
          lengthRow('output', found.output_tokens),
          lengthRow('together', found.total_tokens),
        ])}
        <div class="dense trace-figures">
          ${factLines(
            traceFigures(found).map(([figure, value]) => [figure, typeset(value)] as const),
            'columns',
          )}
        </div>`,
    ),
    section(
      { id: 'file', heading: 'The file' },
      factLines([
        ['file', html`<code>${found.file}</code>`],
        ['SHA-256', html`<code>${found.sha256 ?? '-'}</code>`],
        [
          'definitions',
          'rate: (n - 1) / (last - first); CV and variance over mean by population variance, counts in complete windows from the first request on; percentiles by linear interpolation (type 7); hits: a prompt’s leading blocks that are in the cache when it arrives',
        ],
        ['version', `reprise ${version}`],
      ]),
    ),
  ];
  return page({
    title: `${name} - Reprise`,
    header,
    sections: shown.filter((each) => each !== null),
    charts: sections.flatMap(({ charts }) => charts),
    markdown: null,
  });
}

function watchSection(found: TraceInspection, reading: CacheReading | null): Section | null {
  const all = watchOuts(found, reading);
  if (all.length === 0) return null;
  return section(
    { id: 'watch', heading: 'What to watch out for', name: 'Watch out' },
    html`<ul class="watch">
      ${all.map(
        ({ found: what, todo }) =>
          html`<li>${typeset(what)}${todo === '' ? null : html`<span class="todo">${typeset(todo)}</span>`}</li>`,
      )}
    </ul>`,
  );
}
