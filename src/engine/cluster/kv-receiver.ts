import type { Clock } from '../../core/clock.ts';
import type { Link, Transfer } from '../hardware/link.ts';
import type { Instance } from '../instance/instance.ts';
import type { KvAccount } from '../kv/kv-cache.ts';
import type { KvAdmission, ReceiverView } from './kv-admission.ts';
import type { InstanceView } from './routers.ts';
import { tokensOf, type Place, type Sequence } from '../instance/sequence.ts';
import { WaitingQueue } from '../instance/waiting-queue.ts';

export interface ReceiverParts {
  readonly clock: Clock;
  /** Where the requests are to decode. */
  readonly decode: Instance;
  readonly admission: KvAdmission;
  readonly kvBytesPerToken: number;
  /** Whether a transfer that has just ended brought nothing, so that the prompt has to be computed again. */
  readonly isLost?: (() => boolean) | undefined;
}

/**
 * What stands before an instance that decodes: requests whose prompt was computed elsewhere wait, in order, until they
 * may have memory here; then it is taken, and what was computed moves over the link.
 *
 *     prefill instance: computes --> holds, offered ---> holds, moving --> free
 *     decode instance:                                   holds, moving --> holds, waiting --> runs
 */
export class KvReceiver implements ReceiverView, InstanceView {
  readonly #parts: ReceiverParts;
  readonly #offered = new WaitingQueue<Move>();
  readonly #moving = new Set<Move>();

  constructor(parts: ReceiverParts) {
    this.#parts = parts;
  }

  get memory(): Instance['memory'] {
    return this.#parts.decode.memory;
  }

  /** `sequence` has left the running of `from`, and holds its memory there. */
  offer(sequence: Sequence, from: Instance, link: Link): void {
    const target = this.memory.open(sequence);
    const move: Move = { sequence, from, link, target, transfer: null, cancel: () => this.#cancel(move) };
    sequence.place = move;
    this.#offered.push(move);
    this.look();
  }

  /** Takes in who may have memory now: to be asked whenever that may have changed. */
  look(): void {
    const { clock, admission, kvBytesPerToken } = this.#parts;
    for (let move = this.#offered.at(0); move !== undefined; move = this.#offered.at(0)) {
      const { sequence, link, target } = move;
      // What moves can be found here once it has come. With room for what it computes next, or several that wait could
      // fill the memory and none of them run.
      const holdTokens = sequence.computedTokens + 1;
      const cached = target.cachedTokens();
      if (!admission(this, target.blocksNeeded(holdTokens)) || !target.allocate(holdTokens, cached)) return;
      this.#offered.remove(move);
      this.#moving.add(move);
      sequence.transferBeganUs = clock.now();
      const moved = move;
      const bytes = (sequence.promptTokens - cached) * kvBytesPerToken;
      move.transfer = link.send(bytes, 1, () => this.#arrive(moved));
    }
  }

  waitingBlocks(): number {
    let sum = this.#parts.decode.waitingBlocks();
    for (const { target } of this.#moving) sum += target.blocks;
    return sum;
  }

  waitsForMemory(): boolean {
    return this.#parts.decode.waitsForMemory();
  }

  /** Those that are between instances. */
  between(): number {
    return this.#offered.length + this.#moving.size;
  }

  requests(): number {
    return this.#parts.decode.requests() + this.between();
  }

  tokens(): number {
    let sum = this.#parts.decode.tokens() + this.#offered.sum(({ sequence }) => tokensOf(sequence));
    for (const { sequence } of this.#moving) sum += tokensOf(sequence);
    return sum;
  }

  #arrive(move: Move): void {
    const { clock, decode, isLost } = this.#parts;
    const { sequence, from, target } = move;
    this.#moving.delete(move);
    sequence.kv.release();
    from.wake();
    sequence.kv = target;
    sequence.handedOverUs = clock.now();
    if (isLost?.() === true) {
      sequence.computedTokens = 0;
      sequence.isDecoding = false;
    } else target.computed(sequence.computedTokens);
    decode.accept(sequence);
  }

  #cancel(move: Move): void {
    const { sequence, from, target, transfer } = move;
    if (!this.#moving.delete(move)) this.#offered.remove(move);
    transfer?.cancel();
    target.release();
    sequence.kv.release();
    from.wake();
    // Looks here too, once it has looked for work.
    this.#parts.decode.wake();
  }
}

/** A request between two instances. */
interface Move extends Place {
  readonly sequence: Sequence;
  readonly from: Instance;
  readonly link: Link;
  /** What it holds where it goes: nothing until it may go. */
  readonly target: KvAccount;
  transfer: Transfer | null;
}
