import { limitsText, typeset } from '../format.ts';
import { goodputsSections } from '../charts/goodputs-sections.ts';
import { markOf } from '../charts/target-marks.ts';
import { goodputsTable } from '../goodputs-table.ts';
import { goodputsVerdict, type TargetGoodput } from '../goodputs-verdict.ts';
import { goodputsMarkdown } from '../markdown/goodputs.ts';
import { chartSection } from './chart-section.ts';
import { goodputHeader, linkedTable } from './write-goodput-html.ts';
import { factLines, html, type Markup, section } from './markup.ts';
import { page } from './page.ts';

/** A goodput search of several targets as one offline HTML file, which links to the page of each. */
export async function writeGoodputsHtml(targets: readonly TargetGoodput[]): Promise<string> {
  const sections = goodputsSections(targets);
  const pages = targets.map(({ dir }) => `${dir}/goodput.html`);
  const shown = [
    ...sections.map(chartSection),
    section({ id: 'targets', heading: 'The targets' }, linkedTable('The targets', goodputsTable(targets), pages, 1)),
    section({ id: 'method', heading: 'How it was found', name: 'Method' }, method(targets)),
  ];
  return page({
    title: `Goodput of ${targets.length} targets - Reprise`,
    header: html`${goodputHeader(goodputsVerdict(targets))} ${key(targets, pages)}`,
    sections: shown.filter((each) => each !== null),
    charts: sections.flatMap(({ charts }) => charts),
    markdown: goodputsMarkdown(targets),
  });
}

/** Which sign of the charts is which target. */
function key(targets: readonly TargetGoodput[], pages: readonly string[]): Markup {
  return html`<ul class="key" aria-label="The targets">
    ${targets.map(({ name }, i) => {
      const { letter, glyph, color } = markOf(i);
      return html`<li>
        <span aria-hidden="true" style="color: ${color}">${glyph}</span> ${letter}:
        <a href="${pages[i] ?? ''}">${name}</a>
      </li>`;
    })}
  </ul>`;
}

function method(targets: readonly TargetGoodput[]): Markup {
  const [first] = targets;
  return factLines([
    ...targets.map(({ report }, i): [string, string] => [`target ${markOf(i).letter}`, report.target.spec]),
    ...(first === undefined
      ? []
      : ([
          ['workload', first.report.workload.name],
          ['workload SHA-256', html`<code>${first.report.workload.sha256}</code>`],
          ['SLO', typeset(limitsText(first.report.slo.limits_ms))],
          ['clock', first.report.clock],
          ['version', `reprise ${first.report.versions.reprise}`],
        ] satisfies [string, Markup | string][])),
  ]);
}
