import type { Clock } from '../../src/core/clock.ts';
import type { Cancel, Completion, Engine, Listener, EngineRequest } from '../../src/engine/engine.ts';
import type { CostModel } from '../../src/engine/cost/cost-model.ts';
import type { IterationPolicy } from '../../src/engine/policies/policy.ts';
import { vllmV1 } from '../../src/engine/policies/vllm-v1.ts';
import { cluster } from '../../src/engine/cluster/cluster.ts';
import { pipeline } from '../../src/engine/hardware/pipeline.ts';
import { Instance } from '../../src/engine/instance/instance.ts';
import { CountingBlockPool } from '../../src/engine/kv/counting-block-pool.ts';
import { ROUTERS } from '../../src/engine/cluster/routers.ts';

interface SmallEngine {
  readonly capacityBlocks: number;
  readonly blockTokens: number;
  readonly tokenBudget: number;
  readonly maxSeqs: number;
  readonly cost?: CostModel;
}

/** An iteration costs 100 us and 10 us a token: times that can be worked out by hand. */
export const PLAIN_COST: CostModel = { timeUs: (batch) => 100 + 10 * batch.newTokens };

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
  const instance = new Instance({
    name: '0',
    clock,
    policy: () => policy,
    onIteration: (_name, { nowUs, size: batchSize, tokens, preempted }) =>
      log.push({ atUs: nowUs, tokens: tokens.slice(0, batchSize), preempted: preempted.length, admitted, running }),
    cost: size.cost ?? PLAIN_COST,
    memory: new CountingBlockPool(size.capacityBlocks, size.blockTokens),
    executor: pipeline(clock, 1),
  });
  return cluster({ clock, entry: [instance], router: ROUTERS['round-robin'].create(), maxModelLen: 10_000 });
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
