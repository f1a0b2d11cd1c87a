import type { Clock } from '../../core/clock.ts';
import { Link, type LinkShape, type Transfer } from '../hardware/link.ts';
import type { Decision, Instance } from '../instance/instance.ts';
import type { KvAllocation } from '../kv/kv-cache.ts';
import type { KvAdmission, ReceiverView } from './kv-admission.ts';
import { tokensOf, type Place, type Sequence } from '../instance/sequence.ts';
import { WaitingQueue } from '../instance/waiting-queue.ts';

/** How KV memory moves between the instances of a cluster. */
export interface KvTransfers {
  /** From each instance to each other there is one. */
  readonly link: LinkShape;
  readonly kvBytesPerToken: number;
  readonly admission: KvAdmission;
  /**
   * Whether requests get memory with decisions of the instance alone, and what moves for a batch that was decided ahead
   * begins to move when that batch begins. If not, also when they come.
   */
  readonly isScheduled?: boolean | undefined;
  /** Whether a transfer that has just ended brought nothing, so that all has to be computed again. */
  readonly isLost?: (() => boolean) | undefined;
}

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
  readonly #links = new Map<Instance, Link>();
  readonly #offered = new WaitingQueue<Move>();
  readonly #moving = new Set<Move>();
  /** Those of `#moving` that begin to move with the next turn of the instance. */
  #due: Move[] = [];

  constructor(clock: Clock, instance: Instance, transfers: KvTransfers) {
    this.#clock = clock;
    this.#instance = instance;
    this.#transfers = transfers;
  }

  get memory(): Instance['memory'] {
    return this.#instance.memory;
  }

  /** `sequence` has left `from`, and `tokens` of its tokens are in memory there until they have come here. */
  offer(sequence: Sequence, from: Instance, tokens: number): void {
    const target = this.memory.open(sequence);
    const cancel = (): void => this.#cancel(move);
    const move: Move = { sequence, from, tokens, target, cachedTokens: 0, transfer: null, cancel };
    sequence.place = move;
    this.#offered.push(move);
    if (this.#transfers.isScheduled === true) this.#instance.wake();
    else this.look(false);
  }

  /** Whether `sequence`, offered now, would have memory at once. */
  hasRoom(sequence: Sequence): boolean {
    const target = this.memory.open(sequence);
    const blocks = target.blocksNeeded(tokensThere(sequence, target.cachedTokens()) + 1);
    return this.#offered.length === 0 && this.#transfers.admission(this, blocks);
  }

  /**
   * Takes in those that may have memory now: to be called whenever that may have changed. `isAhead`: they begin to move
   * with the next turn of the instance.
   */
  look(isAhead: boolean): void {
    const { admission } = this.#transfers;
    for (let move = this.#offered.at(0); move !== undefined; move = this.#offered.at(0)) {
      const { sequence, target } = move;
      const cached = target.cachedTokens();
      const there = tokensThere(sequence, cached);
      // With room for what it computes next, or several that wait could fill the memory and none of them run.
      if (!admission(this, target.blocksNeeded(there + 1)) || !target.allocate(there + 1, cached)) return;
      this.#offered.remove(move);
      this.#moving.add(move);
      sequence.computedTokens = there;
      move.cachedTokens = cached;
      if (isAhead && this.#transfers.isScheduled === true) this.#due.push(move);
      else this.#send(move);
    }
  }

  /** The next turn of the instance has come. */
  sendDue(): void {
    if (this.#due.length === 0) return;
    for (const move of this.#due) if (this.#moving.has(move)) this.#send(move);
    this.#due = [];
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
    sequence.times.transferBegins(this.#clock.now());
    const bytes = Math.max(0, tokens - cachedTokens) * this.#transfers.kvBytesPerToken;
    move.transfer = this.#linkFrom(from).send(bytes, 1, () => this.#arrive(move));
  }

  #linkFrom(from: Instance): Link {
    let link = this.#links.get(from);
    if (link === undefined) this.#links.set(from, (link = new Link(this.#clock, this.#transfers.link)));
    return link;
  }

  #arrive(move: Move): void {
    const { sequence, from, target } = move;
    this.#moving.delete(move);
    sequence.kv.release();
    from.wake();
    sequence.kv = target;
    sequence.times.arrived(this.#clock.now());
    if (this.#transfers.isLost?.() === true) {
      sequence.computedTokens = 0;
      sequence.isDecoding = false;
    } else target.computed(sequence.computedTokens);
    this.#instance.accept(sequence);
  }

  #cancel(move: Move): void {
    const { sequence, from, target, transfer } = move;
    if (!this.#moving.delete(move)) this.#offered.remove(move);
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
