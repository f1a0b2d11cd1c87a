import { Batch } from '../cost/batch.ts';
import type { KvCache } from '../kv/kv-cache.ts';
import type { Scheduler } from '../policies/policy.ts';
import { missingTokens, type Sequence } from './sequence.ts';
import { WaitingQueue, type QueueView } from './waiting-queue.ts';

/** What slots of an instance share. */
export interface SharedQueues {
  readonly waiting: WaitingQueue<Sequence>;
  readonly swapped: WaitingQueue<Sequence>;
  readonly memory: KvCache;
}

/**
 * One batch of an instance from decision to result, and the requests that run in it: what policies act on. An instance
 * has one for each stage of its pipeline, each with running requests of its own; or two that share them, where it
 * decides a batch while the one before runs. All share its queues and its memory.
 */
export class BatchSlot implements Scheduler<Sequence> {
  /** When it is decided; once it has begun, when it began. */
  nowUs = 0;
  isUnderWay = false;
  readonly running: Sequence[];
  readonly memory: KvCache;
  /**
   * The requests that compute in this iteration, how many tokens each, and whether it decodes: the first `size` entries
   * of the arrays, which are reused, because shortening an array allocates a new one.
   */
  size = 0;
  readonly batch: Sequence[] = [];
  readonly tokens: number[] = [];
  readonly decodes: boolean[] = [];
  /** The tokens of each that were computed before, as `describe` found them. */
  readonly past: number[] = [];
  readonly work = new Batch();
  /** When it had been decided: blocks that were free, and requests that waited. */
  freeBlocks = 0;
  waitingRequests = 0;
  /**
   * Requests that lost their memory in the decision for this iteration, and in earlier ones of any slot that ran
   * nothing.
   */
  readonly preempted: Sequence[] = [];
  readonly preemptedEarlier: Sequence[] = [];
  /** Requests that left the instance after the decision, and before the iteration ended. */
  readonly #withdrawn = new Set<Sequence>();
  /** Since the start, of requests that were admitted for the first time: their prompts, and what was cached of them. */
  queriedTokens = 0;
  hitTokens = 0;
  readonly #waiting: WaitingQueue<Sequence>;
  readonly #swapped: WaitingQueue<Sequence>;
  readonly #deliversAfterPreemption: boolean;

  /** `deliversAfterPreemption`: whether the token in flight of a preempted request still comes out. */
  constructor({ waiting, swapped, memory }: SharedQueues, running: Sequence[], deliversAfterPreemption: boolean) {
    this.#waiting = waiting;
    this.#swapped = swapped;
    this.#deliversAfterPreemption = deliversAfterPreemption;
    this.memory = memory;
    this.running = running;
  }

  get waiting(): QueueView<Sequence> {
    return this.#waiting;
  }

  get swapped(): QueueView<Sequence> {
    return this.#swapped;
  }

  get isAhead(): boolean {
    return this.work.isAhead;
  }

