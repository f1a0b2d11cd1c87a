import { Batch } from '../cost/batch.ts';
import type { KvCache } from '../kv/kv-cache.ts';
import type { Scheduler } from '../policies/policy.ts';
import { missingTokens, type Sequence } from './sequence.ts';
import { WaitingQueue, type QueueView } from './waiting-queue.ts';

/**
 * One batch of an instance from decision to result, and the requests that run in it: what policies act on. An instance
 * has one for each stage of its pipeline, and all share its queue and its memory.
 */
export class BatchSlot implements Scheduler<Sequence> {
  nowUs = 0;
  readonly isAhead = false;
  isUnderWay = false;
  readonly running: Sequence[] = [];
  readonly memory: KvCache;
  /**
   * The requests that compute in this iteration, and how many tokens each: the first `size` entries of both arrays,
   * which are reused, because shortening an array allocates a new one.
   */
  size = 0;
  readonly batch: Sequence[] = [];
  readonly tokens: number[] = [];
  readonly work = new Batch();
  /**
   * Requests that lost their memory in the decision for this iteration, and in earlier ones of any slot that ran
   * nothing.
   */
  readonly preempted: Sequence[] = [];
  readonly preemptedEarlier: Sequence[] = [];
  /** Since the start, of requests that were admitted for the first time: their prompts, and what was cached of them. */
  queriedTokens = 0;
  hitTokens = 0;
  readonly #waiting: WaitingQueue<Sequence>;
  readonly #swapped: WaitingQueue<Sequence>;

  constructor(
    waiting: WaitingQueue<Sequence>,
    memory: KvCache,
    swapped: WaitingQueue<Sequence> = new WaitingQueue<Sequence>(),
  ) {
    this.#waiting = waiting;
    this.#swapped = swapped;
    this.memory = memory;
  }

  get waiting(): QueueView<Sequence> {
    return this.#waiting;
  }

  get swapped(): QueueView<Sequence> {
    return this.#swapped;
  }

  /** Forgets the last iteration; a decision at `nowUs` follows. */
  clear(nowUs: number): void {
    // What was copied for an iteration that did not come about is waited for by the next.
    const swappedBlocks = this.size === 0 ? this.work.swappedBlocks : 0;
    this.nowUs = nowUs;
    this.size = 0;
    if (this.preempted.length > 0) this.preempted.length = 0;
    if (this.preemptedEarlier.length > 0) this.preemptedEarlier.length = 0;
    this.work.clear();
    this.work.swappedBlocks = swappedBlocks;
  }

  run(sequence: Sequence, tokens: number, holdTokens = sequence.computedTokens + tokens): boolean {
    if (!sequence.kv.allocate(holdTokens, sequence.computedTokens + tokens)) return false;
    if (sequence.isDecoding) this.work.addDecode(sequence.computedTokens + 1);
    else this.work.addChunk(tokens, sequence.computedTokens, tokens === missingTokens(sequence));
    this.batch[this.size] = sequence;
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
    sequence.kv.evict();
    // Nothing is kept but the tokens that the user has, and they become part of the prompt.
    sequence.computedTokens = 0;
    sequence.isDecoding = false;
    sequence.state = 'waiting';
    this.preempted.push(sequence);
    if (to === 'head') this.#waiting.prepend(sequence);
    else this.#waiting.push(sequence);
  }

  swapOut(sequence: Sequence): void {
    this.remove(sequence);
    this.work.swappedBlocks += sequence.kv.blocks;
    sequence.kv.evict();
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

  /** Out of the running; its memory is left as it is. */
  remove(sequence: Sequence): void {
    // Policies find their victims at the end, so it is looked for from there.
    const index = this.running.lastIndexOf(sequence);
    if (index === -1) throw new Error('not running');
    this.running.splice(index, 1);
  }
}
