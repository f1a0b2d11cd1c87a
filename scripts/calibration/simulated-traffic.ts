import type { Source } from '../../src/core/plan.ts';
import { WHOLE } from '../../src/core/shard.ts';
import { traceOrder } from '../../src/core/schedule.ts';
import type { Slo } from '../../src/core/slo.ts';
import { meanRate } from '../../src/core/rate.ts';
import { VirtualClock } from '../../src/core/virtual-clock.ts';
import { createEngine, engineTarget, parseEngineSpec } from '../../src/engine/index.ts';
import { Recorder } from '../../src/replay/recorder.ts';
import { replay } from '../../src/replay/replay.ts';
import { knownGoodput } from '../../src/search/goodput/segments.ts';
import type { LocalFit } from '../../src/search/goodput/local-fit.ts';
import { trafficLoad } from '../../src/search/goodput/traffic-load.ts';
import { feedFromSource } from '../../src/target/feed.ts';
import { openWorkload } from '../../workloads/index.ts';
import { resolveWorkload } from '../../workloads/samples/index.ts';
import { AZURE } from './cases.ts';

/** A system whose goodput is searched, and its goodput by a fine search, in requests a second. */
export interface TrafficSystem {
  readonly name: string;
  readonly system: string;
  readonly slo: Slo;
  /** What fits into the context of the model. */
  readonly clip: readonly [input: number, output: number] | null;
  readonly goodputRps: { readonly poisson: number; readonly trace: number };
}

const OPT = [1024, 512] as const;

/** The four systems of ../shared/statistics. */
export const TRAFFIC_SYSTEMS: readonly TrafficSystem[] = [
  {
    name: 'vllm-v1',
    system: 'vllm-v1,version=0.10,async=off,model=llama-3.1-8b,gpu=h100-sxm',
    slo: { ttft: 250, tpot: 20 },
    clip: null,
    goodputRps: { poisson: 27.8, trace: 12.4 },
  },
  {
    name: 'vllm-v0',
    system: 'vllm-v0,model=opt-13b,gpu=a100-sxm-80g',
    slo: { ttft: 250, tpot: 100 },
    clip: OPT,
    goodputRps: { poisson: 5.06, trace: 2.63 },
  },
  {
    name: 'distserve',
    system: 'distserve,model=opt-13b,gpu=a100-sxm-80g,prefill=1,decode=1',
    slo: { ttft: 250, tpot: 100 },
    clip: OPT,
    goodputRps: { poisson: 8.29, trace: 4.28 },
  },
  {
    name: 'sglang',
    system: 'sglang,model=llama-3.1-8b,gpu=a100-sxm-80g',
    slo: { ttft: 500, tpot: 40 },
    clip: null,
    goodputRps: { poisson: 10.2, trace: 4.39 },
  },
];

/** Traffic of a system: Poisson arrivals with the rows of the chat sample, or pieces of the Azure trace. */
async function trafficOf(
  { clip }: TrafficSystem,
  arrivals: 'poisson' | 'trace',
  seed: number,
  requests: number,
): Promise<Source> {
  const [input, output] = clip ?? [null, null];
  return openWorkload({
    path: arrivals === 'poisson' ? resolveWorkload('chat') : AZURE,
    onBadRow: 'fail',
    transforms: [
      ...(input === null ? [] : [{ op: 'clip-input', args: { tokens: input } }]),
      ...(output === null ? [] : [{ op: 'clip-output', args: { tokens: output } }]),
      { op: 'traffic', args: { arrivals, seed, requests } },
    ],
  });
}

export interface TrafficSearch {
  /** Of each goal: null where nothing is known; how its search ended. */
  readonly answers: readonly { readonly fit: LocalFit | null; readonly end: string }[];
  readonly requests: number;
}

/** One search for the goodput, as `reprise goodput --of traffic` makes it. */
export async function simulatedTraffic(
  of: TrafficSystem,
  arrivals: 'poisson' | 'trace',
  {
    seed,
    precision,
    mostRequests,
    goals = [0.9],
  }: {
    readonly seed: number;
    readonly precision: number;
    readonly mostRequests: number;
    readonly goals?: readonly number[];
  },
): Promise<TrafficSearch> {
  const source = await trafficOf(of, arrivals, seed, mostRequests);
  const rowsRps = await rateOf(source);
  const load = trafficLoad({
    slo: { text: of.name, limits: of.slo },
    goals,
    precision,
    rowsRps,
    startRps: rowsRps,
    lowestRps: rowsRps / 1024,
    highestRps: rowsRps * 1024,
    mostRequests,
    timeOver: new AbortController().signal,
    aheadUs: 0,
    known: null,
    from: 0,
    began: () => undefined,
  });
  const clock = new VirtualClock();
  const target = engineTarget(createEngine(parseEngineSpec(of.system), { clock }), clock, source.blockTokens ?? null);
  const store = { sent: () => undefined, finished: () => undefined };
  const recorder = new Recorder(store, { target: 'reference', window: null, worker: 0 }, null, [load.watcher]);
  const never = new AbortController().signal;
  await replay(load.paced(traceOrder(feedFromSource(source, WHOLE, () => []).requests)), target, clock, recorder, {
    timeoutUs: 600e6,
    ttftTimeoutUs: 60e6,
    stop: never,
    cut: never,
    graceUs: 0,
  });
  const { segments, ends } = load.progress();
  const requests = segments.reduce((sum, segment) => sum + segment.requests, 0);
  const answers = goals.map((goal, i) => {
    const end = ends[i];
    if (end === undefined) throw new Error(`${of.name}: the search did not end`);
    return { fit: knownGoodput(segments, end.aboutLnRate, goal), end: end.why };
  });
  return { answers, requests };
}

async function rateOf(source: Source): Promise<number> {
  let [requests, firstUs, lastUs] = [0, 0, 0];
  for await (const batch of source.open()) {
    if (requests === 0) firstUs = batch[0]?.dueUs ?? 0;
    requests += batch.length;
    lastUs = batch.at(-1)?.dueUs ?? lastUs;
  }
  return meanRate(requests, firstUs, lastUs) ?? Number.NaN;
}
