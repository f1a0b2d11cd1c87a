import type { Slo } from '../../src/core/slo.ts';
import type { DiagnosisCode, Summary } from '../../src/schema/summary.ts';
import { requestsOf, simulatedRecords, summaryOfRecords, type Load } from './simulated-run.ts';

/** A load in virtual time of which it is known why requests miss, if they do. */
export interface DiagnosisCase {
  readonly name: string;
  readonly system: string;
  readonly load: Load;
  readonly slo: Slo | null;
  readonly ttftTimeoutS?: number;
  /** Codes that the diagnosis must have, and others that it may have; no other. */
  readonly says: readonly DiagnosisCode[];
  readonly maySay?: readonly DiagnosisCode[];
}

const H100 = 'vllm-v1,model=llama-3.1-8b,gpu=h100-sxm';
const A100 = 'vllm-v1,model=llama-3.1-8b,gpu=a100-sxm-80g';
const V0 = 'vllm-v0,model=llama-3.1-8b,gpu=h100-sxm';
const APART = 'vllm-pd,model=llama-3.1-8b,gpu=h100-sxm';
const SLO = { ttft: 500, tpot: 50 };

const steady = (rps: number, seconds = 120): Load => ({ phases: [{ seconds, rps }], input: 1000, output: 200 });
const burst = (rps: number, most: number): Load => ({
  phases: [
    { seconds: 80, rps },
    { seconds: 20, rps: most },
    { seconds: 80, rps },
  ],
  input: 1000,
  output: 100,
});
/** More than the server carries at first, then less and less. */
const rampDown = (most: number): Load => ({
  phases: [1, 0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2, 0.1].map((part) => ({ seconds: 20, rps: part * most })),
  input: 1000,
  output: 200,
});
const onOff = (rps: number, most: number): Load => ({
  phases: Array.from({ length: 5 }, () => [
    { seconds: 12, rps: most },
    { seconds: 48, rps },
  ]).flat(),
  input: 1000,
  output: 200,
});
const longPrompts = (rps: number): Load => ({ phases: [{ seconds: 120, rps }], input: 4000, output: 100 });

export const DIAGNOSIS_CASES: readonly DiagnosisCase[] = [
  { name: 'light load', system: H100, load: steady(5), slo: SLO, says: [] },
  { name: 'light load, no SLO', system: H100, load: steady(5), slo: null, says: [] },
  {
    name: 'long stays in a short run',
    system: H100,
    load: { phases: [{ seconds: 30, rps: 3 }], input: 500, output: 3000 },
    slo: SLO,
    says: [],
  },
  { name: 'overload', system: A100, load: steady(20), slo: SLO, says: ['overload'] },
  { name: 'overload, no SLO', system: A100, load: steady(20), slo: null, says: ['overload'] },
  { name: 'overload with time-outs', system: A100, load: steady(20), slo: SLO, ttftTimeoutS: 10, says: ['overload'] },
  {
    name: 'overload from the middle on',
    system: A100,
    load: {
      phases: [
        { seconds: 60, rps: 4 },
        { seconds: 90, rps: 20 },
      ],
      input: 1000,
      output: 200,
    },
    slo: SLO,
    says: ['overload'],
    maySay: ['prompts'],
  },
  { name: 'burst', system: H100, load: burst(6, 40), slo: SLO, says: ['burst'], maySay: ['prompts'] },
  { name: 'burst, no SLO', system: H100, load: burst(6, 40), slo: null, says: ['burst'], maySay: ['prompts'] },
  {
    name: 'bursts, with most requests in them',
    system: A100,
    load: onOff(2, 20),
    slo: SLO,
    says: ['burst'],
    maySay: ['prompts'],
  },
  {
    name: 'burst, in an SLO out of reach',
    system: V0,
    load: burst(6, 40),
    slo: { ttft: 500, tpot: 8 },
    says: ['floor'],
    maySay: ['prompts'],
  },
  { name: 'overload that passes', system: A100, load: rampDown(22), slo: SLO, says: ['overload'], maySay: ['prompts'] },
  {
    name: 'overload of two seconds',
    system: A100,
    load: { phases: [{ seconds: 2, rps: 30 }], input: 4000, output: 200 },
    slo: SLO,
    says: ['overload'],
    maySay: ['prompts'],
  },
  {
    name: 'few long prompts',
    system: H100,
    load: { phases: [{ seconds: 180, rps: 2 }], input: 200, output: 100, long: { share: 0.1, input: 20_000 } },
    slo: SLO,
    says: ['lengths'],
    maySay: ['prompts'],
  },
  {
    name: 'prompts that hold others up',
    system: H100,
    load: { phases: [{ seconds: 180, rps: 5 }], input: 500, output: 200, long: { share: 0.02, input: 60_000 } },
    slo: SLO,
    says: ['lengths'],
    maySay: ['prompts', 'load', 'memory'],
  },
  {
    name: 'long outputs in an SLO of E2E',
    system: H100,
    load: { phases: [{ seconds: 120, rps: 5 }], input: 1000, output: 400 },
    slo: { e2e: 4000 },
    says: ['lengths'],
  },
  {
    name: 'prompts between tokens',
    system: V0,
    load: longPrompts(6),
    slo: { ttft: 2000, tpot: 25 },
    says: ['prompts'],
    maySay: ['load', 'floor'],
  },
  {
    name: 'prompts apart from tokens',
    system: APART,
    load: longPrompts(6),
    slo: { ttft: 2000, tpot: 8.2 },
    says: [],
    maySay: ['load', 'unclear'],
  },
  {
    name: 'high load',
    system: A100,
    load: steady(7, 300),
    slo: { ttft: 500, tpot: 40 },
    says: [],
    maySay: ['prompts', 'load', 'unclear'],
  },
  {
    name: 'out of reach in a short run',
    system: H100,
    load: steady(2, 15),
    slo: { ttft: 500, tpot: 3 },
    says: ['floor'],
  },
  { name: 'out of reach', system: H100, load: steady(5), slo: { ttft: 500, tpot: 3 }, says: ['floor'] },
];

/** The summary of a case under the load of a seed. */
export async function diagnosed({ system, load, slo, ttftTimeoutS }: DiagnosisCase, seed: number): Promise<Summary> {
  const records = await simulatedRecords(
    system,
    requestsOf({ ...load, seed }),
    ttftTimeoutS === undefined ? {} : { ttftTimeoutS },
  );
  return summaryOfRecords(records, slo);
}
