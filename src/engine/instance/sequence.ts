import type { Completion, Listener, EngineRequest } from '../engine.ts';
import type { KvAllocation } from '../kv/kv-cache.ts';
import { PhaseTimes } from './phase-times.ts';
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
  /** Whether what is under way outputs all that it may. */
  readonly isSpent: boolean;
  /** It is over, or its caller has given it up. */
  readonly hasEnded: boolean;
  /** Blocks that it holds. */
  heldBlocks(): number;
  /** While it waits without memory: tokens that it would find in the cache. */
  cachedTokens(): number;
  /** As `cachedTokens`; where a look-up counts as a use, what it finds is evicted later. */
  lookUp(): number;
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
  isDecoding = false;
  readonly isSpent = false;
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

  get hasEnded(): boolean {
    return this.state === 'ended';
  }

  heldBlocks(): number {
    return this.kv.blocks;
  }

  cachedTokens(): number {
    return this.computedTokens === 0 ? this.kv.cachedTokens() : 0;
  }

  lookUp(): number {
    return this.computedTokens === 0 ? this.kv.lookUp() : 0;
  }

  neededBlocks(tokens: number): number {
    return this.kv.blocksNeeded(tokens);
  }

  beginning(tokens: number): string | null {
    return beginningOf(this, tokens);
  }

  /**
   * Takes the prompt of `held` over, memory and history, all but its last token: that gives the first token of this
   * one.
   */
  continueFrom(held: Sequence): void {
    this.kv = held.kv;
    this.state = 'moving';
    this.computedTokens = this.promptTokens - 1;
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
  lookUp: () => 0,
  blocksNeeded: () => Number.POSITIVE_INFINITY,
  allocate: () => false,
  computed: () => undefined,
  release: () => undefined,
  evict: () => undefined,
};
