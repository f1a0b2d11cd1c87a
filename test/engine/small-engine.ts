import { VirtualClock } from '../../src/core/virtual-clock.ts';
import type { Clock } from '../../src/core/clock.ts';
import { cluster, type ClusterParts } from '../../src/engine/cluster/cluster.ts';
import type { KvAdmission } from '../../src/engine/cluster/kv-admission.ts';
import type { KvTransfers } from '../../src/engine/cluster/kv-receiver.ts';
import { ROUTERS, type Role, type Router, type RouterName } from '../../src/engine/cluster/routers.ts';
import type { CostModel } from '../../src/engine/cost/cost-model.ts';
import type { Cancel, Completion, Engine, Listener, EngineRequest } from '../../src/engine/engine.ts';
import type { AheadRules } from '../../src/engine/instance/instance.ts';
import { logIterations, type IterationEntry, type IterationWatch } from '../../src/engine/instance/iteration-log.ts';
import type { PromptContent } from '../../src/engine/instance/prompt-content.ts';
import { CountingBlockPool } from '../../src/engine/kv/counting-block-pool.ts';
import type { KvCache } from '../../src/engine/kv/kv-cache.ts';
import type { IterationPolicy } from '../../src/engine/policies/policy.ts';
import { vllmV1 } from '../../src/engine/policies/vllm-v1.ts';
import { equalMembers } from '../../src/engine/systems/members.ts';
import type { EngineContext } from '../../src/engine/systems/system.ts';

/** An iteration costs 100 us and 10 us a token: times that can be worked out by hand. */
export const PLAIN_COST: CostModel = { timeUs: (batch) => 100 + 10 * batch.newTokens };

/** KV memory comes as soon as there are free blocks that none who waits there for memory could have. */
export const whenFree: KvAdmission = (receiver, blocks) =>
  !receiver.waitsForMemory() && blocks <= receiver.memory.freeBlocks;

/** From each instance to each other: a byte a microsecond after 20 us; a token has 10 bytes. */
export const PLAIN_TRANSFERS: KvTransfers = {
  link: { bytesPerS: 1e6, latencyUs: 20, segmentUs: 0 },
  kvBytesPerToken: 10,
  admission: whenFree,
};

export interface TestEngineParts extends Pick<ClusterParts, 'transfers' | 'repeatsFirstToken' | 'controller'> {
  readonly policy: () => IterationPolicy;
  readonly memory: () => KvCache;
  /** The plain one, if left out. */
  readonly cost?: CostModel | undefined;
  readonly stages?: number;
  /** Set: batches are decided ahead, unless there are several stages. */
  readonly ahead?: AheadRules | undefined;
  /** Of each instance; one that does both, if left out. */
  readonly roles?: readonly Role[];
  readonly router?: RouterName | Router;
  readonly maxModelLen?: number;
}

/** An engine of any policy and memory; instance i is named `i`. */
export function testEngine(context: EngineContext, parts: TestEngineParts): Engine {
  const { policy, memory, cost = PLAIN_COST, stages = 1, roles = ['both'], router = 'round-robin' } = parts;
  const ahead = stages === 1 ? parts.ahead : undefined;
  return cluster({
    ...parts,
    clock: context.clock,
    maxModelLen: parts.maxModelLen ?? 10_000,
    router: typeof router === 'string' ? ROUTERS[router].create() : router,
    members: roles.flatMap((role, i) =>
      equalMembers(context, { role, count: 1, name: () => String(i), stages, memory, policy, ahead, cost: () => cost }),
    ),
  });
}

/** A request of a trace for tests. */
export interface Row {
  readonly id: string;
  readonly atUs: number;
  readonly inputTokens: number;
  readonly outputTokens: number;
  /** As many as come out, if left out. */
  readonly maxTokens?: number;
  readonly content?: PromptContent | null;
}

/** Runs a trace to its end in virtual time: what each iteration ran, and what each request was told, by its id. */
export async function runTrace(
  engineOf: (context: EngineContext) => Engine,
  rows: readonly Row[],
): Promise<{ entries: IterationEntry[]; heard: Record<string, RecordingListener>; engine: Engine }> {
  const clock = new VirtualClock();
  const entries: IterationEntry[] = [];
  const engine = engineOf({ clock, onIteration: logIterations((entry) => entries.push(entry)) });
  const heard: Record<string, RecordingListener> = {};
  for (const { id, atUs, inputTokens, outputTokens, maxTokens = outputTokens, content = null } of rows) {
    const one = new RecordingListener();
    heard[id] = one;
    const request = { id, inputTokens, content, maxTokens, trueOutputTokens: outputTokens };
    clock.at(atUs, () => {
      one.cancel = engine.submit(request, one);
    });
  }
  await clock.run(() => false);
  return { entries, heard, engine };
}

interface SmallEngine {
  readonly capacityBlocks: number;
  readonly blockTokens: number;
  readonly tokenBudget: number;
  readonly maxSeqs: number;
  readonly cost?: CostModel;
}

/** A small vLLM v1 engine whose every step is written to `log`: the tokens that each sequence of the batch computes. */
export function smallEngine(clock: Clock, size: SmallEngine, log: StepLog[] = []): Engine {
  let running = 0;
  let admitted = 0;
  const decide = vllmV1({ tokenBudget: size.tokenBudget, maxSeqs: size.maxSeqs, reservePrompts: false });
  const policy: IterationPolicy = (scheduler) => {
    const before = scheduler.running.length;
    decide(scheduler);
    running = scheduler.running.length;
    // Nobody is admitted when someone was preempted.
    admitted = Math.max(0, running - before);
  };
  const onIteration: IterationWatch = (_name, { nowUs, size: batchSize, tokens, preempted }) =>
    log.push({ atUs: nowUs, tokens: tokens.slice(0, batchSize), preempted: preempted.length, admitted, running });
  const memory = (): KvCache => new CountingBlockPool(size.capacityBlocks, size.blockTokens);
  return testEngine({ clock, onIteration }, { policy: () => policy, memory, cost: size.cost });
}

export interface StepLog {
  readonly atUs: number;
  readonly tokens: readonly number[];
  readonly preempted: number;
  readonly admitted: number;
  readonly running: number;
}

/** Everything that an engine said of one request. */
export class RecordingListener implements Listener {
  readonly tokenTimesUs: number[] = [];
  readonly completions: Completion[] = [];
  readonly refusals: string[] = [];
  endUs = Number.NaN;
  cancel: Cancel = () => undefined;

  tokens(timeUs: number, count: number): void {
    for (let i = 0; i < count; i++) this.tokenTimesUs.push(timeUs);
  }

  end(timeUs: number, completion: Completion): void {
    this.endUs = timeUs;
    this.completions.push(completion);
  }

  reject(status: number, message: string): void {
    this.refusals.push(`${status} ${message}`);
  }
}

/** Submits at `arrivalUs` a request that stops by itself after `outputTokens`, its maximum. */
export function arrive(
  clock: Clock,
  engine: Engine,
  arrivalUs: number,
  inputTokens: number,
  outputTokens: number,
): RecordingListener {
  const heard = new RecordingListener();
  const request: EngineRequest = {
    id: `at ${arrivalUs}`,
    inputTokens,
    content: null,
    maxTokens: outputTokens,
    trueOutputTokens: outputTokens,
  };
  clock.at(arrivalUs, () => {
    heard.cancel = engine.submit(request, heard);
  });
  return heard;
}
