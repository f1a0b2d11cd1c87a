import { threeFigures, withThousands } from '../../src/core/units.ts';
import type { SweepReport } from '../../src/schema/sweep.ts';
import { sweepSections } from '../charts/sweep-sections.ts';
import { goalText, sloText, typeset } from '../format.ts';
import { sweepMarkdown } from '../markdown/sweep.ts';
import { runsTable } from '../sweep-tables.ts';
import { runPage, sweepVerdict } from '../sweep-verdict.ts';
import { chartSection } from './chart-section.ts';
import { factLines, html, type Markup, section } from './markup.ts';
import { page } from './page.ts';
import { wideTable } from './table.ts';

/**
 * A sweep as one offline HTML file beside its runs, whose reports it links to; `judged`: by which SLO, where it is another
 * than that of the runs.
 */
export async function writeSweepHtml(report: SweepReport, judged: string | null): Promise<string> {
  const { tone, glyph, sentence, notes } = sweepVerdict(report);
  const { targets, workload, slo, at, clock, versions } = report;
  const header = html`<header>
    <div class="verdict ${tone}">
      <h1><span class="glyph" aria-hidden="true">${glyph}</span>${typeset(sentence)}</h1>
      ${notes.map((note) => html`<p>${typeset(note)}.</p>`)}
    </div>
    <button id="copy" type="button" hidden>Copy summary as markdown</button>
  </header>`;
  const sections = sweepSections(report, judged);
  const method = factLines([
    ...targets.map(({ name, spec, gpus }): [string, string] => [
      name,
      `${spec}${gpus === null ? '' : ` (${withThousands(gpus)} GPU${gpus === 1 ? '' : 's'})`}`,
    ]),
    ['workload', `${workload.name}, ${withThousands(workload.requests)} requests`],
    ['its own rate', `${threeFigures(workload.rate_rps)} requests/s`],
    ['workload SHA-256', html`<code>${workload.sha256}</code>`],
    ['SLO', typeset(`${sloText(slo)}, wanted: ${goalText(at)}`)],
    ['clock', clock],
    ['version', `reprise ${versions.reprise}`],
  ]);
  const shown = [
    ...sections.map(chartSection),
    section({ id: 'runs', heading: 'The runs' }, runs(report, judged)),
    section({ id: 'method', heading: 'What was measured', name: 'Method' }, method),
  ];
  return page({
    title: `${targets.map(({ name }) => name).join(', ')} on ${workload.name} - Reprise`,
    header,
    sections: shown.filter((each) => each !== null),
    charts: sections.flatMap(({ charts }) => charts),
    markdown: sweepMarkdown(report),
  });
}

/** Each run with a link to its own report. */
function runs(report: SweepReport, judged: string | null): Markup {
  const { columns, rows, dirs } = runsTable(report);
  const last = columns.length - 1;
  const linked = rows.map((cells, row) =>
    cells.map((cell, i) => (i < last ? cell : html`<a href="${runPage(dirs[row] ?? '', judged)}">${cell}</a>`)),
  );
  return wideTable('The runs', columns, linked);
}
