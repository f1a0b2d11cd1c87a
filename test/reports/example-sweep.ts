import { foldSweep, type MeasuredRun } from '../../src/search/sweep/fold.ts';
import type { SweepReport } from '../../src/schema/sweep.ts';

const SCALES = [0.8, 1, 1.2, 1.5];
const RATES = [1, 2, 4, 8];

/** Attainment by rate, at each scale. */
type Shares = readonly (readonly number[])[];

/** `first` attains 90 % up to 4 requests/s at the SLO, `second` at no rate; with looser limits `second` up to 8. */
const FIRST: Shares = [
  [0.99, 0.99, 0.99, 0.99],
  [0.95, 0.98, 0.98, 0.99],
  [0.4, 0.92, 0.95, 0.97],
  [0.01, 0.05, 0.1, 0.3],
];
const SECOND: Shares = [
  [0.6, 0.85, 0.92, 1],
  [0.6, 0.84, 0.91, 0.99],
  [0.5, 0.8, 0.89, 0.98],
  [0.2, 0.5, 0.8, 0.95],
];

/** A run of a sweep whose attainment is `shares` at its scales; overloaded where few met. */
function exampleCell(target: string, rate: number, gpus: number, shares: readonly number[]): MeasuredRun {
  return {
    target,
    rate_rps: rate * gpus,
    rate_rps_per_gpu: rate,
    dir: `runs/1-${target}/${rate * gpus}rps`,
    requests: 1000,
    valid: true,
    smallest: { scale: SCALES[shares.findIndex((share) => share >= 0.9)] ?? null, ci95_scale: [null, null] },
    scales: shares.map((attainment, i) => {
      const overloaded = attainment < 0.3;
      const ci95: [number, number] = [Math.max(0, attainment - 0.04), Math.min(1, attainment + 0.02)];
      return {
        scale: SCALES[i] ?? 1,
        attainment,
        ttft: target === 'first' ? 0.99 : attainment,
        tpot: target === 'first' ? attainment : 0.99,
        e2e: null,
        ci95: overloaded ? null : ci95,
        overloaded,
        binding: target === 'first' ? 'tpot' : 'ttft',
      };
    }),
  };
}

/** A sweep of two targets, of 2 GPUs and of 1; or of other attainments of the second. */
export function exampleSweep(second: Shares = SECOND): SweepReport {
  const targetOf = (name: string, gpus: number): SweepReport['targets'][number] => ({
    name,
    spec: `reference:${name}`,
    kind: 'reference',
    model: null,
    gpus,
  });
  return foldSweep(
    {
      at: 0.9,
      slo: { text: 'ttft=250ms,tpot=100ms', limits_ms: { ttft: 250, tpot: 100 } },
      slo_scales: SCALES,
      per_gpu: true,
      clock: 'virtual',
      workload: { name: 'chat.csv', sha256: 'ab', requests: 1000, rate_rps: 1 },
      targets: [targetOf('first', 2), targetOf('second', 1)],
    },
    [
      ...RATES.map((rate, i) => exampleCell('first', rate, 2, FIRST[i] ?? [])),
      ...RATES.map((rate, i) => exampleCell('second', rate, 1, second[i] ?? [])),
    ],
  );
}
