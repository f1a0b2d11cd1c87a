import type {
  ReproducedExperiment,
  ReproducePanel,
  ReproducePoint,
  ReproduceReport,
} from '../../src/schema/reproduce.ts';

function points(series: string, ys: readonly number[], seeds: readonly (number | null)[] = [1]): ReproducePoint[] {
  return seeds.flatMap((seed, k) => ys.map((y, i) => ({ series, x: i + 1, y: y * (1 + k / 10), seed })));
}

const latency = (gamma: number | null): ReproducePanel => ({
  figure: 'ttft_mean_s',
  title: 'Mean TTFT',
  unit: 's',
  scale: 'log',
  gamma,
  points: [
    ...points('first', [0.5, 2, 40], [1, 2]),
    ...points('second', [0.4, 3 * (gamma ?? 1), 90 * (gamma ?? 1)], [1, 2]),
  ],
  published: [],
});

const WORKLOAD = {
  name: 'chat',
  how: 'means as published; the quantiles are chosen here',
  requests: 1200,
  mean_input_tokens: 755.5,
  mean_output_tokens: 200.3,
};
const SYSTEMS = [
  { name: 'first', spec: 'nexus,gpu=l20', gpus: 1 },
  { name: 'second', spec: 'vllm-v1,gpu=l20', gpus: 2 },
];

/** An experiment with each kind of chart, verdict and distance. */
export const EXAMPLE_EXPERIMENT: ReproducedExperiment = {
  name: 'example-figure',
  title: 'Example, Figure 1: two systems',
  source: 'Example (2024), Figure 1',
  published: 'First is ahead of second',
  reconstructed: ['Lengths: chosen here.'],
  left_out: ['A third system: not in this engine.'],
  parts: [
    {
      id: 'latency',
      title: 'Latency',
      workload: { ...WORKLOAD, seeds: [1, 2] },
      limits_s: null,
      systems: SYSTEMS,
      x: { title: 'requests/s', scale: 'linear' },
      panels: [latency(1), latency(1.8)],
      checks: [
        { claim: 'first is below second', gamma: 1, verdict: 'does-not-hold', seen: 'at 1: first 0.500, second 0.400' },
        { claim: 'first is below second', gamma: 1.8, verdict: 'holds', seen: 'at 2: first 2.00, second 5.40' },
        { claim: 'first carries more', gamma: null, verdict: 'not-comparable', seen: 'its limits are not stated' },
      ],
      distances: [
        { what: 'TTFT, second over first', gamma: 1, published: [2, 3], ours: [0.8, 1.5], why: null },
        { what: 'TTFT, second over first', gamma: 1.8, published: [2, 3], ours: [2.1, 2.9], why: null },
        { what: 'goodput', gamma: null, published: [2, 2], ours: null, why: 'second attains 90 % nowhere on the axis' },
      ],
    },
    {
      id: 'attainment',
      title: 'Attainment',
      workload: { ...WORKLOAD, seeds: [1] },
      limits_s: { ttft: 0.25, tpot: null },
      systems: SYSTEMS,
      x: { title: 'requests/s a GPU', scale: 'linear' },
      panels: [
        {
          figure: 'attainment',
          title: 'Share within both limits',
          unit: 'share',
          scale: 'linear',
          gamma: null,
          points: [...points('first', [1, 0.9, 0.4]), ...points('second', [0.9, 0.5, 0])],
          published: points('first, table 2', [1, 0.95, 0.6], [null]),
        },
        {
          figure: 'tbt_mean_ms',
          title: 'Mean time between tokens',
          unit: 'ms',
          scale: 'linear',
          gamma: null,
          points: points('first', [11, 12, 14]),
          published: [],
        },
      ],
      checks: [{ claim: 'attainment falls', gamma: null, verdict: 'holds', seen: 'every point' }],
      distances: [],
    },
    {
      id: 'goodput',
      title: 'Goodput',
      workload: { ...WORKLOAD, seeds: [1] },
      limits_s: { ttft: 0.25, tpot: 0.1 },
      systems: SYSTEMS,
      x: null,
      panels: [
        {
          figure: 'goodput_rps_per_gpu',
          title: 'Goodput of one GPU',
          unit: 'requests/s a GPU',
          scale: 'linear',
          gamma: null,
          points: [
            { series: 'first', x: null, y: 3.5, seed: 1 },
            { series: 'second', x: null, y: 1.7, seed: 1 },
          ],
          published: [{ series: 'first', x: null, y: 3.3, seed: null }],
        },
      ],
      checks: [],
      distances: [],
    },
  ],
};

export const EXAMPLE_GALLERY: ReproduceReport = {
  schema: 1,
  versions: { reprise: '0.0.0' },
  simulations: 1234,
  experiments: [EXAMPLE_EXPERIMENT],
  cannot: [{ what: 'another paper', why: 'its limits are not published' }],
};
