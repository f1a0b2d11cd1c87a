import type { Clock } from '../../core/clock.ts';
import { Link, type LinkShape, type Transfer } from '../hardware/link.ts';
import type { Decision, Instance } from '../instance/instance.ts';
import type { KvAllocation, KvCache } from '../kv/kv-cache.ts';
import type { KvAdmission, ReceiverView } from './kv-admission.ts';
import type { MemoryWaits } from './memory-waits.ts';
import { tokensOf, type Place, type Sequence } from '../instance/sequence.ts';
import { WaitingQueue } from '../instance/waiting-queue.ts';

/** How KV memory moves between the instances of a cluster. */
export interface KvTransfers {
  /** From each instance to each other there is one. Null: what moves is there at once. */
  readonly link: LinkShape | null;
  readonly kvBytesPerToken: number;
  readonly admission: KvAdmission;
  readonly pace: MovePace;
  /** Whether a transfer that has just ended brought nothing, so that all has to be computed again. */
  readonly isLost?: (() => boolean) | undefined;
}

/**
 * When requests move to an instance. `as-they-come`: as soon as they may have memory there, all at a time, which share the
 * link. `with-decisions`: they get memory with decisions of the instance alone, and begin to move with the batch that
 * was decided. `in-turn`: first come, first moved, one at a time. `between-iterations`: one at a time too, and only where
 * the instance would begin a batch, which waits until nobody is left that may have memory.
 */
export type MovePace = 'as-they-come' | 'with-decisions' | 'in-turn' | 'between-iterations';

/**
 * What stands before an instance: requests that were computed in part elsewhere wait, in order, until they may have
 * memory here; then it is taken, and what was computed moves over the link. A block is in use at both ends while it
 * moves:
 *
 *     source: computes --> holds, offered ---> holds, moving --> free
 *     here:                                    holds, moving --> holds, waiting --> runs
 */
export class KvReceiver implements ReceiverView {
  readonly #clock: Clock;
  readonly #instance: Instance;
  readonly #transfers: KvTransfers;
  /** Of the cluster. */
  readonly #waits: MemoryWaits;
  readonly #links = new Map<Instance, Link>();
  readonly #offered = new WaitingQueue<Move>();
  readonly #moving = new Set<Move>();
  /** Those of `#moving` that begin to move with the next turn of the instance. */
  readonly #due: Move[] = [];

  constructor(clock: Clock, instance: Instance, transfers: KvTransfers, waits: MemoryWaits) {
    this.#clock = clock;
    this.#instance = instance;
    this.#transfers = transfers;
    this.#waits = waits;
  }

  get memory(): KvCache {
    return this.#instance.memory;
  }

