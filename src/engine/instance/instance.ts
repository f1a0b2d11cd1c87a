import type { Clock } from '../../core/clock.ts';
import { BatchSlot } from './batch-slot.ts';
import type { CostModel } from '../cost/cost-model.ts';
import type { Load } from '../engine.ts';
import type { Executor } from '../hardware/pipeline.ts';
import type { IterationWatch } from './iteration-log.ts';
import type { KvCache } from '../kv/kv-cache.ts';
import type { IterationPolicy } from '../policies/policy.ts';
import { missingTokens, tokensOf, type Place, type Sequence } from './sequence.ts';
import { WaitingQueue, type QueueView } from './waiting-queue.ts';

export interface InstanceParts extends InstanceHooks {
  /** Name in iteration logs. */
  readonly name: string;
  readonly clock: Clock;
  readonly memory: KvCache;
  readonly executor: Executor;
  /** Time of an iteration in each stage of the executor. */
  readonly cost: CostModel;
  /** Makes a policy; one for each batch that may be under way, for policies may keep state. */
  readonly policy: () => IterationPolicy;
  readonly onIteration?: IterationWatch | undefined;
}

/** What a cluster has to do with an instance. */
export interface InstanceHooks {
  /**
   * Asked when the prompt of a request with `prefillMode` `transfer` has been computed: where the request goes on.
   * Null: it stays.
   */
  readonly next?: ((sequence: Sequence) => NextStage | null) | undefined;
  /** Called when an iteration has ended, before the next one is decided: requests may have ended. */
  readonly onIterationEnd?: (() => void) | undefined;
  /** Called after each look for work: memory and queues may have changed. */
  readonly onDecision?: (() => void) | undefined;
}

/** Where requests go on that leave an instance. */
export interface Destination {
  /**
   * Takes in a request that has left `from`: `tokens` of its tokens are in memory there until `sequence.kv.release()`.
   */
  receive(sequence: Sequence, from: Instance, tokens: number): void;
}

/** Where requests go on whose prompt has been computed. */
interface NextStage extends Destination {
  /**
   * True: they leave before their first token, which comes of computing the last token of the prompt once more. False:
   * they leave with it, if they need more.
   */
  readonly repeatsFirstToken: boolean;
}

/**
 * One copy of a model: asks its policy what to do, lets the time pass that the cost model says, hands out the tokens,
 * and asks again, until nothing is left to do. An iteration begins where the one before it was due to end, so
 * that lateness of the machine never adds up on the wall clock.
 */
