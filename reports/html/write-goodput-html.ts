import { plainPercent, threeFigures, withThousands } from '../../src/core/units.ts';
import { listText } from '../../src/core/words.ts';
import type { GoodputReport } from '../../src/schema/goodput.ts';
import type { Table } from '../charts/chart.ts';
import { goodputSections } from '../charts/goodput-sections.ts';
import { limitsText, typeset } from '../format.ts';
import { goodputTable, pooledNote, probesTable } from '../goodput-table.ts';
import { type GoodputVerdict, goodputVerdict } from '../goodput-verdict.ts';
import { goodputMarkdown } from '../markdown/goodput.ts';
import { chartSection } from './chart-section.ts';
import { factLines, html, type Markup, section } from './markup.ts';
import { page } from './page.ts';
import { wideTable } from './table.ts';

/** A goodput search as one offline HTML file beside its runs, whose reports it links to. */
export async function writeGoodputHtml(report: GoodputReport): Promise<string> {
  const { target, workload, slo, gpus, answers, precision } = report;
  const sections = goodputSections(report);
  const shown = [
    ...sections.map(chartSection),
    section({ id: 'runs', heading: 'What was seen at which rate', name: 'Rates' }, rates(report)),
    section(
      { id: 'method', heading: 'How it was found', name: 'Method' },
      factLines([
        ['target', target.spec],
        ['model', target.model ?? '-'],
        ['GPUs', gpus === null ? 'not told (--gpus)' : withThousands(gpus)],
        ['workload', `${workload.name}, ${withThousands(workload.requests)} requests`],
        ['its own rate', `${threeFigures(workload.rate_rps)} requests/s`],
        ['workload SHA-256', html`<code>${workload.sha256}</code>`],
        ['SLO', typeset(limitsText(slo.limits_ms))],
        [
          'wanted',
          `${listText(answers.map(({ at }) => `${plainPercent(at)} %`))}, within ± ${plainPercent(precision)} %`,
        ],
        ['clock', report.clock],
        ['version', `reprise ${report.versions.reprise}`],
      ]),
    ),
  ];
  return page({
    title: `Goodput of ${target.spec} - Reprise`,
    header: goodputHeader(goodputVerdict(report)),
    sections: shown.filter((each) => each !== null),
    charts: sections.flatMap(({ charts }) => charts),
    markdown: goodputMarkdown(report),
  });
}

/** The answer, above everything else, and the copy button. */
export function goodputHeader({ tone, glyph, sentence, notes }: GoodputVerdict): Markup {
  // A number stays on one line with its unit, and with its sign.
  const kept = (text: string): string =>
    typeset(text).replaceAll(/(?<=\d) (?=(?:%|us|ms|s)(?!\w))|(?<=[±≤]) /g, '\u00A0');
  return html`<header>
    <div class="verdict ${tone}">
      <h1><span class="glyph" aria-hidden="true">${glyph}</span>${kept(sentence)}</h1>
      ${notes.map((note) => html`<p>${kept(note)}.</p>`)}
    </div>
    <button id="copy" type="button" hidden>Copy summary as markdown</button>
  </header>`;
}

/** Each run with a link to its own report; of traffic its rates, and behind them each segment. */
function rates(report: GoodputReport): Markup {
  const table = goodputTable(report);
  if (report.of === 'trace')
    return linkedTable(
      'The runs',
      table,
      report.probes.map(({ dir }) => (dir === null ? null : `${dir}/report.html`)),
      table.columns.length - 1,
    );
  const dirs = [...new Set(report.probes.map(({ dir }) => dir))].filter((dir) => dir !== null);
  const every = probesTable(report);
  const pooled = pooledNote(report);
  return html`<p class="lead">
      ${dirs.length === 0 ? 'The run was not kept.' : html`${dirs.length === 1 ? 'All are parts of one run' : 'All are parts of these runs'}: ${dirs.map((dir, i) => html`${i === 0 ? '' : ', '}<a href="${dir}/report.html">${dir}</a>`)}.`}
      ${pooled === null ? null : `Segments are pooled by rate. ${pooled}.`}
    </p>
    ${linkedTable('What was seen at which rate', table, [])}
    ${
      every.rows.length === table.rows.length
        ? null
        : html`<details>
            <summary>show ${withThousands(every.rows.length)} probes and segments in order of time</summary>
            ${linkedTable('Every segment', every, [])}
          </details>`
    }`;
}

/** `pages`: what a row's cell in the column `linked` opens. */
export function linkedTable(
  label: string,
  { columns, rows }: Table,
  pages: readonly (string | null)[],
  linked = 0,
): Markup {
  const set = rows.map((cells, row) => {
    const url = pages[row] ?? null;
    return cells.map((cell, i) => (i !== linked || url === null ? typeset(cell) : html`<a href="${url}">${cell}</a>`));
  });
  return wideTable(label, columns, set);
}
