import type { GoodputAnswer, GoodputProbe, GoodputReport } from '../../src/schema/goodput.ts';

/** A run, probe or segment as a target would have it that carries 10 requests/s: shares fall with the rate, TPOT first. */
export function exampleProbe(
  kind: GoodputProbe['kind'],
  rate_rps: number,
  given: Partial<GoodputProbe> = {},
): GoodputProbe {
  const requests = given.requests ?? 400;
  const share = 1 / (1 + (rate_rps / 13) ** 9);
  const met = given.met ?? Math.round(share * requests);
  const missed = given.missed ?? requests - met;
  const late = (ms: number): { p50: number; p90: number; p99: number } => {
    const p50 = ms * (1 + (rate_rps / 10) ** 3);
    return { p50, p90: 2 * p50, p99: 3 * p50 };
  };
  return {
    kind,
    rate_rps,
    requests,
    met,
    missed,
    attainment: met / requests,
    alone: { ttft: 1 - missed / (4 * requests), tpot: met / (met + missed), e2e: null },
    latency_ms: { ttft: late(40), tpot: late(6), e2e: late(900) },
    ci95: null,
    binding: missed === 0 ? null : 'tpot',
    valid: true,
    decided: false,
    requests_used: 500,
    dir: kind === 'run' ? `probes/${rate_rps}rps` : 'traffic',
    ...given,
  };
}

/** One that was cut when it was decided. */
export function cutProbe(kind: GoodputProbe['kind'], rate_rps: number, isMet: boolean): GoodputProbe {
  return exampleProbe(kind, rate_rps, {
    requests: 300,
    met: isMet ? 270 : 120,
    missed: isMet ? 2 : 31,
    attainment: null,
    latency_ms: null,
    decided: true,
    requests_used: 280,
  });
}

const ANSWER: GoodputAnswer = {
  at: 0.9,
  goodput_rps: null,
  goodput_rps_per_gpu: null,
  bracket_rps: [null, null],
  ci95_rps: null,
  half_width: null,
  slope: null,
  times_trace: null,
  binding: null,
  state: 'budget',
};

/** A search of a trace at 4 requests/s, with the answers given in place of the usual ones: the first is the report's own. */
export function exampleGoodput(
  of: GoodputReport['of'],
  probes: readonly GoodputProbe[],
  answers: readonly Partial<GoodputAnswer>[],
  given: Partial<GoodputReport> = {},
): GoodputReport {
  const whole = answers.map((each) => ({ ...ANSWER, ...each }));
  const used = probes.reduce((sum, { requests_used }) => sum + requests_used, 0);
  return {
    schema: 1,
    of,
    ...(whole[0] ?? ANSWER),
    answers: whole,
    slo: { text: 'ttft=500ms,tpot=25ms', limits_ms: { ttft: 500, tpot: 25 } },
    arrivals: of === 'trace' ? 'trace' : 'poisson',
    precision: 0.05,
    target: { spec: 'reference:vllm-v1,gpu=h100-sxm', kind: 'reference', model: null },
    gpus: 2,
    clock: 'virtual',
    workload: { name: 'chat.csv', sha256: 'f'.repeat(64), requests: 1200, rate_rps: 4 },
    probes: [...probes],
    requests_used: used,
    traces_used: used / 1200,
    versions: { reprise: '0.0.0' },
    ...given,
  };
}

/** Of a trace: six runs, two of them cut, one bracket. */
export const TRACE_GOODPUT = exampleGoodput(
  'trace',
  [
    cutProbe('run', 4, true),
    exampleProbe('run', 8, { ci95: [0.95, 1] }),
    exampleProbe('run', 9, { ci95: [0.93, 0.99] }),
    exampleProbe('run', 10, { ci95: [0.86, 0.96] }),
    cutProbe('run', 11, false),
    cutProbe('run', 16, false),
  ],
  [
    {
      goodput_rps: 10,
      goodput_rps_per_gpu: 5,
      bracket_rps: [10, 11],
      half_width: 1 / 21,
      times_trace: 2.5,
      binding: 'tpot',
      state: 'bracketed',
    },
  ],
);

/** Of traffic: three probes, then segments in turn below and above the guess, which comes down to 10 requests/s. */
export const TRAFFIC_GOODPUT = exampleGoodput(
  'traffic',
  [
    exampleProbe('probe', 4, { requests: 300 }),
    exampleProbe('probe', 8, { requests: 300 }),
    cutProbe('probe', 16, false),
    ...Array.from({ length: 24 }, (_, i) => {
      const guess = 10 * (1 + 0.3 * 0.7 ** i);
      return exampleProbe('segment', guess * (i % 2 === 0 ? 0.92 : 1.08));
    }),
  ],
  [
    {
      goodput_rps: 10,
      goodput_rps_per_gpu: 5,
      bracket_rps: [8, 16],
      ci95_rps: [9.6, 10.4],
      half_width: 0.04,
      slope: -9,
      times_trace: 2.5,
      binding: 'tpot',
      state: 'found',
    },
  ],
);

/** Traffic whose goodput has this interval, from the first on. */
export function trafficAt(low: number, high: number, given: Partial<GoodputReport> = {}): GoodputReport {
  const goodput_rps = Math.sqrt(low * high);
  const answer: Partial<GoodputAnswer> = {
    goodput_rps,
    goodput_rps_per_gpu: goodput_rps / 2,
    bracket_rps: [low / 1.4, high * 1.4],
    ci95_rps: [low, high],
    half_width: (high - low) / (high + low),
    slope: -9,
    times_trace: goodput_rps / 4,
    binding: 'tpot',
    state: 'found',
  };
  const rates = [0.92, 1.08, 0.93, 1.07, 0.92, 1.09].map((factor) => goodput_rps * factor);
  const probes = rates.map((rate) => exampleProbe('segment', rate));
  return exampleGoodput('traffic', probes, [answer], given);
}
