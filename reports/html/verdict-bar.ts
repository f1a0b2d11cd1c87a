import type { Manifest } from '../../src/schema/manifest.ts';
import type { Summary } from '../../src/schema/summary.ts';
import { verdictOf } from '../verdict.ts';
import { loadText, typeset } from '../format.ts';
import { html, type Markup } from './markup.ts';

/** The answer, whether the measurement is valid, and what was measured. */
export function verdictBar(summary: Summary, manifest: Manifest): Markup {
  const { tone, glyph, sentence, warnings, assurance, why, delivered, excluded } = verdictOf(summary, manifest);
  const { workload, target } = manifest;
  return html`<header>
    <div class="verdict ${tone}">
      ${warnings.map((warning) => html`<p class="warning"><span aria-hidden="true">!</span> ${warning}</p>`)}
      <h1><span class="glyph" aria-hidden="true">${glyph}</span>${typeset(sentence)}</h1>
      ${why === null ? null : html`<p class="diagnosis"><strong>Why:</strong> ${typeset(why)}</p>`}
      ${assurance === null ? null : html`<p><span aria-hidden="true">✓</span> ${assurance}</p>`}
      <p>${delivered}</p>
      ${excluded === null ? null : html`<p>${excluded}</p>`}
    </div>
    <dl class="facts">
      <div>
        <dt>Target</dt>
        <dd>${target.spec}</dd>
      </div>
      <div>
        <dt>Model</dt>
        <dd>${target.model ?? String(target.facts['model'] ?? 'not named')}</dd>
      </div>
      <div>
        <dt>Workload</dt>
        <dd>${workload.name}</dd>
      </div>
      <div>
        <dt>Rate</dt>
        <dd>${loadText(workload)}</dd>
      </div>
      <div>
        <dt>Started</dt>
        <dd>${dateText(manifest.started_at)}${manifest.clock === 'virtual' ? ', virtual time' : ''}</dd>
      </div>
    </dl>
    <button id="copy" type="button" hidden>Copy summary as markdown</button>
  </header>`;
}

/** An ISO 8601 time in UTC as `2026-11-21 08:00:00 UTC`; any other text unchanged. */
function dateText(iso: string): string {
  return iso.replace(/^(\d{4}-\d\d-\d\d)T(\d\d:\d\d:\d\d)(?:\.\d+)?Z$/, '$1 $2 UTC');
}
