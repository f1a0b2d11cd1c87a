import type { Clock } from '../../core/clock.ts';
import type { HeldPrompt } from '../engine.ts';
import { Instance } from '../instance/instance.ts';
import type { Sequence } from '../instance/sequence.ts';
import { Expiring } from './expiring.ts';

/** A held prompt, and the request that has its memory. */
export interface PendingTransfer extends HeldPrompt {
  /** Null until it has been submitted. */
  sequence: Sequence | null;
}

/**
 * Prompts whose memory is held to be fetched, once each, within `timeoutUs` of the end of prefill. Then it is freed: a
 * client that does not come back would hold it for ever.
 *
 *     open --> computed: keep --> take: freed when it has been transferred
 *        \--> release      \--> release, or too old: free
 */
export class PendingTransfers {
  /** Computed prompts. */
  readonly #kept: Expiring<PendingTransfer>;
  #opened = 0;

  constructor(clock: Clock, timeoutUs: number) {
    this.#kept = new Expiring(clock, timeoutUs, free);
  }

  /** For a request named `id`: of two with the same, each has a key of its own. */
  open(id: string): PendingTransfer {
    const key = `${id}-${this.#opened++}`;
    const held: PendingTransfer = {
      key,
      sequence: null,
      get blocks() {
        return held.sequence?.heldBlocks() ?? 0;
      },
      release: () => {
        if (this.#kept.take(key) === undefined) held.sequence?.cancel();
        else free(held);
      },
    };
    return held;
  }

  keep(held: PendingTransfer): void {
    this.#kept.keep(held.key, held);
  }

  find(key: string): PendingTransfer | undefined {
    return this.#kept.find(key);
  }

  /** Its memory is in the hands of the caller from now on. */
  take(held: PendingTransfer): void {
    this.#kept.take(held.key);
  }
}

/** A request that has ended gives back the memory that it left at its instance. */
function free({ sequence }: PendingTransfer): void {
  if (sequence === null) return;
  sequence.kv.release();
  // Others may wait for its memory.
  if (sequence.place instanceof Instance) sequence.place.wake();
}
