import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { sloScaleChart } from '../../reports/charts/slo-scale-chart.ts';
import type { SloScale, SmallestScale } from '../../src/schema/attainment.ts';

const shareOf = (scale: number, attainment: number): SloScale => ({
  scale,
  attainment,
  ttft: attainment,
  tpot: null,
  e2e: null,
  ci95: null,
  overloaded: false,
  binding: null,
});
const SCALES = [shareOf(0.5, 0.88), shareOf(1, 0.99), shareOf(2, 1)];

function chartOf(scale: number | null): { readonly title: string; readonly spec: string } {
  const attainment = scale === null ? null : 0.9;
  const smallest: SmallestScale = { scale, attainment, ci95: null, ci95_scale: [null, null] };
  const { title, spec } = sloScaleChart({ scales: SCALES, smallest, limits_ms: { ttft: 300 }, at: 0.9, n: 300 });
  return { title, spec: JSON.stringify(spec) };
}

describe('the chart of a run by SLO scale', () => {
  it('has the smallest scale that is met as a point of its curve, rounded up in words', () => {
    const { title, spec } = chartOf(0.7192);
    assert.equal(title, 'The SLO could be tightened to 0.720 times its limits');
    assert.match(spec, /"x":0\.7192,"share":0\.9,/);
    assert.match(spec, /"align":"right".*"words":"0\.720"|"words":"0\.720".*"align":"right"/);
  });

  it('has its words to the right where the axis would be under them', () => {
    assert.match(chartOf(0.52).spec, /"words":"0\.520","share":0}\]},"mark":{"type":"text","align":"left"/);
  });

  it('says one that is beyond the scales that were tried, and does not draw it', () => {
    const { title, spec } = chartOf(0.2);
    assert.equal(title, 'The SLO could be tightened to 0.200 times its limits');
    assert.ok(!spec.includes('"words"'));
    assert.equal(chartOf(3).title, 'The SLO would have to be loosened to 3.00 times its limits');
    assert.equal(chartOf(null).title, 'At no scale is the SLO met by 90 %');
  });
});
