import { join } from 'node:path';
import { parseEngineSpec } from '../../src/engine/index.ts';
import type { Slo } from '../../src/core/slo.ts';
import { limitsUs } from '../../src/metrics/judge.ts';
import { type JudgedRequests, slackOf } from '../../src/metrics/judged-requests.ts';
import { tpotBetweenUs } from '../../src/metrics/request-latency.ts';
import { needed } from '../../src/search/goodput/probe-tally.ts';
import { findGoodput } from '../../src/search/goodput/search.ts';
import { simulate } from '../../src/search/simulation.ts';
import { Tally } from '../../src/search/tally.ts';
import { resolveWorkload } from '../../workloads/samples/index.ts';
import { simulatedTimes } from '../../src/search/simulated-times.ts';
import { mmpp, pieces, poisson, readRows, requestsAt, type Traffic } from './traffic.ts';

/** A system under a kind of traffic, at the rate at which a share `goal` of the requests meets the SLO. */
export interface Case {
  readonly name: string;
  readonly system: string;
  readonly slo: Slo;
  readonly traffic: () => Promise<Traffic>;
  readonly goal: number;
  /** Where the search for the rate begins. */
  readonly startRps: number;
}

/** The trace of the cases that are named for it. */
export const AZURE = join(import.meta.dirname, '..', '..', '..', 'shared', 'traces', 'AzureLLMInferenceTrace_conv.csv');
/** What fits into the 2,048 tokens of OPT. */
const OPT = [1024, 512] as const;

const chat = () => readRows(resolveWorkload('chat'));
const V1 = { system: 'vllm-v1,version=0.10,async=off,model=llama-3.1-8b,gpu=h100-sxm', startRps: 16 };
const V0 = { system: 'vllm-v0,model=opt-13b,gpu=a100-sxm-80g', startRps: 4, slo: { ttft: 250, tpot: 100 } };
const STRICT = { ttft: 250, tpot: 14 };

const of = (settings: Omit<Case, 'goal'>, ...goals: readonly number[]): Case[] =>
  goals.map((goal) => ({ ...settings, name: `${settings.name} ${goal}`, goal }));

/** The eleven cases that the claims of intervals are measured on. */
export const CASES: readonly Case[] = [
  ...of(
    { ...V1, name: 'strict azure', slo: STRICT, traffic: async () => pieces(await readRows(AZURE)) },
    0.99,
    0.95,
    0.9,
  ),
  ...of({ ...V1, name: 'strict poisson', slo: STRICT, traffic: async () => poisson(await chat()) }, 0.99, 0.95, 0.9),
  ...of({ ...V1, name: 'strict mmpp600', slo: STRICT, traffic: async () => mmpp(await chat(), 3, 600) }, 0.9),
  ...of(
    { ...V1, name: 'loose poisson', slo: { ttft: 250, tpot: 25 }, traffic: async () => poisson(await chat()) },
    0.9,
  ),
  ...of(
    { ...V0, name: 'v0 poisson', traffic: async () => poisson(await readRows(resolveWorkload('chat'), ...OPT)) },
    0.9,
    0.5,
  ),
  ...of({ ...V0, name: 'v0 azure', traffic: async () => pieces(await readRows(AZURE, ...OPT)) }, 0.9),
];

/** The rate at which `requests` of seed 1 attain the goal. */
export async function rateOf(
  { system, slo, goal, startRps }: Case,
  traffic: Traffic,
  requests: number,
): Promise<number> {
  const engine = parseEngineSpec(system);
  const load = traffic(1, requests);
  const allowed = requests - needed(goal, requests);
  const { met } = await findGoodput(
    async (rateRps) => {
      const tally = new Tally(slo, allowed);
      await simulate(engine, requestsAt(load, rateRps), tally, { isDecided: () => tally.isMissed });
      return { rateRps, met: !tally.isMissed };
    },
    // Ten halvings of a factor of 2.
    { startRps, lowestRps: startRps / 64, highestRps: startRps * 64, precision: 2 ** (1 / 1000) - 1 },
  );
  if (met === null) throw new Error(`${system}: no rate attains ${goal}`);
  return met.rateRps;
}

/** One replication: what the requests of a seed get, from an empty system. */
export async function replication(
  { system, slo }: Case,
  traffic: Traffic,
  { rateRps, seed, requests }: { readonly rateRps: number; readonly seed: number; readonly requests: number },
): Promise<JudgedRequests> {
  const { ttft, tpot } = limitsUs(slo);
  const planned = requestsAt(traffic(seed, requests), rateRps);
  const times = await simulatedTimes(system, planned);
  const judged = {
    dueUs: new Float64Array(requests),
    staysUs: new Float64Array(requests),
    met: new Float64Array(requests),
    slacks: new Float64Array(requests),
  };
  for (const [i, { dueUs, firstUs, lastUs }] of times.entries()) {
    const [first, last] = [Math.round(firstUs), Math.round(lastUs)];
    if (Number.isNaN(first)) throw new Error(`${system}: a request was refused`);
    const ofTtft = (first - dueUs) / ttft;
    const ofTpot = (tpotBetweenUs(first, last, planned[i]?.outputTokens ?? 0) ?? 0) / tpot;
    judged.dueUs[i] = dueUs;
    judged.staysUs[i] = last - dueUs;
    judged.met[i] = ofTtft <= 1 && ofTpot <= 1 ? 1 : 0;
    judged.slacks[i] = slackOf(Math.max(ofTtft, ofTpot));
  }
  return judged;
}
