// Draws the gallery to look at: node test/gallery/render.ts FOLDER
import { mkdirSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { html, trusted } from '../../reports/html/markup.ts';
import { FONT, PALETTES } from '../../reports/charts/theme.ts';
import { gallery, svgOf } from './gallery.ts';

const [given] = process.argv.slice(2);
if (given === undefined) throw new Error('usage: node test/gallery/render.ts FOLDER');
const folder = resolve(given);
mkdirSync(folder, { recursive: true });

const colours = Object.entries(PALETTES.light).map(([name, value]) => `--${name}: ${value};`);
const style = `<style>:root { ${colours.join(' ')} } text { paint-order: stroke; }</style>`;
const charts = Object.entries(await gallery()).flatMap(([name, sections]) =>
  sections.flatMap((section) => section.charts.map((chart) => ({ file: `${name}-${chart.id}`, chart }))),
);
for (const { file, chart } of charts) {
  const svg = await svgOf(chart);
  writeFileSync(
    join(folder, `${file}.svg`),
    svg.replace(/<svg[^>]*>/, (tag) => `${tag}${style}`),
  );
  writeFileSync(join(folder, `${file}.json`), `${JSON.stringify(chart, null, 2)}\n`);
}

const page = html`<!doctype html>
  <meta charset="utf-8" />
  <title>Gallery</title>
  <body style="max-width: 700px; margin: 2rem auto; font: 16px/1.5 ${trusted(FONT)}">
    ${charts.map(
      ({ file, chart: { title, note } }) =>
        html`<h3>${title}</h3>
          <img src="${file}.svg" alt="" />
          <p>${note}</p>`,
    )}
  </body>`;
writeFileSync(join(folder, 'index.html'), page.html);
console.log(`${join(folder, 'index.html')}: ${charts.length} charts`);
