import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { findPackageJSON } from 'node:module';
import { dirname, join } from 'node:path';
import type { Chart } from '../charts/chart.ts';
import { THEME } from '../charts/theme.ts';
import { contents } from './contents.ts';
import { followReader } from './contents-script.ts';
import { html, json, type Markup, type Section, trusted } from './markup.ts';
import { runPage } from './page-script.ts';
import { STYLE } from './style.ts';
import { markTime, shareZoom, zoomByDrag, zoomByKeys } from './zoom-script.ts';

export interface PageParts {
  readonly title: string;
  /** The answer, above everything else. */
  readonly header: Markup;
  /** In reading order; the contents list them. */
  readonly sections: readonly Section[];
  /** Every chart that has its place in a section. */
  readonly charts: readonly Chart[];
  /** Text of the copy button; null: a page without one. */
  readonly markdown: string | null;
}

/** One HTML file: offline, no request to anywhere. */
export async function page({ title, header, sections, charts, markdown }: PageParts): Promise<string> {
  // Compiled here, the page needs Vega's runtime alone. Imported here, vega-lite costs callers without a page nothing.
  const { compile } = await import('vega-lite');
  const specs = Object.fromEntries(charts.map(({ id, spec }) => [id, compile(spec, { config: THEME }).spec]));
  const scripts = [await vegaRuntime(), pageScript()];
  const whole = html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta http-equiv="Content-Security-Policy" content="${contentSecurityPolicy(scripts)}" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <title>${title}</title>
        <style>
          ${trusted(STYLE)}
        </style>
      </head>
      <body id="top">
        ${contents(sections)} ${header}
        <p class="lead unscripted">Scripts do not run here, so charts are not drawn: "show data" has what they show.</p>
        <main>${sections}</main>
        <script type="application/json" id="charts">
          ${json(specs)}
        </script>
        ${
          markdown === null
            ? null
            : html`<script type="application/json" id="markdown">
                ${json(markdown)}
              </script>`
        }
        ${scripts.map(scriptElement)}
      </body>
    </html> `;
  return whole.html;
}

/** A script element of exactly the text whose digest the page's policy names. */
function scriptElement(script: string): Markup {
  return trusted(`<script>${script}</script>`);
}

/** Our own functions that run in the page, by their source text; each gets the others as arguments. */
function pageScript(): string {
  const gestures = [markTime, zoomByDrag, zoomByKeys].map((gesture) => gesture.toString());
  return `(${runPage.toString()})(vega, (panels) => (${shareZoom.toString()})(panels, [${gestures.join(', ')}]));\n(${followReader.toString()})();`;
}

/** Vega's browser build, as text that can stand in a script element. */
async function vegaRuntime(): Promise<string> {
  const manifestPath = findPackageJSON('vega', import.meta.url);
  if (manifestPath === undefined) throw new Error('the package vega is not installed');
  const text = await readFile(join(dirname(manifestPath), 'build', 'vega.min.js'), 'utf8');
  return text.replaceAll('</script', '<\\/script');
}

/**
 * The page may load and send nothing. Only our own scripts run, by their digests; Vega needs `unsafe-eval` to compile
 * its expressions.
 */
function contentSecurityPolicy(scripts: readonly string[]): string {
  const digests = scripts.map((script) => `'sha256-${createHash('sha256').update(script).digest('base64')}'`);
  return `default-src 'none'; style-src 'unsafe-inline'; script-src ${digests.join(' ')} 'unsafe-eval'; img-src data:; base-uri 'none'; form-action 'none'`;
}
