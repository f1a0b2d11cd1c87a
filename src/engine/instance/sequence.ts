import type { Completion, Listener, EngineRequest } from '../engine.ts';
import type { KvAccount } from '../kv/kv-cache.ts';
import { beginningOf, type Prompt, type PromptContent } from './prompt-content.ts';

/** A request as policies see it. Its true output length is not here. */
export interface SequenceView {
  readonly promptTokens: number;
  /** Output that the caller allows at most. */
  readonly maxTokens: number;
  readonly generatedTokens: number;
  /** Tokens, prompt first, whose keys and values are in memory. */
  readonly computedTokens: number;
  /** All of its prompt is computed, after a preemption all that it had: from now on token by token. */
  readonly isDecoding: boolean;
  readonly arrivalUs: number;
  /** Blocks that it holds. */
  heldBlocks(): number;
  /** While it waits without memory: tokens that it would find in the cache. */
  cachedTokens(): number;
  /** Free blocks that it would take to hold `tokens` tokens in all. */
  neededBlocks(tokens: number): number;
  /** Equal for prompts whose first `tokens` tokens are; null where they are not known. */
  beginning(tokens: number): string | null;
}

/** Tokens to compute before the next one comes out: a prompt or its rest, one when decoding, all after a preemption. */
export function missingTokens(sequence: SequenceView): number {
  return sequence.promptTokens + sequence.generatedTokens - sequence.computedTokens;
}

/** Tokens that there are of it by now: its prompt, and what it has generated. */
export function tokensOf(sequence: SequenceView): number {
  return sequence.promptTokens + sequence.generatedTokens;
}

/** Where a request is: an instance, or between two. */
export interface Place {
  /** Gives it up and frees its memory at once. */
  cancel(sequence: Sequence): void;
}

/** A request inside an engine. */
export class Sequence implements SequenceView, Prompt {
  readonly id: string;
  readonly promptTokens: number;
  readonly content: PromptContent | null;
  readonly maxTokens: number;
  readonly trueOutputTokens: number;
  readonly listener: Listener;
  readonly arrivalUs: number;
  /** `swapped`: its KV memory is copied to the host, and it waits to have it back. `moving`: between two instances. */
  state: 'waiting' | 'running' | 'swapped' | 'moving' | 'ended' = 'waiting';
  /**
   * What becomes of it at an instance that computes prompts: it is handed over, stays there to its last token, or ends
   * there and leaves its memory to be fetched.
   */
  course: 'handed-over' | 'whole' | 'held' = 'handed-over';
  place: Place | null = null;
  kv: KvAccount = NO_ACCOUNT;
  generatedTokens = 0;
  computedTokens = 0;
  isDecoding = false;
  /** Of its prompt, found in the cache when it was first admitted. */
  cachedPromptTokens = 0;
  firstScheduledUs = Number.NaN;
  /** When its prompt had been computed for the first time. */
  prefilledUs = Number.NaN;
  /**
   * When its KV memory began to move, when it had arrived where it decodes, and when it first ran there; NaN where it
   * stays in one place.
   */
  transferBeganUs = Number.NaN;
  handedOverUs = Number.NaN;
  decodeScheduledUs = Number.NaN;

  constructor(request: EngineRequest, listener: Listener, arrivalUs: number) {
    this.id = request.id;
    this.promptTokens = request.inputTokens;
    this.content = request.content;
    this.maxTokens = request.maxTokens;
    this.trueOutputTokens = request.trueOutputTokens;
    this.listener = listener;
    this.arrivalUs = arrivalUs;
  }

  heldBlocks(): number {
    return this.kv.blocks;
  }

  cachedTokens(): number {
    return this.computedTokens === 0 ? this.kv.cachedTokens() : 0;
  }

  neededBlocks(tokens: number): number {
    return this.kv.blocksNeeded(tokens);
  }

  beginning(tokens: number): string | null {
    return beginningOf(this, tokens);
  }

  /** Takes the prompt of `held` over, memory and history, all but its last token: that gives the first token of this one. */
  continueFrom(held: Sequence): void {
    this.kv = held.kv;
    this.state = 'moving';
    this.computedTokens = this.promptTokens - 1;
    this.cachedPromptTokens = held.cachedPromptTokens;
    this.firstScheduledUs = held.firstScheduledUs;
    this.prefilledUs = held.prefilledUs;
  }

  /** Given up by its caller; nothing happens once it has ended. */
  cancel(): void {
    if (this.state !== 'ended') this.place?.cancel(this);
    this.state = 'ended';
  }

  completion(endUs: number): Completion {
    const moved = !Number.isNaN(this.handedOverUs);
    return {
      finishReason: this.generatedTokens === this.maxTokens ? 'length' : 'stop',
      inputTokens: this.promptTokens,
      outputTokens: this.generatedTokens,
      cachedTokens: this.cachedPromptTokens,
      phases: {
        prefill_queue_us: this.firstScheduledUs - this.arrivalUs,
        prefill_us: this.prefilledUs - this.firstScheduledUs,
        transfer_us: moved ? this.handedOverUs - this.transferBeganUs : null,
        // Before its transfer too it waits for those that decode.
        decode_queue_us: moved
          ? this.transferBeganUs - this.prefilledUs + (this.decodeScheduledUs - this.handedOverUs)
          : null,
        decode_us: endUs - (moved ? this.decodeScheduledUs : this.prefilledUs),
      },
    };
  }
}

/** Before a request has come to an instance. */
const NO_ACCOUNT: KvAccount = {
  blocks: 0,
  cachedTokens: () => 0,
  blocksNeeded: () => Number.POSITIVE_INFINITY,
  allocate: () => false,
  computed: () => undefined,
  release: () => undefined,
  evict: () => undefined,
};
