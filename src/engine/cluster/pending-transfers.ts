import type { Clock } from '../../core/clock.ts';
import type { HeldPrompt } from '../engine.ts';
import { Instance } from '../instance/instance.ts';
import type { Sequence } from '../instance/sequence.ts';

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
  readonly #clock: Clock;
  readonly #timeoutUs: number;
  /** Computed prompts, in the order in which they become too old. */
  readonly #kept = new Map<string, { readonly held: PendingTransfer; readonly dueUs: number }>();
  #opened = 0;
  #isDue = false;

  constructor(clock: Clock, timeoutUs: number) {
    this.#clock = clock;
    this.#timeoutUs = timeoutUs;
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
        const isKept = this.#kept.delete(key);
        if (isKept && held.sequence !== null) free(held.sequence);
        else held.sequence?.cancel();
      },
    };
    return held;
  }

  keep(held: PendingTransfer): void {
    this.#kept.set(held.key, { held, dueUs: this.#clock.now() + this.#timeoutUs });
    if (!this.#isDue) this.#expire();
  }

  find(key: string): PendingTransfer | undefined {
    return this.#kept.get(key)?.held;
  }

  /** Its memory is in the hands of the caller from now on. */
  take(held: PendingTransfer): void {
    this.#kept.delete(held.key);
  }

  readonly #expire = (): void => {
    this.#isDue = false;
    const nowUs = this.#clock.now();
    for (const { held, dueUs } of this.#kept.values()) {
      if (dueUs <= nowUs) {
        held.release();
        continue;
      }
      this.#isDue = true;
      this.#clock.at(dueUs, this.#expire);
      return;
    }
  };
}

/** A request that has ended gives back the memory that it left at its instance. */
function free({ kv, place }: Sequence): void {
  kv.release();
  // Others may wait for its memory.
  if (place instanceof Instance) place.wake();
}
