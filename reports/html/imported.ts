import type { Imported, Manifest } from '../../src/schema/manifest.ts';
import { commandText, sloText } from '../format.ts';
import { factLines, html, type Markup, section, type Section } from './markup.ts';

/** What the figures of another tool count: in place of the client's health, which its file does not have. */
export function importedNotes({ notes }: Imported): Markup {
  return html`<ul>
    ${notes.map((note) => html`<li>${note}</li>`)}
  </ul>`;
}

/** Where an imported run is from: its tool, file and digest. What the file does not say is not there. */
export function importedProvenance(manifest: Manifest, { tool, version, file, run, sha256 }: Imported): Section {
  const { target, versions, slo } = manifest;
  return section(
    { id: 'repeat', heading: 'Where it is from', name: 'Provenance' },
    html`<div class="dense">
      ${factLines([['read again by', html`<code>${commandText(manifest.command)}</code>`]])}
      <details class="kept">
        <summary>tool, file, digest and versions</summary>
        ${factLines(
          [
            ['run', manifest.run_id],
            ['measured by', `${tool}${version === null ? ', its version is not in the file' : ` ${version}`}`],
            ['file', `${file}, run ${run} of it`],
            ['file SHA-256', html`<code>${sha256}</code>`],
            ['target', `${target.spec}, ${target.adapter}`],
            ['SLO', sloText(slo)],
            [
              'read by',
              Object.entries(versions)
                .map(([name, each]) => `${name} ${each}`)
                .join(', '),
            ],
            ['load, client and machine', 'not in the file'],
          ],
          'columns',
        )}
      </details>
    </div>`,
  );
}
