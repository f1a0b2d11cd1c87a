// DistServe against vLLM on chat, as curves: a sweep, and a picture of it beside the published points:
// node scripts/validate/curve-shape.ts [FOLDER]
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { sweepText } from '../../reports/index.ts';
import { PALETTES } from '../../reports/charts/theme.ts';
import { writeSweep } from '../../src/search/sweep/files.ts';
import { BINDING_ROWS, bindingOf, OPT_66B } from './binding-rows.ts';
import { CHAT_TARGETS, SAME_KERNEL, sweepChat } from './chat-sweep.ts';
import { writePicture } from './picture.ts';

const [folder = 'curve-shape'] = process.argv.slice(2);

/**
 * Shares of requests within both limits on the real systems (DistServe, OSDI 2024, table 2), by rate. For which model is
 * not said, so that only the shape can be compared.
 */
const PUBLISHED_RATES = [1, 1.5, 2, 2.5, 3, 3.5, 4];
const PUBLISHED = {
  'distserve, table 2': [1, 1, 0.993, 0.873, 0.83, 0.773, 0.7],
  'vllm, table 2': [0.97, 0.655, 0.528, 0.449, 0.367, 0.278, 0.236],
};

const report = await sweepChat(folder, [...CHAT_TARGETS, SAME_KERNEL], availableParallelism());
await writeSweep(folder, report);
console.log(sweepText(report, { color: false }));
const names = report.targets.map(({ name }) => name);
const byRate = report.points
  .filter(({ slo_scale }) => slo_scale === 1)
  .map(({ target, rate_rps_per_gpu, attainment }) => ({ who: target, rate: rate_rps_per_gpu, joint: attainment }));
const byScale = report.goodputs.map(({ target, slo_scale, goodput_rps_per_gpu }) => ({
  who: target,
  scale: slo_scale,
  rate: goodput_rps_per_gpu ?? 0,
}));

console.log('\nOPT-66B, mean lengths: goodput in requests/s a GPU, and what binds');
for (const [workload, row] of Object.entries(BINDING_ROWS)) {
  const words: string[] = [];
  for (const [who, deployed] of Object.entries(OPT_66B)) {
    const { rate, binds } = await bindingOf(deployed, row);
    words.push(`${who} ${rate.toFixed(2)}, ${binds}`);
  }
  console.log(`${workload.padEnd(27)} ${words.join('; ')}`);
}

const published = Object.entries(PUBLISHED).flatMap(([who, shares]) =>
  shares.map((joint, i) => ({ who, rate: PUBLISHED_RATES[i], joint })),
);

const { ink, muted, grid } = PALETTES.light;
const colour = {
  field: 'who',
  type: 'nominal',
  sort: null,
  title: null,
  scale: {
    domain: [...names, ...Object.keys(PUBLISHED)],
    range: [PALETTES.light['series-1'], PALETTES.light['series-2'], PALETTES.light['series-4'], ink, muted],
  },
  legend: { orient: 'bottom', labelLimit: 0, columns: 3 },
} as const;
const picture = join(folder, 'curve-shape.svg');
await writePicture(picture, {
  title: {
    text: 'DistServe against vLLM: OPT-13B, chat, each with its own engine’s times',
    subtitle: `TTFT within 0.25 s and TPOT within 0.1 s, times the scale; ${report.workload.requests} requests with the lengths and arrivals of simdistserve’s workload`,
    anchor: 'start',
    color: ink,
    subtitleColor: muted,
  },
  background: 'white',
  padding: 12,
  hconcat: [
    {
      width: 300,
      height: 240,
      data: { values: byRate },
      layer: [
        {
          mark: { type: 'rule', strokeDash: [6, 4], color: PALETTES.light.slo },
          encoding: { y: { datum: report.at } },
        },
        {
          mark: { type: 'line', point: true },
          encoding: {
            x: { field: 'rate', type: 'quantitative', title: 'requests/s a GPU', axis: { grid: false } },
            y: {
              field: 'joint',
              type: 'quantitative',
              title: 'share within both limits',
              scale: { domain: [0, 1] },
              axis: { format: '%', gridColor: grid },
            },
            color: colour,
          },
        },
        {
          data: { values: published },
          mark: { type: 'point', filled: false, strokeWidth: 2 },
          encoding: {
            x: { field: 'rate', type: 'quantitative' },
            y: { field: 'joint', type: 'quantitative' },
            color: colour,
          },
        },
      ],
    },
    {
      width: 300,
      height: 240,
      data: { values: byScale },
      mark: { type: 'line', point: true },
      encoding: {
        x: { field: 'scale', type: 'quantitative', title: 'SLO scale', scale: { zero: false }, axis: { grid: false } },
        y: {
          field: 'rate',
          type: 'quantitative',
          title: 'goodput a GPU (0: none)',
          axis: { gridColor: grid },
        },
        color: colour,
      },
    },
  ],
});
console.log(`\npicture: ${picture}`);
