import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { describe, it } from 'node:test';
import type { Chart } from '../../reports/charts/chart.ts';
import { PALETTES } from '../../reports/charts/theme.ts';
import { gallery, svgOf } from './gallery.ts';

for (const [page, sections] of Object.entries(await gallery()))
  describe(`every chart of the ${page} page`, () => {
    for (const chart of sections.flatMap(({ charts }) => charts))
      it(`${chart.id} is drawn, and is as it was`, async (t) => {
        const svg = await svgOf(chart);
        assert.ok((svg.match(/<path[^>]* d="M[^"]{15,}"/g) ?? []).length > 0, 'nothing is drawn');
        assert.doesNotMatch(svg, /NaN|undefined/);
        for (const [, name = ''] of svg.matchAll(/<text[^>]*fill="var\(--([\w-]+)\)"/g))
          for (const palette of Object.values(PALETTES))
            assert.ok(
              contrast(new Map(Object.entries(palette)).get(name) ?? '', palette.paper) >= 4.5,
              `text in ${name}`,
            );
        t.assert.snapshot({ ...textsOf(chart), svg_sha256: digest(svg) });
      });
  });

/** What a chart says, and the head, size, first and last row of its table. */
function textsOf({ title, label, note, table: { columns, rows }, details = [] }: Chart): object {
  const [first, last] = [rows[0], rows.at(-1)].map((row) => row?.join(' | '));
  return {
    title,
    label,
    note,
    table: [columns.join(' | '), first, `${rows.length} rows`, last],
    details: details.length,
  };
}

/** Of the drawing to a hundredth of a pixel, where no machine's last bit of a logarithm shows. */
function digest(svg: string): string {
  const rounded = svg.replaceAll(/-?\d+\.\d{3,}/g, (number) => String(Number(Number(number).toFixed(2))));
  return createHash('sha256').update(rounded).digest('hex');
}

/** As WCAG has it, where 4.5 is enough for text. */
function contrast(one: string, other: string): number {
  const [low = 0, high = 0] = [luminance(one), luminance(other)].toSorted((a, b) => a - b);
  return (high + 0.05) / (low + 0.05);
}

function luminance(hex: string): number {
  const [red = 0, green = 0, blue = 0] = [1, 3, 5].map((at) => {
    const value = Number.parseInt(hex.slice(at, at + 2), 16) / 255;
    return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}
