import type { Clock } from '../../../src/core/clock.ts';
import { withSwapping } from '../../../src/engine/cost/swapping.ts';
import type { Engine } from '../../../src/engine/engine.ts';
import { logIterations, type IterationEntry } from '../../../src/engine/instance/iteration-log.ts';
import { CountingBlockPool } from '../../../src/engine/kv/counting-block-pool.ts';
import type { KvCache } from '../../../src/engine/kv/kv-cache.ts';
import type { KvAdmission } from '../../../src/engine/cluster/kv-admission.ts';
import type { MovePace } from '../../../src/engine/cluster/kv-receiver.ts';
import type { IterationPolicy } from '../../../src/engine/policies/policy.ts';
import type { RouterName } from '../../../src/engine/cluster/routers.ts';
import type { EngineContext } from '../../../src/engine/systems/system.ts';
import { disaggregated, type RoleParts } from '../../../src/engine/systems/disaggregated.ts';
import { chunksOf, rowsOf, type Asked } from '../iterations.ts';
import { runTrace, PLAIN_COST, PLAIN_TRANSFERS, type RecordingListener } from '../small-engine.ts';

interface SmallSide {
  readonly count: number;
  readonly stages?: number;
  readonly capacityBlocks: number;
  readonly policy: () => IterationPolicy;
  /** A plain pool if left out. */
  readonly memory?: (capacityBlocks: number, blockTokens: number) => KvCache;
}

export interface SmallDisaggregated {
  readonly blockTokens: number;
  readonly prefill: SmallSide;
  readonly decode: SmallSide;
  /** Of both sides; DistServe's if left out. */
  readonly router?: RouterName;
  readonly admission: KvAdmission;
  /** As they come if left out. */
  readonly pace?: MovePace;
  readonly repeatsFirstToken?: boolean;
  readonly isLost?: () => boolean;
  /** Each side may be asked by itself. */
  readonly holdUs?: number;
}

/** To copy a block to the host or back. */
const SWAP_US = 30;

/** A small engine with plain costs and links. */
export function smallDisaggregated(
  clock: Clock,
  parts: SmallDisaggregated,
  onEntry: (entry: IterationEntry) => void,
): Engine {
  return disaggregatedIn({ clock, onIteration: logIterations(onEntry) }, parts);
}

function disaggregatedIn(context: EngineContext, parts: SmallDisaggregated): Engine {
  const {
    blockTokens,
    router = 'least-requests',
    admission,
    pace = 'as-they-come',
    repeatsFirstToken = false,
    isLost,
    holdUs,
  } = parts;
  const side = ({ count, stages = 1, capacityBlocks, policy, memory }: SmallSide): RoleParts => ({
    count,
    router,
    stages,
    memory: () => memory?.(capacityBlocks, blockTokens) ?? new CountingBlockPool(capacityBlocks, blockTokens),
    policy,
    cost: () => withSwapping(PLAIN_COST, SWAP_US),
  });
  return disaggregated(context, {
    maxModelLen: 10_000,
    prefill: side(parts.prefill),
    decode: side(parts.decode),
    transfers: { ...PLAIN_TRANSFERS, admission, pace, isLost },
    repeatsFirstToken,
    ...(holdUs === undefined ? {} : { holdUs }),
  });
}

/** An iteration in short: where, when and for how long; `A+8@2`: A computes 8 tokens behind 2; who decodes; who lost its memory; blocks; queue. */
export type Line = readonly [
  instance: string,
  atUs: number,
  stageUs: number,
  prefill: string,
  decode: string,
  preempted: string,
  freeBlocks: number,
  waiting: number,
];

/** Runs `requests`, by name, to their end: what each instance did, and what each request was told. */
export async function linesOf(
  parts: SmallDisaggregated,
  requests: Readonly<Record<string, Asked>>,
): Promise<{ lines: Line[]; heard: Record<string, RecordingListener>; engine: Engine }> {
  const { entries, heard, engine } = await runTrace((context) => disaggregatedIn(context, parts), rowsOf(requests));
  return { lines: entries.map(lineOf), heard, engine };
}

export function lineOf(entry: IterationEntry): Line {
  const { instance, begin_us, stage_us, decode, preempted, free_blocks, waiting } = entry;
  return [instance, begin_us, stage_us, chunksOf(entry), decode.join(' '), preempted.join(' '), free_blocks, waiting];
}