  /** `sequence` has left `from`, and `tokens` of its tokens are in memory there until they have come here. */
  offer(sequence: Sequence, from: Instance, tokens: number): void {
    const target = this.memory.open(sequence);
    const cancel = (): void => this.#cancel(move);
    const move: Move = { sequence, from, tokens, target, cachedTokens: 0, transfer: null, cancel };
    sequence.place = move;
    this.#offered.push(move);
    this.#waits.add(from.memory, this.memory);
    if (this.#transfers.pace === 'as-they-come' || this.#transfers.pace === 'in-turn') this.look(false);
    else this.#instance.wake();
  }

  /**
   * To be called when the instance may begin a batch: what is due moves. False: it decides none yet, for requests move
   * that it waits for.
   */
  turn(): boolean {
    for (const move of this.#due.splice(0)) if (this.#moving.has(move)) this.#send(move);
    if (this.#transfers.pace !== 'between-iterations') return true;
    this.#begin(false);
    return this.#moving.size === 0;
  }

  /** Whether `sequence`, offered now, would have memory at once. */
  hasRoom(sequence: Sequence): boolean {
    const target = this.memory.open(sequence);
    const blocks = target.blocksNeeded(tokensThere(sequence, target.cachedTokens()) + 1);
    return this.#offered.length === 0 && this.#transfers.admission(this, blocks);
  }

  /**
   * Takes in those that may have memory now: to be called whenever that may have changed. `isAhead`: of the batch that
   * the instance has decided ahead.
   */
  look(isAhead: boolean): void {
    if (this.#transfers.pace !== 'between-iterations') this.#begin(isAhead);
  }

  #begin(isAhead: boolean): void {
    const { admission, pace } = this.#transfers;
    const isOneByOne = pace === 'in-turn' || pace === 'between-iterations';
    for (let move = this.#offered.at(0); move !== undefined; move = this.#offered.at(0)) {
      if (isOneByOne && this.#moving.size > 0) return;
      const { sequence, target } = move;
      const cached = target.cachedTokens();
      const there = tokensThere(sequence, cached);
      // What it has yet to compute at once must fit with what is there, or it could wait in memory that it needs itself.
      const isDecode = there + 1 >= tokensOf(sequence);
      const hold = isDecode ? Math.max(there, sequence.promptTokens) : tokensOf(sequence);
      // With a block for what one of those that wait computes next, or they could fill the memory and none of them run.
      const blocks = Math.max(target.blocksNeeded(there + 1), target.blocksNeeded(hold) + this.#spareBlocks());
      if (!admission(this, blocks) || !target.allocate(hold, cached)) {
        if (this.waitsForMemory() || blocks > this.memory.freeBlocks) this.#breakCircle();
        return;
      }
      this.#withdraw(move);
      this.#moving.add(move);
      sequence.computedTokens = there;
      move.cachedTokens = cached;
      if (isAhead && pace === 'with-decisions') this.#due.push(move);
      else this.#send(move);
    }
  }

  /**
   * There is no room here. Where the room that is missing may be that of requests which wait, directly or by way of
   * others, for what is held by requests offered here, the last of these gives up what it holds: it is computed again
   * here, as after a preemption.
   */
  #breakCircle(): void {
    for (let i = this.#offered.length - 1; i >= 0; i--) {
      const move = this.#offered.at(i);
      if (move === undefined || !this.#waits.isWaiting(this.memory, move.from.memory)) continue;
      this.#withdraw(move);
      move.sequence.times.transferBegins(this.#clock.now());
      this.#handIn(move, true);
      return;
    }
  }

  #withdraw(move: Move): void {
    this.#offered.remove(move);
    this.#waits.remove(move.from.memory, this.memory);
  }

  waitingBlocks(): number {
    let sum = this.#instance.waitingBlocks();
    for (const { target } of this.#moving) sum += target.blocks;
    return sum;
  }

  waitsForMemory(): boolean {
    return this.#instance.waitsForMemory();
  }

  prefillBlocks(): number {
    return this.#instance.prefillBlocks();
  }

  decision(): Decision {
    return this.#instance.decision();
  }

  get isMoving(): boolean {
    return this.#moving.size > 0;
  }

  /** Requests that are on their way here, and their tokens. */
  requests(): number {
    return this.#offered.length + this.#moving.size;
  }

  tokens(): number {
    let sum = this.#offered.sum(({ sequence }) => tokensOf(sequence));
    for (const { sequence } of this.#moving) sum += tokensOf(sequence);
    return sum;
  }

  #send(move: Move): void {
    const { sequence, from, tokens, cachedTokens } = move;
    const { link, kvBytesPerToken } = this.#transfers;
    sequence.times.transferBegins(this.#clock.now());
    const bytes = Math.max(0, tokens - cachedTokens) * kvBytesPerToken;
    if (link === null) this.#arrive(move);
    else move.transfer = this.#linkFrom(from, link).send(bytes, 1, () => this.#arrive(move));
  }

  /** 1 if a request that has memory here, and has not run yet, has none for its next token. */
  #spareBlocks(): number {
    const { waiting } = this.#instance;
    for (const { sequence, target } of this.#moving) if (target.blocksNeeded(sequence.computedTokens + 1) > 0) return 1;
    for (let i = 0; i < waiting.length; i++) {
      const sequence = waiting.at(i);
      if (sequence === undefined || sequence.heldBlocks() === 0) continue;
      if (sequence.neededBlocks(sequence.computedTokens + 1) > 0) return 1;
    }
    return 0;
  }

  #linkFrom(from: Instance, shape: LinkShape): Link {
    let link = this.#links.get(from);
    if (link === undefined) this.#links.set(from, (link = new Link(this.#clock, shape)));
    return link;
  }

  #arrive(move: Move): void {
    this.#moving.delete(move);
    this.#handIn(move, this.#transfers.isLost?.() === true);
    if (this.#transfers.pace === 'in-turn') this.#begin(false);
  }

  /** `isLost`: without what was computed. */
  #handIn({ sequence, from, target }: Move, isLost: boolean): void {
    sequence.kv.release();
    from.wake();
    sequence.kv = target;
    sequence.times.arrived(this.#clock.now());
    if (isLost) {
      sequence.computedTokens = 0;
      sequence.isDecoding = false;
    } else target.computed(sequence.computedTokens);
    this.#instance.accept(sequence);
  }

  #cancel(move: Move): void {
    const { sequence, from, target, transfer } = move;
    if (!this.#moving.delete(move)) this.#withdraw(move);
    transfer?.cancel();
    target.release();
    sequence.kv.release();
    from.wake();
    // Looks here too, once it has looked for work.
    this.#instance.wake();
  }
}

/** Tokens that are computed once a request has come: what is cached here need not move, and may be more than it had. */
function tokensThere({ computedTokens }: Sequence, cachedTokens: number): number {
  return Math.max(computedTokens, cachedTokens);
}

/** A request between two instances. */
interface Move extends Place {
  readonly sequence: Sequence;
  readonly from: Instance;
  readonly tokens: number;
  /** What it holds where it goes: nothing until it may go. */
  readonly target: KvAllocation;
  /** Of its tokens, those that were cached there when it got memory. */
  cachedTokens: number;
  transfer: Transfer | null;
}
