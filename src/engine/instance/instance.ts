import type { Clock } from '../../core/clock.ts';
import { BatchSlot } from './batch-slot.ts';
import type { CostModel } from '../cost/cost-model.ts';
import type { Load } from '../engine.ts';
import type { Executor } from '../hardware/pipeline.ts';
import type { IterationWatch } from './iteration-log.ts';
import type { KvCache } from '../kv/kv-cache.ts';
import type { IterationPolicy } from '../policies/policy.ts';
import { tokensOf, type Place, type Sequence } from './sequence.ts';
import { WaitingQueue, type QueueView } from './waiting-queue.ts';

export interface InstanceParts extends InstanceHooks {
  /** Name in iteration logs. */
  readonly name: string;
  readonly clock: Clock;
  readonly memory: KvCache;
  readonly executor: Executor;
  /** Time of an iteration in each stage of the executor. */
  readonly cost: CostModel;
  /** Makes a policy; one for each stage of the executor, for policies may keep state. */
  readonly policy: () => IterationPolicy;
  /** Set: each batch is decided ahead, when the one before begins; for an executor of one stage. */
  readonly ahead?: AheadRules | undefined;
  readonly onIteration?: IterationWatch | undefined;
}

/** In what engines that decide ahead differ. */
export interface AheadRules {
  /** Whether the token in flight of a request that is preempted still comes out; if not, it is computed again. */
  readonly deliversAfterPreemption: boolean;
  /**
   * Whether a request that ends keeps the memory for the token after its last, which the next batch computes for nothing,
   * until that batch has run.
   */
  readonly keepsOverrun: boolean;
}

/** What a cluster has to do with an instance. */
export interface InstanceHooks {
  /**
   * Asked when the prompt of a request with `prefillMode` `transfer` has been computed: where the request goes on.
   * Null: it stays.
   */
  readonly next?: ((sequence: Sequence) => NextStage | null) | undefined;
  /** Called when an iteration has ended, before the next decision: requests may have ended. */
  readonly onIterationEnd?: (() => void) | undefined;
  /** Called when a batch may begin. False: none is begun or decided until the instance is woken again. */
  readonly onTurn?: (() => boolean) | undefined;
  /**
   * Called after each look for work: memory and queues may have changed. `isAhead`: what was decided begins with the
   * next turn.
   */
  readonly onDecision?: ((isAhead: boolean) => void) | undefined;
}

/** Where requests go on that leave an instance. */
export interface Destination {
  /**
   * Takes in a request that has left `from`: `tokens` of its tokens are in memory there until `sequence.kv.release()`.
   */
  receive(sequence: Sequence, from: Instance, tokens: number): void;
}

/** Where requests go on whose prompt has been computed. */
export interface NextStage extends Destination {
  /**
   * True: they leave before their first token, which comes of computing the last token of the prompt once more. False:
   * they leave with it, if they need more.
   */
  readonly repeatsFirstToken: boolean;
  /** Requests whose tokens are computed once more after a preemption go on there again. */
  readonly takesBack?: boolean;
}

/**
 * One copy of a model: asks its policy what to do, lets the time pass that the cost model says, hands out the tokens,
 * and asks again, until nothing is left to do. An iteration begins where the one before it was due to end, so
 * that lateness of the machine never adds up on the wall clock.
 *
 *     one after the other: decide 1, run 1 .......... tokens of 1, decide 2, run 2 ..........
 *     ahead:               decide 1, run 1, decide 2 .......... tokens of 1, run 2, decide 3 ..........
 *
 * Ahead (vLLM's `step_with_batch_queue`, SGLang's `event_loop_overlap`), a decision does not know the tokens of the
 * batch that runs meanwhile (`tokensInFlight`): what arrives waits for one batch more; a request that ends, which the
 * decision could not see, has its place until then and is computed once more for nothing. A decision that comes to no
 * batch is taken again when the tokens are there. The host's work for a batch is done beside the GPU's for the one
 * before (`Batch.isAhead`).
 */
export class Instance implements Place {
  readonly name: string;
  readonly memory: KvCache;
  readonly #parts: InstanceParts;
  readonly #waiting = new WaitingQueue<Sequence>();
  readonly #swapped = new WaitingQueue<Sequence>();
  readonly #slots: readonly Turn[];
  /** The slots without those that share their running requests with one before. */
  readonly #lanes: readonly BatchSlot[];
  /** The slot whose turn is next. */
  #next = 0;
  #lastDecided: BatchSlot | null = null;
  /** Decided, and begins when the batch that is under way has ended. */
  #decided: Turn | null = null;
  /** A turn is due or under way; if not, nothing happens until a request arrives or a batch ends. */
  #awake = false;
  #underWay = 0;
  #preemptions = 0;
  #iterations = 0;
  #iterationTokens = 0;
  /** Preempted by decisions that came to no iteration. */
  #unlogged: Sequence[] = [];

