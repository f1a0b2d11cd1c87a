import type {
  Arrivals,
  AttainmentCurve,
  Contender,
  Goodput,
  Group,
  Kind,
  Placement,
  PlacementReport,
} from '../../src/schema/placement.ts';

const goodput = (rps: number, gpus: number): Goodput => ({
  goodput_rps: rps,
  goodput_rps_per_gpu: rps / gpus,
  missed_rps: rps * 1.01,
  binding: 'tpot',
  attainment: rps === 0 ? null : 0.91,
  mean_e2e_s: rps === 0 ? null : 8,
});
const pair = (n: number, m: number): Group[] => [
  { role: 'prefill', instances: n, tp: 2, pp: 1 },
  { role: 'decode', instances: m, tp: 1, pp: 2 },
];
const placement = (groups: Group[], gpus: number, rps: number | null): Placement => ({
  groups,
  gpus,
  copies: Math.floor(16 / gpus),
  by_phases_rps: 5,
  state: rps === null ? 'beaten' : 'measured',
  why: rps === null ? 'misses the SLO where it would be as good as another' : null,
  whole: rps === null ? null : goodput(rps, gpus),
  missed_rps: rps === null ? 9.9 : null,
});

/** One that was searched with both arrivals; `traceRps` null: beaten with the trace's own timing. */
export const contender = (
  kind: Contender['kind'],
  groups: readonly Group[],
  gpus: number,
  [poissonRps, traceRps]: readonly [number, number | null],
): Contender => ({
  kind,
  groups,
  gpus,
  copies: Math.floor(16 / gpus),
  poisson: goodput(poissonRps, gpus),
  trace: traceRps === null ? null : goodput(traceRps, gpus),
  trace_missed_rps: traceRps === null ? 7.5 : null,
  trace_repeats: 1,
});
export const PAIR = pair(1, 1);
export const TWO: readonly Group[] = [{ role: 'both', instances: 2, tp: 2, pp: 1 }];

/** Of a unit of 4 GPUs, around its goodput; one simulation was ended when it had missed. */
const curve = (kind: Kind, arrivals: Arrivals, rps: number): AttainmentCurve => ({
  kind,
  groups: kind === 'collocated' ? TWO : PAIR,
  gpus: 4,
  copies: 4,
  arrivals,
  probes: [
    { rate_rps: 0.7 * rps, attainment: 0.999 },
    { rate_rps: rps, attainment: 0.91 },
    { rate_rps: 1.01 * rps, attainment: null },
    { rate_rps: 1.1 * rps, attainment: 0.74 },
    { rate_rps: 1.3 * rps, attainment: 0.35 },
  ],
});

/** A placement search on 16 GPUs: two units measured, one that was beaten, one collocated unit. */
export const EXAMPLE_PLACEMENT: PlacementReport = {
  schema: 1,
  versions: { reprise: '0.0.0' },
  model: 'opt-13b',
  gpu: 'a100-sxm-80g',
  gpus: 16,
  gpus_per_node: 8,
  affinity: 'low',
  slo: { text: 'ttft=250ms,tpot=100ms', limits_ms: { ttft: 250, tpot: 100 } },
  at: 0.9,
  precision: 0.02,
  seed: 1,
  workload: {
    name: 'trace.csv',
    format: 'plain-csv',
    sha256: 'ab',
    transforms: [],
    requests: 12_000,
    too_long: 3,
    probe_requests_per_gpu: 1000,
    mean_input_tokens: 600,
    mean_output_tokens: 200,
  },
  max_model_len: 2048,
  arrivals: ['poisson', 'trace'],
  prefix: null,
  systems: { disaggregated: 'distserve,model=opt-13b', collocated: 'vllm-v1,model=opt-13b', mixed_batch_penalty: 1 },
  phases: {
    prefill: [
      { tp: 1, pp: 1, gpus: 1, ...goodput(3, 1) },
      { tp: 2, pp: 1, gpus: 2, ...goodput(9, 2) },
    ],
    decode: [
      { tp: 1, pp: 1, gpus: 1, ...goodput(5, 1) },
      { tp: 2, pp: 1, gpus: 2, ...goodput(8192, 2), missed_rps: null, binding: null },
    ],
  },
  left_out: [{ tp: 8, pp: 1, system: 'distserve', why: 'no figures' }],
  placements: [placement(pair(1, 1), 4, 12), placement(pair(2, 1), 6, 15), placement(pair(1, 2), 6, null)],
  collocated: [placement([...TWO], 4, 8)],
  simulations: 321,
  contenders: [
    contender('disaggregated', PAIR, 4, [12, 10]),
    contender('collocated', TWO, 4, [8, 5]),
    contender('disaggregated', pair(2, 1), 6, [15, null]),
  ],
  trace_timing: { requests: 11_997, left_behind: 0, rate_rps: 3, simulations: 20 },
  attainment: [
    curve('disaggregated', 'trace', 10),
    curve('disaggregated', 'poisson', 12),
    curve('collocated', 'trace', 5),
    curve('collocated', 'poisson', 8),
  ],
  best: {
    arrivals: 'trace',
    per_gpu: {
      kind: 'disaggregated',
      groups: PAIR,
      gpus: 4,
      copies: 4,
      goodput_rps: 10,
      goodput_rps_per_gpu: 2.5,
      in_all_rps: 40,
    },
    in_all: {
      kind: 'disaggregated',
      groups: PAIR,
      gpus: 4,
      copies: 4,
      goodput_rps: 10,
      goodput_rps_per_gpu: 2.5,
      in_all_rps: 40,
    },
  },
};
