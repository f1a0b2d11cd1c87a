import type { Clock } from '../../src/core/clock.ts';
import type { Cancel, Completion, Engine, Listener, Submission } from '../../src/engine/engine.ts';
import type { CostModel } from '../../src/engine/cost/cost-model.ts';
import type { IterationPolicy } from '../../src/engine/policies/policy.ts';
import { vllmV1 } from '../../src/engine/policies/vllm-v1.ts';
import { singleInstance } from '../../src/engine/single-instance.ts';

export interface SmallEngine {
  readonly capacityBlocks: number;
  readonly blockTokens: number;
  readonly tokenBudget: number;
  readonly maxSeqs: number;
  readonly cost?: CostModel;
}

/** An iteration costs 100 us and 10 us a token: times that can be worked out by hand. */
const PLAIN_COST: CostModel = { timeUs: (batch) => 100 + 10 * batch.newTokens };

/** A small vLLM v1 engine whose every step is written to `log`: the tokens that each sequence of the batch computes. */
export function smallEngine(clock: Clock, size: SmallEngine, log: StepLog[] = []): Engine {
  const decide = vllmV1({ tokenBudget: size.tokenBudget, maxSeqs: size.maxSeqs });
  const policy: IterationPolicy = (view, step) => {
    decide(view, step);
    log.push({
      atUs: clock.now(),
      tokens: [...step.tokens],
      preempted: step.preempted.length,
      admitted: step.admitted.length,
      running: view.running.length - step.preempted.length + step.admitted.length,
    });
  };
  return singleInstance({ clock, policy, cost: size.cost ?? PLAIN_COST, maxModelLen: 10_000, ...size });
}

export interface StepLog {
  readonly atUs: number;
  readonly tokens: readonly number[];
  readonly preempted: number;
  readonly admitted: number;
  readonly running: number;
}

/** Everything that an engine said of one request. */
export class Heard implements Listener {
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
): Heard {
  const heard = new Heard();
  const submission: Submission = { inputTokens, maxTokens: outputTokens, stopAfter: outputTokens };
  clock.at(arrivalUs, () => {
    heard.cancel = engine.submit(submission, heard);
  });
  return heard;
}
