import type { Completion, Listener, Submission } from './engine.ts';
import type { BlockHolder } from './kv/block-pool.ts';

/** A request as policies see it. Its true output length is not here. */
export interface SequenceView {
  readonly promptTokens: number;
  readonly generatedTokens: number;
  /** Tokens, prompt first, whose keys and values are in memory. */
  readonly computedTokens: number;
  readonly heldBlocks: number;
}

/** Tokens that must be computed before the next one comes out: prompt or chunk of it, one when decoding, all after a preemption. */
export function missingTokens(sequence: SequenceView): number {
  return sequence.promptTokens + sequence.generatedTokens - sequence.computedTokens;
}

/** A request inside an instance. */
export class Sequence implements SequenceView, BlockHolder {
  readonly promptTokens: number;
  readonly maxTokens: number;
  readonly stopAfter: number;
  readonly listener: Listener;
  readonly arrivalUs: number;
  state: 'waiting' | 'running' | 'ended' = 'waiting';
  generatedTokens = 0;
  computedTokens = 0;
  heldBlocks = 0;
  firstScheduledUs = Number.NaN;
  firstTokenUs = Number.NaN;

  constructor(submission: Submission, listener: Listener, arrivalUs: number) {
    this.promptTokens = submission.inputTokens;
    this.maxTokens = submission.maxTokens;
    this.stopAfter = submission.stopAfter;
    this.listener = listener;
    this.arrivalUs = arrivalUs;
  }

  completion(endUs: number): Completion {
    return {
      finishReason: this.generatedTokens === this.maxTokens ? 'length' : 'stop',
      inputTokens: this.promptTokens,
      outputTokens: this.generatedTokens,
      cachedTokens: 0,
      phases: {
        prefill_queue_us: this.firstScheduledUs - this.arrivalUs,
        prefill_us: this.firstTokenUs - this.firstScheduledUs,
        transfer_us: null,
        decode_queue_us: null,
        decode_us: endUs - this.firstTokenUs,
      },
    };
  }
}
