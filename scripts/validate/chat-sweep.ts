import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { attainment, goodput, type Limits } from './goodput.ts';
import { latenciesAt, type UnitRateRequest, type Latency } from './simulated.ts';

/** OPT-13B for chat, as published: each system with the coefficients of its own engine. */
export const CHAT_SYSTEMS = {
  distserve: { system: 'distserve,model=opt-13b,gpu=a100-sxm-80g,cost=distserve,prefill.tp=2', gpus: 3 },
  'vllm-v0': { system: 'vllm-v0,model=opt-13b,gpu=a100-sxm-80g,cost=vllm', gpus: 1 },
} as const;

/** The same kernels for both. */
export const SAME_KERNEL = { system: 'vllm-v0,model=opt-13b,gpu=a100-sxm-80g,cost=distserve', gpus: 1 };

interface Deployed {
  readonly system: string;
  readonly gpus: number;
}

const LIMITS: Limits = { ttftS: 0.25, tpotS: 0.1 };
export const SHARE = 0.9;
const MAX_MODEL_LEN = 2048;

/** Lengths and arrivals of the workload that DistServe's simulator was run on, at 1 request a second. */
export function readChat(path = join(import.meta.dirname, '..', '..', '..', 'shared', CHAT)): UnitRateRequest[] {
  const lines = readFileSync(path, 'utf8').trim().split('\n').slice(1);
  const rows = lines.map((line) => line.split(',').map(Number));
  const spanS = rows.at(-1)?.[0] ?? Number.NaN;
  return rows.map(([arrivalS = 0, inputTokens = 0, outputTokens = 0]) => ({
    dueS: (arrivalS * (rows.length - 1)) / spanS,
    inputTokens,
    // A few are one token longer than the model takes.
    outputTokens: Math.min(outputTokens, MAX_MODEL_LEN - inputTokens),
  }));
}

export const CHAT = 'oracles/simdistserve/opt13b-chat-rate1.trace.csv';

/** Shares of requests within both limits, and within each, at so many requests a second and GPU. */
export async function attainments(
  { system, gpus }: Deployed,
  chat: readonly UnitRateRequest[],
  rate: number,
): Promise<{ joint: number; ttft: number; tpot: number }> {
  const latencies = await latenciesAt(system, rate * gpus, chat);
  return {
    joint: attainment(latencies, LIMITS),
    ttft: attainment(latencies, { ...LIMITS, tpotS: Number.POSITIVE_INFINITY }),
    tpot: attainment(latencies, { ...LIMITS, ttftS: Number.POSITIVE_INFINITY }),
  };
}

/** Highest rate a GPU at which 90 % of requests are within both limits, times `scale`; 0: none. */
export async function goodputAt(
  { system, gpus }: Deployed,
  chat: readonly UnitRateRequest[],
  scale: number,
): Promise<number> {
  const limits = { ttftS: LIMITS.ttftS * scale, tpotS: LIMITS.tpotS * scale };
  const test = (latencies: readonly Latency[]): boolean => attainment(latencies, limits) >= SHARE;
  return (await goodput(system, chat, test, { lowestRps: 1 / 32 })) / gpus;
}
