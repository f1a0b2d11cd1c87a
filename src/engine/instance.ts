import type { Clock } from '../core/clock.ts';
import { Batch } from './cost/batch.ts';
import type { CostModel } from './cost/cost-model.ts';
import type { Load } from './engine.ts';
import type { BlockPool } from './kv/block-pool.ts';
import type { InstanceView, IterationPolicy, Step } from './policies/policy.ts';
import { missingTokens, type Sequence } from './sequence.ts';
import { WaitingQueue } from './waiting-queue.ts';

export interface InstanceParts {
  readonly clock: Clock;
  readonly policy: IterationPolicy;
  readonly cost: CostModel;
  readonly pool: BlockPool;
}

/**
 * One copy of a model: asks its policy what to do, lets the time pass that the cost model says, hands out the tokens,
 * and asks again, until nothing is left to do. An iteration begins where the one before it was due to end, so
 * that lateness of the machine never adds up on the wall clock.
 */
export class Instance {
  readonly #clock: Clock;
  readonly #policy: IterationPolicy;
  readonly #cost: CostModel;
  readonly #pool: BlockPool;
  readonly #running: Sequence[] = [];
  readonly #waiting = new WaitingQueue<Sequence>();
  readonly #view: InstanceView<Sequence>;
  readonly #step: Step<Sequence> = { preempted: [], admitted: [], batch: [], tokens: [] };
  readonly #batch = new Batch();
  #awake = false;
  #preemptions = 0;

  constructor({ clock, policy, cost, pool }: InstanceParts) {
    this.#clock = clock;
    this.#policy = policy;
    this.#cost = cost;
    this.#pool = pool;
    this.#view = { running: this.#running, waiting: this.#waiting, pool };
  }

  submit(sequence: Sequence): void {
    this.#waiting.push(sequence);
    if (this.#awake) return;
    this.#awake = true;
    // By way of the clock, so that all that arrive at this very time are seen by the first iteration.
    this.#clock.at(this.#clock.now(), this.#beginIteration);
  }

  /** Frees its memory at once; an iteration that it takes part in lasts as long as it would have. */
  cancel(sequence: Sequence): void {
    if (sequence.state === 'waiting') this.#waiting.remove(sequence);
    if (sequence.state === 'running') this.#retire(sequence);
    sequence.state = 'ended';
  }

  load(): Load {
    return {
      running: this.#running.length,
      waiting: this.#waiting.length,
      usedBlocks: this.#pool.usedBlocks,
      capacityBlocks: this.#pool.capacityBlocks,
      preemptions: this.#preemptions,
    };
  }

  readonly #beginIteration = (): void => {
    const step = this.#step;
    step.preempted.length = step.admitted.length = step.batch.length = step.tokens.length = 0;
    if (this.#running.length === 0 && this.#waiting.length === 0) {
      this.#awake = false;
      return;
    }
    this.#policy(this.#view, step);
    if (step.batch.length === 0) throw new Error('the policy leaves requests waiting and schedules nothing');
    const nowUs = this.#clock.now();
    for (const sequence of step.preempted) this.#preempt(sequence);
    for (const sequence of step.admitted) this.#admit(sequence, nowUs);
    this.#fillBatch();
    this.#clock.at(nowUs + this.#cost.timeUs(this.#batch), this.#endIteration);
  };

  /** By recomputation: nothing is kept but the tokens that the user has, and they become part of the prompt. */
  #preempt(sequence: Sequence): void {
    this.#preemptions++;
    this.#retire(sequence);
    sequence.computedTokens = 0;
    sequence.state = 'waiting';
    this.#waiting.prepend(sequence);
  }

  #admit(sequence: Sequence, nowUs: number): void {
    this.#waiting.remove(sequence);
    this.#running.push(sequence);
    sequence.state = 'running';
    if (Number.isNaN(sequence.firstScheduledUs)) sequence.firstScheduledUs = nowUs;
  }

  #fillBatch(): void {
    const { batch, tokens } = this.#step;
    this.#batch.clear();
    for (let i = 0; i < batch.length; i++) {
      const sequence = batch[i];
      const count = tokens[i] ?? 0;
      if (sequence === undefined) continue;
      this.#pool.grow(sequence, sequence.computedTokens + count);
      const missing = missingTokens(sequence);
      if (missing === 1 && sequence.generatedTokens > 0) this.#batch.addDecode(sequence.computedTokens + 1);
      else this.#batch.addChunk(count, sequence.computedTokens, count === missing);
    }
  }

  readonly #endIteration = (): void => {
    const nowUs = this.#clock.now();
    const { batch, tokens } = this.#step;
    for (let i = 0; i < batch.length; i++) {
      const sequence = batch[i];
      // It may have been cancelled meanwhile.
      if (sequence?.state !== 'running') continue;
      sequence.computedTokens += tokens[i] ?? 0;
      if (missingTokens(sequence) === 0) this.#emit(sequence, nowUs);
    }
    this.#beginIteration();
  };

  #emit(sequence: Sequence, nowUs: number): void {
    sequence.generatedTokens++;
    if (sequence.generatedTokens === 1) sequence.firstTokenUs = nowUs;
    sequence.listener.tokens(nowUs, 1);
    // What the listener does on a token may be to cancel.
    if (sequence.generatedTokens < sequence.stopAfter || sequence.state !== 'running') return;
    this.#retire(sequence);
    sequence.state = 'ended';
    sequence.listener.end(nowUs, sequence.completion(nowUs));
  }

  #retire(sequence: Sequence): void {
    // Policies find their victims at the end, so it is looked for from there.
    const index = this.#running.lastIndexOf(sequence);
    if (index === -1) throw new Error('not running');
    this.#running.splice(index, 1);
    this.#pool.release(sequence);
  }
}
