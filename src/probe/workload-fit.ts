import type { Log } from '../core/log.ts';
import type { PlanStats, Source, WorkloadSpec } from '../core/plan.ts';
import {
  mostCarried,
  type ProbeFrontEnd,
  type ProbeLoad,
  type ProbeReport,
  type ProbeWorkload,
} from '../schema/probe.ts';
import { BusiestWindow, scanWorkload } from '../../workloads/index.ts';

/** Up to this share of what the front end carries, requests hardly wait for one another in it. */
const EASY_SHARE = 0.8;
const SECOND_US = 1e6;

/** A workload that was read to its end without errors. */
export interface ScannedWorkload {
  readonly source: Pick<Source, 'name' | 'transforms'>;
  readonly stats: PlanStats;
  readonly busiestSecond: ProbeWorkload['busiest_second'];
}

/** Reads a workload, before anything is sent. Throws a UserError that names what is wrong with it. */
export async function scanForProbe(spec: WorkloadSpec, seed: number, log: Log): Promise<ScannedWorkload> {
  const { source, stats } = await scanWorkload(spec, seed, log);
  return { source, stats, busiestSecond: await busiestSecond(source) };
}

/** The second, from any moment on, in which most requests are due. */
export async function busiestSecond(source: Pick<Source, 'open'>): Promise<ProbeWorkload['busiest_second']> {
  const busiest = new BusiestWindow(SECOND_US);
  for await (const requests of source.open()) for (const { dueUs } of requests) busiest.add(dueUs, 1);
  return { requests: busiest.most, from_s: busiest.fromUs / 1e6 };
}

/** Whether a front end carries a workload, and the model's context its longest request. */
export function fitOf(
  { source, stats, busiestSecond: busiest }: ScannedWorkload,
  frontEnd: ProbeFrontEnd | null,
  { context_tokens }: ProbeReport['server'],
): ProbeWorkload {
  const most = mostCarried(frontEnd);
  const longest = stats.longest.inputTokens + stats.longest.outputTokens;
  return {
    name: source.name,
    transforms: source.transforms.map(({ op, args }) => ({ op, args: { ...args } })),
    plan_sha256: stats.digest,
    requests: stats.requests,
    busiest_second: busiest,
    carried_rps: most?.requests_per_s ?? null,
    fits: fitInto(busiest.requests, most),
    longest_tokens: longest,
    fits_context: context_tokens === null ? null : longest <= context_tokens,
  };
}

function fitInto(requests: number, most: ProbeLoad | null): ProbeWorkload['fits'] {
  if (most === null) return 'unknown';
  if (requests <= EASY_SHARE * most.requests_per_s) return 'fits';
  // It may carry more than this client could send.
  if (most.client_bound) return 'unknown';
  return requests <= most.requests_per_s ? 'nearly' : 'does_not_fit';
}
