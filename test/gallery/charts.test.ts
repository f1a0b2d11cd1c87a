import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { parse, View } from 'vega';
import { compile } from 'vega-lite';
import type { Chart } from '../../reports/charts/chart.ts';
import { placementSections } from '../../reports/charts/placement-sections.ts';
import { runSections } from '../../reports/charts/run-sections.ts';
import { PALETTES, THEME } from '../../reports/charts/theme.ts';
import { collectReportData } from '../../reports/data/report-data.ts';
import { EXAMPLE_PLACEMENT } from '../reports/example-placement.ts';
import { exampleScrapes } from '../reports/example-scrapes.ts';
import { exampleRun, inBatches } from '../reports/example-run.ts';

const { summary, records } = await exampleRun({
  requests: 40,
  slo: 'ttft=200ms,tpot=12ms',
  fate: (index) => (index % 20 === 3 ? { outcome: 'rejected', http_status: 429, error: 'queue is full' } : null),
});
const data = await collectReportData(inBatches(records), summary, exampleScrapes(records));
const pages = {
  'a run report': runSections(summary, data),
  'a placement search': placementSections(EXAMPLE_PLACEMENT),
};

for (const [page, sections] of Object.entries(pages))
  describe(`every chart of ${page}`, () => {
    for (const chart of sections.flatMap(({ charts }) => charts))
      it(`${chart.id} is drawn, and its spec is as it was`, async (t) => {
        const { spec } = compile(chart.spec, { config: THEME });
        const svg = await new View(parse(spec), { renderer: 'none' }).toSVG();
        assert.ok((svg.match(/<path[^>]* d="M[^"]{15,}"/g) ?? []).length > 0, 'nothing is drawn');
        assert.doesNotMatch(svg, /NaN|undefined/);
        for (const [, name = ''] of svg.matchAll(/<text[^>]*fill="var\(--([\w-]+)\)"/g))
          for (const palette of Object.values(PALETTES))
            assert.ok(
              contrast(new Map(Object.entries(palette)).get(name) ?? '', palette.paper) >= 4.5,
              `words in ${name}`,
            );
        t.assert.snapshot(withoutData(chart));
      });
  });

/** A chart with two rows of each of its data sets: what is drawn has tests of its own. */
function withoutData({ table, ...chart }: Chart): object {
  const spec: unknown = JSON.parse(
    JSON.stringify(chart.spec, (key, value: unknown) =>
      key === 'values' && Array.isArray(value) && value.length > 6
        ? [...value.slice(0, 2), `... ${value.length}`]
        : value,
    ),
  );
  return { ...chart, spec, columns: table.columns, firstRow: table.rows[0] };
}

/** As WCAG has it, where 4.5 is enough for words. */
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