  constructor(parts: InstanceParts) {
    this.#parts = parts;
    this.name = parts.name;
    this.memory = parts.memory;
    const { executor, ahead } = parts;
    if (ahead !== undefined && executor.depth > 1) throw new RangeError('a pipeline decides no batch ahead');
    const queues = { waiting: this.#waiting, swapped: this.#swapped, memory: parts.memory };
    const turns = Array.from({ length: executor.depth }, () => {
      const [running, decide]: [Sequence[], IterationPolicy] = [[], parts.policy()];
      return Array.from({ length: ahead === undefined ? 1 : 2 }, () => {
        const slot = new BatchSlot(queues, running, ahead?.deliversAfterPreemption ?? true);
        return { slot, decide, end: () => this.#end(slot) };
      });
    });
    this.#slots = turns.flat();
    this.#lanes = turns.flatMap(([first]) => (first === undefined ? [] : [first.slot]));
  }

  /** A request arrives, new or with its prompt computed elsewhere. */
  submit(sequence: Sequence): void {
    sequence.kv = this.memory.open(sequence);
    this.accept(sequence);
  }

  /** As `submit`, for a request that has its memory here already. */
  accept(sequence: Sequence): void {
    sequence.state = 'waiting';
    sequence.place = this;
    this.#waiting.push(sequence);
    this.wake();
  }

  /** Looks for work: something may have changed that the policy waits for. */
  wake(): void {
    if (this.#awake) return;
    this.#awake = true;
    const { clock } = this.#parts;
    // By way of the clock, so that all that arrive at this very time are seen by the first iteration.
    clock.at(clock.now(), this.#turn);
  }

  /** Frees its memory at once; an iteration that it takes part in lasts as long as it would have. */
  cancel(sequence: Sequence): void {
    this.#remove(sequence);
    sequence.kv.release(sequence.cacheableTokens());
    // Others may wait for its memory.
    this.wake();
  }

  /** Whether it runs a batch, or is about to look for one. */
  get isWorking(): boolean {
    return this.#awake || this.#underWay > 0;
  }

  /** Whether a batch of those that a request runs with is under way, or one that its next token comes of. */
  isComputing(sequence: Sequence): boolean {
    if (sequence.state !== 'running') return sequence.tokensInFlight > 0;
    return this.#slots.some(({ slot }) => slot.isUnderWay && slot.running.includes(sequence));
  }

  /** Has a request go on at `to` that computes nothing at this moment. */
  leave(sequence: Sequence, to: Destination): void {
    this.#remove(sequence);
    this.#depart(sequence, to, sequence.computedTokens);
    this.wake();
  }

  get waiting(): QueueView<Sequence> {
    return this.#waiting;
  }

  running(): Sequence[] {
    return this.#lanes.flatMap(({ running }) => running);
  }

  requests(): number {
    return this.#lanes.reduce((sum, { running }) => sum + running.length, this.#waiting.length + this.#swapped.length);
  }

  tokens(): number {
    let sum = this.#waiting.sum(tokensOf) + this.#swapped.sum(tokensOf);
    for (const { running } of this.#lanes) for (const sequence of running) sum += tokensOf(sequence);
    return sum;
  }

  /** Blocks of those that have their memory here and have not run yet. */
  waitingBlocks(): number {
    return this.#waiting.sum((sequence) => sequence.heldBlocks());
  }

  /** Whether a request in the queue has no memory here, or not any more, and could run if it had. */
  waitsForMemory(): boolean {
    for (let i = 0; i < this.#waiting.length; i++) {
      const sequence = this.#waiting.at(i);
      if (sequence?.tokensInFlight === 0) return sequence.heldBlocks() === 0;
    }
    return false;
  }

  /** Free blocks that running requests take until their prompts are computed. */
  prefillBlocks(): number {
    let sum = 0;
    for (const { running } of this.#lanes)
      for (const sequence of running) if (!sequence.isDecoding) sum += sequence.neededBlocks(tokensOf(sequence));
    return sum;
  }

  /** The last one. */
  decision(): Decision {
    const slot = this.#lastDecided;
    return {
      tokens: slot?.work.newTokens ?? 0,
      running: slot?.running.length ?? 0,
      preempted: slot?.preempted.length ?? 0,
    };
  }

  load(): Load {
    const waiting = this.#waiting.length + this.#swapped.length;
    return {
      running: this.requests() - waiting,
      waiting,
      usedBlocks: this.memory.capacityBlocks - this.memory.freeBlocks,
      capacityBlocks: this.memory.capacityBlocks,
      capacityTokens: this.memory.capacityBlocks * this.memory.blockTokens,
      preemptions: this.#preemptions,
      queriedTokens: this.#slots.reduce((sum, { slot }) => sum + slot.queriedTokens, 0),
      hitTokens: this.#slots.reduce((sum, { slot }) => sum + slot.hitTokens, 0),
      iterations: this.#iterations,
      iterationTokens: this.#iterationTokens,
    };
  }

  /** The first stage is free: the batch that was decided ahead begins, or the next with something to do. */
  readonly #turn = (): void => {
    const { ahead, onTurn, onDecision, onIteration } = this.#parts;
    if (onTurn?.() === false) {
      this.#awake = false;
      return;
    }
    const decided = this.#decided;
    this.#decided = null;
    const turn = decided ?? this.#decide();
    if (turn === null) {
      this.#awake = false;
      onDecision?.(false);
      return;
    }
    const stageUs = this.#begin(turn);
    if (decided === null) onDecision?.(false);
    if (ahead === undefined) return;
    this.#decided = this.#decide();
    onDecision?.(true);
    // Requests that the watch brings come too late for the batch that has just been decided.
    onIteration?.(this.name, turn.slot, stageUs);
  };

  /** The next slot for which there is something to do; null if there is nothing. */
  #decide(): Turn | null {
    const nowUs = this.#parts.clock.now();
    for (let tried = 0; tried < this.#lanes.length; tried++) {
      const turn = this.#slots[this.#next];
      this.#next = (this.#next + 1) % this.#slots.length;
      if (turn === undefined || turn.slot.isUnderWay) continue;
      if (this.#hasDecided(turn, nowUs)) return turn;
      // An iteration without work takes no time: what it preempted is looked at again at once.
      while (this.#underWay === 0 && turn.slot.preempted.length > 0) if (this.#hasDecided(turn, nowUs)) return turn;
      // With all memory free there is nothing that it could wait for.
      const isFree = this.#underWay === 0 && this.memory.freeBlocks === this.memory.capacityBlocks;
      if (isFree && this.#waiting.length + this.#swapped.length > 0)
        throw new Error('the policy leaves requests waiting and schedules nothing');
    }
    return null;
  }

  /** False: there is nothing to do. */
  #hasDecided({ slot, decide }: Turn, nowUs: number): boolean {
    slot.clear(nowUs, this.#parts.ahead !== undefined && this.#underWay > 0);
    decide(slot);
    slot.decided();
    this.#lastDecided = slot;
    this.#preemptions += slot.preempted.length;
    if (slot.size === 0) this.#unlogged.push(...slot.preempted);
    else if (this.#unlogged.length > 0) slot.preemptedEarlier.push(...this.#unlogged.splice(0));
    return slot.size > 0;
  }

  /** Returns the time that the batch takes in each stage. */
  #begin({ slot, end }: Turn): number {
    const { clock, cost, executor, ahead, onIteration } = this.#parts;
    const stageUs = cost.timeUs(slot.work, executor.shareFor(slot.work));
    if (onIteration !== undefined) slot.describe();
    if (ahead === undefined) onIteration?.(this.name, slot, stageUs);
    slot.begin(clock.now(), this.#leaves);
    this.#underWay++;
    this.#iterations++;
    this.#iterationTokens += slot.work.newTokens;
    executor.run(stageUs, end, this.#turn, slot.work);
    return stageUs;
  }

  /** Whether a request whose prompt is being computed goes on elsewhere; asked again when it is computed. */
  readonly #leaves = (sequence: Sequence): boolean =>
    sequence.prefillMode === 'transfer' && (this.#parts.next?.(sequence) ?? null) !== null;

  #end(slot: BatchSlot): void {
    const nowUs = this.#parts.clock.now();
    slot.isUnderWay = false;
    this.#underWay--;
    const { batch, decodes, size } = slot;
    for (let i = 0; i < size; i++) {
      const sequence = batch[i];
      if (sequence === undefined || slot.isWithdrawn(sequence)) continue;
      const { state, generatedTokens } = sequence;
      // It may have been cancelled meanwhile, or end unforeseen; or it lost its memory, and its token still comes out.
      if (state === 'ended') {
        sequence.kv.freeRest();
        continue;
      }
      if (state === 'running' && decodes[i] !== true) sequence.kv.computed(sequence.computedTokens);
      if (sequence.tokensInFlight === 0) continue;
      sequence.tokensInFlight = 0;
      if (generatedTokens === 0) this.#emitFirst(sequence, nowUs);
      else {
        this.#emit(sequence, nowUs);
        if (decodes[i] !== true) this.#returnToDecode(sequence);
      }
    }
    this.#parts.onIterationEnd?.();
    // Where several batches are under way, the first stage may stand idle.
    if (!this.#awake) this.wake();
  }

  #emit(sequence: Sequence, nowUs: number): void {
    sequence.generatedTokens++;
    sequence.listener.tokens(nowUs, 1);
    // What the listener does on a token may be to cancel.
    if (sequence.state !== 'ended' && sequence.generatedTokens >= sequence.trueOutputTokens)
      this.#finish(sequence, nowUs);
  }

  #finish(sequence: Sequence, nowUs: number): void {
    this.#remove(sequence);
    const keepsRest = this.#parts.ahead?.keepsOverrun === true;
    if (sequence.prefillMode !== 'hold') sequence.kv.release(sequence.cacheableTokens(), keepsRest);
    sequence.state = 'ended';
    sequence.listener.end(nowUs, sequence.completion(nowUs));
  }

  /**
   * The prompt of a request is computed. The first time, it may go on elsewhere: before its first token, or with it.
   */
  #emitFirst(sequence: Sequence, nowUs: number): void {
    const isFirstTime = Number.isNaN(sequence.times.prefilledUs);
    if (isFirstTime) sequence.times.prefilledUs = nowUs;
    // One that lost its memory meanwhile has nothing to go on with.
    const mayGoOn = isFirstTime && sequence.prefillMode === 'transfer' && sequence.state === 'running';
    const next = mayGoOn ? (this.#parts.next?.(sequence) ?? null) : null;
    const tokens = sequence.computedTokens;
    // It may stay after all.
    sequence.isLeaving = false;
    if (next?.repeatsFirstToken === true) sequence.computedTokens--;
    else this.#emit(sequence, nowUs);
    // Unless that was its last token, or it was cancelled on it.
    if (next === null || sequence.state !== 'running') return;
    if (next.takesBack !== true) sequence.prefillMode = 'local';
    this.#remove(sequence);
    this.#depart(sequence, next, tokens);
  }

  /** All that a preempted request had is computed again: where its decodes are another instance's, it goes back there. */
  #returnToDecode(sequence: Sequence): void {
    const next = sequence.prefillMode === 'transfer' ? (this.#parts.next?.(sequence) ?? null) : null;
    if (next?.takesBack !== true || sequence.state !== 'running') return;
    this.#remove(sequence);
    this.#depart(sequence, next, sequence.computedTokens);
  }

  #depart(sequence: Sequence, to: Destination, tokens: number): void {
    // One that was preempted between two chunks leaves a batch that is under way.
    for (const { slot } of this.#slots) if (slot.isUnderWay || slot === this.#decided?.slot) slot.withdraw(sequence);
    sequence.state = 'moving';
    sequence.times.left(this.#parts.clock.now());
    to.receive(sequence, this, tokens);
  }

  #laneOf(sequence: Sequence): BatchSlot | undefined {
    const lanes = this.#lanes;
    return lanes.length === 1 ? lanes[0] : lanes.find(({ running }) => running.includes(sequence));
  }

  /** Out of whichever queue or batch it is in; its memory is left as it is. */
  #remove(sequence: Sequence): void {
    if (sequence.state === 'waiting') this.#waiting.remove(sequence);
    if (sequence.state === 'swapped') this.#swapped.remove(sequence);
    if (sequence.state === 'running') this.#laneOf(sequence)?.remove(sequence);
  }
}

/** What a decision came to. */
export interface Decision {
  /** Tokens that its batch computes, requests that run after it, and requests that it preempted. */
  readonly tokens: number;
  readonly running: number;
  readonly preempted: number;
}

/** A batch slot with what decides for it, and what is called when its batch has run. */
interface Turn {
  readonly slot: BatchSlot;
  readonly decide: IterationPolicy;
  readonly end: () => void;
}
