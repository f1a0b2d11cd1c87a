import type { Certificate } from '../../src/schema/certificate.ts';
import {
  certificateNotes,
  certificateSentence,
  LIMIT_COLUMNS,
  limitRows,
  POINT_COLUMNS,
  pointRows,
} from '../certificate-words.ts';
import { certificateSections } from '../charts/certificate-sections.ts';
import { typeset } from '../format.ts';
import { certificateText } from '../text/certificate.ts';
import { chartSection } from './chart-section.ts';
import { factLines, html, section } from './markup.ts';
import { page } from './page.ts';
import { wideTable } from './table.ts';

/** The certificate of a machine as one offline HTML file. */
export async function writeCertificateHtml(certificate: Certificate): Promise<string> {
  const { machine, versions, transport, calibrated_at } = certificate;
  const sections = certificateSections(certificate);
  const shown = [
    ...sections.map(chartSection),
    section({ id: 'limits', heading: 'Limits' }, wideTable('Limits', LIMIT_COLUMNS, cells(limitRows(certificate)))),
    section({ id: 'trials', heading: 'Every load' }, wideTable('Loads', POINT_COLUMNS, cells(pointRows(certificate)))),
    section(
      { id: 'machine', heading: 'The machine' },
      factLines([
        ['host', machine.host],
        ['machine', `${machine.os}, kernel ${machine.kernel}, ${machine.cpu}, ${machine.cores} cores`],
        ['HTTP', transport === 'plain' ? 'our own reader, for http:' : 'undici'],
        ['versions', `reprise ${versions.reprise}, node ${versions.node}`],
        ['calibrated', calibrated_at],
      ]),
    ),
  ];
  return page({
    title: `What ${machine.host} can measure - Reprise`,
    header: html`<header>
      <div class="verdict none">
        <h1><span class="glyph" aria-hidden="true">●</span>${typeset(certificateSentence(certificate))}</h1>
        ${certificateNotes(certificate).map((note) => html`<p>${typeset(note)}.</p>`)}
      </div>
      <button id="copy" type="button" hidden>Copy summary as markdown</button>
    </header>`,
    sections: shown.filter((each) => each !== null),
    charts: sections.flatMap(({ charts }) => charts),
    markdown: `\`\`\`\n${certificateText(certificate, { color: false })}\n\`\`\`\n`,
  });
}

function cells(rows: readonly (readonly string[])[]): ReturnType<typeof typeset>[][] {
  return rows.map((row) => row.map(typeset));
}