  /** Forgets the last iteration; a decision at `nowUs` follows. `isAhead`: while the batch before is under way. */
  clear(nowUs: number, isAhead: boolean): void {
    // What was copied for an iteration that did not come about is waited for by the next.
    const swappedBlocks = this.size === 0 ? this.work.swappedBlocks : 0;
    this.nowUs = nowUs;
    this.size = 0;
    if (this.preempted.length > 0) this.preempted.length = 0;
    if (this.preemptedEarlier.length > 0) this.preemptedEarlier.length = 0;
    if (this.#withdrawn.size > 0) this.#withdrawn.clear();
    this.work.clear();
    this.work.isAhead = isAhead;
    this.work.swappedBlocks = swappedBlocks;
  }

  /** Notes how the decision left memory and queue. */
  decided(): void {
    this.freeBlocks = this.memory.freeBlocks;
    this.waitingRequests = this.#waiting.length;
  }

  /** Notes where its requests stand before it begins, for who watches. */
  describe(): void {
    for (let i = 0; i < this.size; i++) this.past[i] = this.batch[i]?.computedTokens ?? 0;
  }

  /**
   * Begins: what its requests compute is computed for the decisions that follow. Those that have ended or left since it
   * was decided run for nothing. `leaves`: whether a request goes on elsewhere with its first token.
   */
  begin(nowUs: number, leaves: (sequence: Sequence) => boolean): void {
    this.nowUs = nowUs;
    this.isUnderWay = true;
    const { batch, tokens, size } = this;
    for (let i = 0; i < size; i++) {
      const sequence = batch[i];
      if (sequence?.state !== 'running' || this.isWithdrawn(sequence)) continue;
      const computed = sequence.computedTokens + (tokens[i] ?? 0);
      sequence.computedTokens = computed;
      if (computed < sequence.promptTokens + sequence.generatedTokens) continue;
      sequence.tokensInFlight = 1;
      if (sequence.isDecoding) continue;
      sequence.isDecoding = true;
      sequence.isLeaving = sequence.generatedTokens === 0 && leaves(sequence);
    }
  }

  run(sequence: Sequence, tokens: number, holdTokens = sequence.computedTokens + tokens): boolean {
    const { computedTokens, isDecoding } = sequence;
    if (!sequence.kv.allocate(holdTokens, computedTokens + tokens)) return false;
    if (isDecoding) this.work.addDecode(computedTokens + 1);
    else this.work.addChunk(tokens, computedTokens, tokens === missingTokens(sequence));
    this.batch[this.size] = sequence;
    this.decodes[this.size] = isDecoding;
    this.tokens[this.size++] = tokens;
    return true;
  }

  admit(sequence: Sequence, tokens: number, holdTokens?: number): boolean {
    const cached = sequence.cachedTokens();
    const begin = sequence.computedTokens + cached;
    const hold = holdTokens ?? begin + tokens;
    if (!sequence.kv.allocate(hold, begin + tokens)) return false;
    if (sequence.state === 'swapped') {
      this.#swapped.remove(sequence);
      this.work.swappedBlocks += sequence.kv.blocks;
    } else this.#waiting.remove(sequence);
    this.running.push(sequence);
    sequence.state = 'running';
    sequence.computedTokens = begin;
    if (Number.isNaN(sequence.times.firstScheduledUs)) {
      sequence.cachedPromptTokens = cached;
      this.queriedTokens += sequence.promptTokens;
      this.hitTokens += cached;
    }
    sequence.times.scheduled(this.nowUs);
    return tokens === 0 || this.run(sequence, tokens, hold);
  }

  preempt(sequence: Sequence, to: 'head' | 'tail'): void {
    this.remove(sequence);
    sequence.kv.evict(sequence.cacheableTokens());
    // Nothing is kept but the tokens that the user has, and they become part of the prompt.
    sequence.computedTokens = 0;
    sequence.isDecoding = false;
    sequence.state = 'waiting';
    if (sequence.tokensInFlight > 0 && !this.#stillDelivers(sequence)) {
      sequence.tokensInFlight = 0;
      sequence.isLeaving = false;
    }
    this.preempted.push(sequence);
    if (to === 'head') this.#waiting.prepend(sequence);
    else this.#waiting.push(sequence);
  }

  swapOut(sequence: Sequence): void {
    this.remove(sequence);
    this.work.swappedBlocks += sequence.kv.blocks;
    sequence.kv.evict(sequence.cacheableTokens());
    sequence.state = 'swapped';
    this.preempted.push(sequence);
    this.#swapped.push(sequence);
  }

  publish(sequence: Sequence): void {
    sequence.kv.computed(sequence.computedTokens);
  }

  makeRoom(blocks: number, evict?: number): void {
    this.memory.makeRoom(blocks, evict);
  }

  rotate(count: number): void {
    if (count < this.running.length) this.running.push(...this.running.splice(0, count));
  }

  sortRunning(compare: (a: Sequence, b: Sequence) => number): void {
    this.running.sort(compare);
  }

  sortWaiting(key: (sequence: Sequence) => number): void {
    this.#waiting.sort(key);
  }

  /** A request leaves: it runs for nothing. */
  withdraw(sequence: Sequence): void {
    this.#withdrawn.add(sequence);
  }

  isWithdrawn(sequence: Sequence): boolean {
    return this.#withdrawn.size > 0 && this.#withdrawn.has(sequence);
  }

  /** Out of the running; its memory is left as it is. */
  remove(sequence: Sequence): void {
    // Policies find their victims at the end, so it is looked for from there.
    const index = this.running.lastIndexOf(sequence);
    if (index === -1) throw new Error('not running');
    this.running.splice(index, 1);
  }

  /** A prompt whose memory is wanted elsewhere is computed again, for there is none to be had. */
  #stillDelivers({ isLeaving, prefillMode }: Sequence): boolean {
    return this.#deliversAfterPreemption && !isLeaving && prefillMode !== 'hold';
  }
}
