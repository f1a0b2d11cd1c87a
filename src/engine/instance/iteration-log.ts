import type { BatchSlot } from './batch-slot.ts';

/** Called when an iteration begins: the name of the instance, its batch, and the time of each stage. */
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
  /** After this iteration's were taken. */
  readonly free_blocks: number;
  readonly waiting: number;
}

/** Writes iterations down for `write`. */
export function logIterations(write: (entry: IterationEntry) => void): IterationWatch {
  return (instance, slot, stageUs) => {
    const prefill: { id: string; tokens: number; past: number }[] = [];
    const decode: string[] = [];
    for (const [i, sequence] of slot.batch.slice(0, slot.size).entries()) {
      if (sequence.isDecoding) decode.push(sequence.id);
      else prefill.push({ id: sequence.id, tokens: slot.tokens[i] ?? 0, past: sequence.computedTokens });
    }
    write({
      instance,
      begin_us: slot.nowUs,
      stage_us: stageUs,
      prefill,
      decode,
      preempted: [...slot.preemptedEarlier, ...slot.preempted].map(({ id }) => id),
      free_blocks: slot.memory.freeBlocks,
      waiting: slot.waiting.length,
    });
  };
}