export class Instance implements Place {
  readonly name: string;
  readonly memory: KvCache;
  readonly #parts: InstanceParts;
  readonly #waiting = new WaitingQueue<Sequence>();
  readonly #swapped = new WaitingQueue<Sequence>();
  readonly #slots: readonly Turn[];
  /** The slot whose turn is next. */
  #next = 0;
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
    this.#slots = Array.from({ length: parts.executor.depth }, () => {
      const slot = new BatchSlot(this.#waiting, parts.memory, this.#swapped);
      return { slot, decide: parts.policy(), end: () => this.#end(slot) };
    });
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
    sequence.kv.release();
    // Others may wait for its memory.
    this.wake();
  }

  /** Whether the batch that a request is in is under way. */
  isComputing(sequence: Sequence): boolean {
    return sequence.state === 'running' && this.#slotOf(sequence)?.isUnderWay === true;
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
    return this.#slots.flatMap(({ slot }) => slot.running);
  }

  requests(): number {
    return this.#slots.reduce(
      (sum, { slot }) => sum + slot.running.length,
      this.#waiting.length + this.#swapped.length,
    );
  }

  tokens(): number {
    let sum = this.#waiting.sum(tokensOf) + this.#swapped.sum(tokensOf);
    for (const { slot } of this.#slots) for (const sequence of slot.running) sum += tokensOf(sequence);
    return sum;
  }

  /** Blocks of those that have their memory here and have not run yet. */
  waitingBlocks(): number {
    return this.#waiting.sum((sequence) => sequence.heldBlocks());
  }

  /** Whether the first in the queue has no memory here, or not any more. */
  waitsForMemory(): boolean {
    return this.#waiting.at(0)?.heldBlocks() === 0;
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

  /** The first stage is free: the next slot with something to do begins. */
  readonly #turn = (): void => {
    for (let tried = 0; tried < this.#slots.length; tried++) {
      const turn = this.#slots[this.#next];
      this.#next = (this.#next + 1) % this.#slots.length;
      if (turn === undefined || turn.slot.isUnderWay || !this.#begin(turn)) continue;
      this.#parts.onDecision?.();
      return;
    }
    this.#awake = false;
    this.#parts.onDecision?.();
  };

  /** False if there is nothing to do. */
  #begin({ slot, decide, end }: Turn): boolean {
    const { clock, cost, executor, onIteration } = this.#parts;
    const nowUs = clock.now();
    slot.clear(nowUs);
    decide(slot);
    this.#preemptions += slot.preempted.length;
    if (slot.size === 0) {
      this.#unlogged.push(...slot.preempted);
      // With all memory free there is nothing that it could wait for.
      const isFree = this.#underWay === 0 && this.memory.freeBlocks === this.memory.capacityBlocks;
      if (isFree && this.#waiting.length + this.#swapped.length > 0)
        throw new Error('the policy leaves requests waiting and schedules nothing');
      return false;
    }
    if (this.#unlogged.length > 0) slot.preemptedEarlier.push(...this.#unlogged.splice(0));
    this.#iterations++;
    this.#iterationTokens += slot.work.newTokens;
    const stageUs = cost.timeUs(slot.work, executor.share);
    onIteration?.(this.name, slot, stageUs);
    slot.isUnderWay = true;
    this.#underWay++;
    executor.run(stageUs, end, this.#turn, slot.work);
    return true;
  }

  #end(slot: BatchSlot): void {
    const nowUs = this.#parts.clock.now();
    slot.isUnderWay = false;
    this.#underWay--;
    const { batch, tokens, size } = slot;
    for (let i = 0; i < size; i++) {
      const sequence = batch[i];
      // It may have been cancelled meanwhile.
      if (sequence?.state !== 'running') continue;
      const count = tokens[i] ?? 0;
      sequence.computedTokens += count;
      if (count > 1 || sequence.generatedTokens === 0) sequence.kv.computed(sequence.computedTokens);
      if (missingTokens(sequence) > 0) continue;
      if (sequence.generatedTokens > 0) this.#emit(slot, sequence, nowUs);
      else this.#emitFirst(slot, sequence, nowUs);
    }
    this.#parts.onIterationEnd?.();
    // Where several batches are under way, the first stage may stand idle.
    if (!this.#awake) this.wake();
  }

  #emit(slot: BatchSlot, sequence: Sequence, nowUs: number): void {
    sequence.generatedTokens++;
    sequence.isDecoding = true;
    sequence.listener.tokens(nowUs, 1);
    // What the listener does on a token may be to cancel.
    if (sequence.state === 'running' && sequence.generatedTokens >= sequence.trueOutputTokens)
      this.#finish(slot, sequence, nowUs);
  }

  #finish(slot: BatchSlot, sequence: Sequence, nowUs: number): void {
    slot.remove(sequence);
    if (sequence.prefillMode !== 'hold') sequence.kv.release();
    sequence.state = 'ended';
    sequence.listener.end(nowUs, sequence.completion(nowUs));
  }

  /**
   * The prompt of a request is computed. The first time, it may go on elsewhere: before its first token, or with it.
   */
  #emitFirst(slot: BatchSlot, sequence: Sequence, nowUs: number): void {
    const isFirstTime = Number.isNaN(sequence.times.prefilledUs);
    if (isFirstTime) sequence.times.prefilledUs = nowUs;
    const mayGoOn = isFirstTime && sequence.prefillMode === 'transfer';
    const next = mayGoOn ? (this.#parts.next?.(sequence) ?? null) : null;
    const tokens = sequence.computedTokens;
    if (next?.repeatsFirstToken === true) sequence.computedTokens--;
    else this.#emit(slot, sequence, nowUs);
    // Unless that was its last token, or it was cancelled on it.
    if (next === null || sequence.state !== 'running') return;
    sequence.prefillMode = 'local';
    slot.remove(sequence);
    this.#depart(sequence, next, tokens);
  }

  #depart(sequence: Sequence, to: Destination, tokens: number): void {
    sequence.state = 'moving';
    sequence.times.left(this.#parts.clock.now());
    to.receive(sequence, this, tokens);
  }

  #slotOf(sequence: Sequence): BatchSlot | undefined {
    return this.#slots.find(({ slot }) => slot.running.includes(sequence))?.slot;
  }

  /** Out of whichever queue or batch it is in; its memory is left as it is. */
  #remove(sequence: Sequence): void {
    if (sequence.state === 'waiting') this.#waiting.remove(sequence);
    if (sequence.state === 'swapped') this.#swapped.remove(sequence);
    if (sequence.state === 'running') this.#slotOf(sequence)?.remove(sequence);
  }
}

/** A batch slot with what decides for it, and what is called when its batch has run. */
interface Turn {
  readonly slot: BatchSlot;
  readonly decide: IterationPolicy;
  readonly end: () => void;
}
