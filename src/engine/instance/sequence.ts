import type { Completion, Listener, EngineRequest } from '../engine.ts';
import type { KvAllocation } from '../kv/kv-cache.ts';
import { PhaseTimes } from './phase-times.ts';
import { beginningOf, type Prompt, type PromptContent } from './prompt-content.ts';

/** A request as policies see it. Its true output length is not here. */
export interface SequenceView {
  readonly promptTokens: number;
  /** Output that the caller allows at most. */
  readonly maxTokens: number;
  /** Output that is known. */
  readonly generatedTokens: number;
  /** Tokens, prompt first, whose keys and values are in memory, or will be when the batches under way have run. */
  readonly computedTokens: number;
  /** Output of the batches under way, 1 or 0; above 0 only where a decision is taken while another batch runs. */
  readonly tokensInFlight: number;
  /** All of its prompt is computed, after a preemption all that it had: from now on token by token. */
  readonly isDecoding: boolean;
  readonly arrivalUs: number;
  /** Blocks that it holds. */
  heldBlocks(): number;
  /** Whether the batches under way output all that it may output here: `maxTokens`, or the first token before it moves. */
  readonly isSpent: boolean;
  /** While it waits without memory: tokens that it would find in the cache. */
  cachedTokens(): number;
  /** Free blocks that it would take to hold `tokens` tokens in all. */
  neededBlocks(tokens: number): number;
  /** Equal for prompts whose first `tokens` tokens are; null where they are not known. */
  beginning(tokens: number): string | null;
}

/**
 * Tokens to compute before the next one comes out: a prompt or its rest, one when decoding, all after a preemption. The
 * output of batches under way counts, for the next batch computes with it.
 */
export function missingTokens(sequence: SequenceView): number {
  return sequence.promptTokens + sequence.generatedTokens + sequence.tokensInFlight - sequence.computedTokens;
}

/** Tokens that are known of it by now: its prompt, and what it has generated. */
export function tokensOf(sequence: SequenceView): number {
  return sequence.promptTokens + sequence.generatedTokens;
}

/** Where a request is: at an instance, between two, or held by the cluster. */
export interface Place {
  /** Drops the request and frees its memory at once. */
  cancel(sequence: Sequence): void;
}

/**
 * What follows at an instance whose role is `prefill` once the prompt of a request is computed: the request stays there
 * to its last token (`local`), ends there and leaves its memory to be fetched (`hold`), or goes on to an instance that
 * decodes (`transfer`), which makes it `local`.
 */
export type PrefillMode = 'local' | 'hold' | 'transfer';

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
  prefillMode: PrefillMode;
  place: Place | null = null;
  kv: KvAllocation = NO_ALLOCATION;
  generatedTokens = 0;
  computedTokens = 0;
  tokensInFlight = 0;
  isDecoding = false;
  isSpent = false;
  /** Of its prompt, found in the cache when it was first admitted. */
  cachedPromptTokens = 0;
  readonly times = new PhaseTimes();

  constructor(request: EngineRequest, listener: Listener, arrivalUs: number, prefillMode: PrefillMode = 'transfer') {
    this.id = request.id;
    this.promptTokens = request.inputTokens;
    this.content = request.content;
    this.maxTokens = request.maxTokens;
    this.trueOutputTokens = request.trueOutputTokens;
    this.listener = listener;
    this.arrivalUs = arrivalUs;
    this.prefillMode = prefillMode;
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

  /** Of its tokens in memory, those that a cache may keep when they are freed: not the one that gives the token in flight. */
  cacheableTokens(): number {
    return this.computedTokens - this.tokensInFlight;
  }

  /**
   * Takes the prompt of `held` over, memory and history, all but its last token: that gives the first token of this
   * one.
   */
  continueFrom(held: Sequence): void {
    this.kv = held.kv;
    this.state = 'moving';
    this.computedTokens = this.promptTokens - 1;
    this.isDecoding = true;
    this.cachedPromptTokens = held.cachedPromptTokens;
    this.times.continueFrom(held.times);
  }

  /** Its caller gives it up; nothing happens once it has ended. */
  cancel(): void {
    if (this.state !== 'ended') this.place?.cancel(this);
    this.state = 'ended';
  }

  completion(endUs: number): Completion {
    return {
      finishReason: this.generatedTokens === this.maxTokens ? 'length' : 'stop',
      inputTokens: this.promptTokens,
      outputTokens: this.generatedTokens,
      cachedTokens: this.cachedPromptTokens,
      phases: this.times.phases(this.arrivalUs, endUs),
      bridgeQueueUs: this.times.bridgeQueueUs,
    };
  }
}

/** Before a request has come to an instance. */
const NO_ALLOCATION: KvAllocation = {
  blocks: 0,
  cachedTokens: () => 0,
  blocksNeeded: () => Number.POSITIVE_INFINITY,
  allocate: () => false,
  computed: () => undefined,
  release: () => undefined,
  evict: () => undefined,
};
