import type { BatchSlot } from './batch-slot.ts';

/**
 * Called when an iteration begins (and, where the next is decided ahead, after that decision): the name of the instance,
 * its batch, and the time of each stage.
 */
export type IterationWatch = (instance: string, slot: BatchSlot, stageUs: number) => void;

/** What one iteration ran: plain JSON. Requests are named by id. */
export interface IterationEntry {
  readonly instance: string;
  /** When it began, and its time in each stage of the pipeline. */
  readonly begin_us: number;
  readonly stage_us: number;
  /** Chunks of prompts, or of what is computed again: `tokens` of it after `past` that are computed or cached. */
  readonly prefill: readonly { readonly id: string; readonly tokens: number; readonly past: number }[];
  /** Requests that compute one token behind a whole prompt. */
  readonly decode: readonly string[];
  /** Requests that lost their memory before it, or had it copied to the host. */
  readonly preempted: readonly string[];
  /** When it had been decided, so after its blocks were taken. */
  readonly free_blocks: number;
  readonly waiting: number;
}

/** Writes iterations down for `write`. */
export function logIterations(write: (entry: IterationEntry) => void): IterationWatch {
  return (instance, slot, stageUs) => {
    const prefill: { id: string; tokens: number; past: number }[] = [];
    const decode: string[] = [];
    for (const [i, { id }] of slot.batch.slice(0, slot.size).entries()) {
      if (slot.decodes[i] === true) decode.push(id);
      else prefill.push({ id, tokens: slot.tokens[i] ?? 0, past: slot.past[i] ?? 0 });
    }
    write({
      instance,
      begin_us: slot.nowUs,
      stage_us: stageUs,
      prefill,
      decode,
      preempted: [...slot.preemptedEarlier, ...slot.preempted].map(({ id }) => id),
      free_blocks: slot.freeBlocks,
      waiting: slot.waitingRequests,
    });
  };
}
