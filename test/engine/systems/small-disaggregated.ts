import { VirtualClock } from '../../../src/core/virtual-clock.ts';
import type { Clock } from '../../../src/core/clock.ts';
import { withSwapping } from '../../../src/engine/cost/swapping.ts';
import type { Engine } from '../../../src/engine/engine.ts';
import { Link } from '../../../src/engine/hardware/link.ts';
import { logIterations, type IterationEntry } from '../../../src/engine/instance/iteration-log.ts';
import { CountingBlockPool } from '../../../src/engine/kv/counting-block-pool.ts';
import type { KvCache } from '../../../src/engine/kv/kv-cache.ts';
import type { KvAdmission } from '../../../src/engine/cluster/kv-admission.ts';
import type { IterationPolicy } from '../../../src/engine/policies/policy.ts';
import type { RouterName } from '../../../src/engine/cluster/routers.ts';
import { disaggregated, type RoleParts } from '../../../src/engine/systems/disaggregated.ts';
import type { Asked } from '../iterations.ts';
import { RecordingListener, PLAIN_COST } from '../small-engine.ts';

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
  readonly repeatsFirstToken?: boolean;
  readonly isLost?: () => boolean;
  /** Each side may be asked by itself. */
  readonly holdUs?: number;
}

/** Of each instance to each other: a byte a microsecond after 20 us; a token has 10 bytes. */
const LINK = { bytesPerS: 1e6, latencyUs: 20, segmentUs: 0 };
const TOKEN_BYTES = 10;
/** To copy a block to the host or back. */
const SWAP_US = 30;

/** A small engine with plain costs. */
export function smallDisaggregated(
  clock: Clock,
  parts: SmallDisaggregated,
  onEntry: (entry: IterationEntry) => void,
): Engine {
  const { blockTokens, router = 'least-requests', admission, repeatsFirstToken = false, isLost, holdUs } = parts;
  const side = ({ count, stages = 1, capacityBlocks, policy, memory }: SmallSide): RoleParts => ({
    count,
    router,
    stages,
    memory: () => memory?.(capacityBlocks, blockTokens) ?? new CountingBlockPool(capacityBlocks, blockTokens),
    policy,
    cost: () => withSwapping(PLAIN_COST, SWAP_US),
  });
  return disaggregated(
    { clock, onIteration: logIterations(onEntry) },
    {
      maxModelLen: 10_000,
      prefill: side(parts.prefill),
      decode: side(parts.decode),
      link: () => new Link(clock, LINK),
      kvBytesPerToken: TOKEN_BYTES,
      admission,
      repeatsFirstToken,
      ...(isLost === undefined ? {} : { isLost }),
      ...(holdUs === undefined ? {} : { holdUs }),
    },
  );
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
  const clock = new VirtualClock();
  const lines: Line[] = [];
  const engine = smallDisaggregated(clock, parts, (entry) => lines.push(lineOf(entry)));
  const heard: Record<string, RecordingListener> = {};
  for (const [id, [atUs, inputTokens, outputTokens]] of Object.entries(requests)) {
    const one = new RecordingListener();
    heard[id] = one;
    const request = { id, inputTokens, content: null, maxTokens: outputTokens, trueOutputTokens: outputTokens };
    clock.at(atUs, () => engine.submit(request, one));
  }
  await clock.run(() => false);
  return { lines, heard, engine };
}

export function lineOf(entry: IterationEntry): Line {
  const { instance, begin_us, stage_us, prefill, decode, preempted, free_blocks, waiting } = entry;
  const chunks = prefill.map(({ id, tokens, past }) => `${id}+${tokens}@${past}`).join(' ');
  return [instance, begin_us, stage_us, chunks, decode.join(' '), preempted.join(' '), free_blocks, waiting];
}
