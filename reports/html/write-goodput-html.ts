import { threeFigures, withThousands } from '../../src/core/units.ts';
import type { GoodputReport } from '../../src/schema/goodput.ts';
import { goodputSections } from '../charts/goodput-sections.ts';
import { limitsText, typeset } from '../format.ts';
import { goodputVerdict, PROBE_COLUMNS, probeRow } from '../goodput-verdict.ts';
import { goodputMarkdown } from '../markdown/goodput.ts';
import { chartSection } from './chart-section.ts';
import { factLines, html, type Markup, section } from './markup.ts';
import { page } from './page.ts';

/** A goodput search as one offline HTML file beside its runs, whose reports it links to. */
export async function writeGoodputHtml(report: GoodputReport): Promise<string> {
  const { tone, glyph, sentence, notes } = goodputVerdict(report);
  const { target, workload, slo, gpus } = report;
  const header = html`<header>
    <div class="verdict ${tone}">
      <h1><span class="glyph" aria-hidden="true">${glyph}</span>${typeset(sentence)}</h1>
      ${notes.map((note) => html`<p>${typeset(note)}.</p>`)}
    </div>
    <button id="copy" type="button" hidden>Copy summary as markdown</button>
  </header>`;
  const sections = goodputSections(report);
  const shown = [
    ...sections.map(chartSection),
    section({ id: 'runs', heading: 'The runs' }, runs(report)),
    section(
      { id: 'method', heading: 'How it was found' },
      factLines([
        ['target', target.spec],
        ['model', target.model ?? '-'],
        ['GPUs', gpus === null ? 'not told (--gpus)' : withThousands(gpus)],
        ['workload', `${workload.name}, ${withThousands(workload.requests)} requests`],
        ['its own rate', `${threeFigures(workload.rate_rps)} requests/s`],
        ['workload SHA-256', html`<code>${workload.sha256}</code>`],
        ['SLO', typeset(limitsText(slo.limits_ms))],
        ['clock', report.clock],
        ['version', `reprise ${report.versions.reprise}`],
      ]),
    ),
  ];
  return page({
    title: `Goodput of ${target.spec} - Reprise`,
    header,
    sections: shown.filter((each) => each !== null),
    charts: sections.flatMap(({ charts }) => charts),
    markdown: goodputMarkdown(report),
  });
}

/** Each run with a link to its own report. */
function runs({ probes, at }: GoodputReport): Markup {
  return html`<div class="wide" tabindex="0" role="region" aria-label="The runs">
    <table>
      <thead>
        <tr>
          ${PROBE_COLUMNS.map((name) => html`<th scope="col" class="left">${name}</th>`)}
        </tr>
      </thead>
      <tbody>
        ${probes.map((probe) => {
          const cells = probeRow(probe, at);
          return html`<tr>
            ${cells.map(
              (cell, i) =>
                html`<td class="left">
                  ${i < cells.length - 1 || probe.dir === null ? cell : html`<a href="${probe.dir}/report.html">${cell}</a>`}
                </td>`,
            )}
          </tr>`;
        })}
      </tbody>
    </table>
  </div>`;
}
