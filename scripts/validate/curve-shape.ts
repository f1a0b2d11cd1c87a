// DistServe against vLLM on chat, as curves: attainment by rate, goodput by SLO scale, as tables and a picture:
// node scripts/validate/curve-shape.ts [PICTURE.svg]
import { PALETTES } from '../../reports/charts/theme.ts';
import { BINDING_ROWS, bindingOf, OPT_66B } from './binding-rows.ts';
import { attainments, CHAT_SYSTEMS, goodputAt, readChat, SAME_KERNEL, SHARE } from './chat-sweep.ts';
import { writePicture } from './picture.ts';

const [picture = 'curve-shape.svg'] = process.argv.slice(2);
const RATES = [0.25, 0.5, 0.75, 1, 1.25, 1.5, 1.75, 2, 2.25, 2.5, 2.75, 3, 3.5, 4];
const SCALES = [0.6, 0.8, 0.9, 1, 1.1, 1.2, 1.3, 1.4, 1.5, 1.75, 2];
const SYSTEMS = { ...CHAT_SYSTEMS, 'vllm-v0, the kernels of distserve': SAME_KERNEL };

/**
 * Shares of requests within both limits on the real systems (DistServe, OSDI 2024, table 2), by rate. For which model is
 * not said, so that only the shape can be compared.
 */
const PUBLISHED_RATES = [1, 1.5, 2, 2.5, 3, 3.5, 4];
const PUBLISHED = {
  'distserve, table 2': [1, 1, 0.993, 0.873, 0.83, 0.773, 0.7],
  'vllm, table 2': [0.97, 0.655, 0.528, 0.449, 0.367, 0.278, 0.236],
};

const chat = readChat();
const byRate: { readonly who: string; readonly rate: number; readonly joint: number }[] = [];
const byScale: { readonly who: string; readonly scale: number; readonly rate: number }[] = [];
for (const [who, deployed] of Object.entries(SYSTEMS)) {
  console.log(`\n${who} (${deployed.system})`);
  console.log('requests/s a GPU    joint     TTFT     TPOT');
  for (const rate of RATES) {
    const { joint, ttft, tpot } = await attainments(deployed, chat, rate);
    console.log(`${rate.toFixed(2).padStart(16)} ${[joint, ttft, tpot].map(percent).join(' ')}`);
    byRate.push({ who, rate, joint });
  }
  console.log(`SLO scale   goodput at ${SHARE * 100} %, requests/s a GPU`);
  for (const scale of SCALES) {
    const rate = await goodputAt(deployed, chat, scale);
    console.log(`${scale.toFixed(2).padStart(9)} ${(rate === 0 ? 'at no rate' : rate.toFixed(2)).padStart(12)}`);
    byScale.push({ who, scale, rate });
  }
}

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
    domain: [...Object.keys(SYSTEMS), ...Object.keys(PUBLISHED)],
    range: [PALETTES.light['series-1'], PALETTES.light['series-2'], PALETTES.light['series-4'], ink, muted],
  },
  legend: { orient: 'bottom', labelLimit: 0, columns: 3 },
} as const;
await writePicture(picture, {
  title: {
    text: 'DistServe against vLLM: OPT-13B, chat, each with its own engine’s times',
    subtitle: `TTFT within 0.25 s and TPOT within 0.1 s, times the scale; ${chat.length} requests with the lengths and arrivals of simdistserve’s workload`,
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
        { mark: { type: 'rule', strokeDash: [6, 4], color: PALETTES.light.slo }, encoding: { y: { datum: SHARE } } },
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

function percent(share: number): string {
  return `${(100 * share).toFixed(1)} %`.padStart(8);
}
